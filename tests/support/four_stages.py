"""A bundle of four stages to test with, made of one of two."""

import msgspec

from fpm_edge_runtime import Bundle, Manifest, open_bundle
from fpm_edge_runtime.bundle.manifest import Convergence
from fpm_edge_runtime.stages.pack import bundle_bytes


def four_stages(bundle: Bundle, convergence: Convergence | None) -> Bundle:
    """The hollow bundle of two stages with two more like the second."""
    manifest: Manifest = bundle.manifest
    first, context, second = manifest.pieces["tflite"]
    _, heatmap_1 = second.inputs
    (heatmap_2,) = second.outputs
    pieces = [first, context, second]
    members = {piece.member: bundle.read(piece.member) for piece in pieces}
    for stage in (3, 4):
        given = msgspec.structs.replace(heatmap_1, name=f"heatmap_{stage - 1}")
        made = msgspec.structs.replace(heatmap_2, name=f"heatmap_{stage}")
        member = f"stages/{stage}.tflite"
        pieces.append(
            msgspec.structs.replace(
                second, name=f"stage_{stage}", member=member, inputs=(context.outputs[0], given), outputs=(made,)
            )
        )
        members[member] = member.encode()
    whole = msgspec.structs.replace(
        manifest,
        schema_version=2 if convergence else 1,
        stages=4,
        pieces={"tflite": tuple(pieces)},
        convergence=convergence,
    )
    return open_bundle(bundle_bytes(whole, members))
