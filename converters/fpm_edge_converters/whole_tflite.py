"""Image in, landmarks out, as one TFLite file; and all stages as signatures of one file.

The network inside is the one that is cut into stages, code for code; the decoder (`decoder.py`) follows its heatmaps.
The image has the network's size: TFLite has no resize that widens its kernel when shrinking, and a tensor of unknown
size would keep the whole file from XNNPACK.
"""

from collections.abc import Mapping

from fpm_edge_converters.decoder import LANDMARKS, decoder_tflite, stride_of
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.signatures import join_signatures
from fpm_edge_runtime.bundle.manifest import Piece

__all__ = ["stages_tflite", "whole_tflite"]


def whole_tflite(network: bytes, stages: int) -> bytes:
    """The network with the decoder behind its last stage.

    Args:
        network: TFLite file from ``image`` to ``heatmap_1..T`` (`tflite.to_tflite`).
        stages: T.

    Returns:
        A file from ``image`` (1, height, width, 3) uint8 to ``landmarks`` (L, 3) float32: x and y in pixels of the
        image, and the score, 0 to 1.
    """
    graph = FlatGraph(network)
    heatmap = graph.find(f"heatmap_{stages}")
    decoder = decoder_tflite(graph.spec(heatmap), stride_of(graph.spec(graph.inputs[0]), graph.spec(heatmap)))
    added = graph.append(decoder, {decoder.inputs[0]: heatmap}, "decode/")
    return graph.cut(graph.inputs, [added[LANDMARKS]])


def stages_tflite(pieces: Mapping[Piece, bytes]) -> bytes:
    """Every piece as a signature of one file, and for every stage the decoder as ``landmarks_<t>``.

    Args:
        pieces: as `pieces.cut_tflite` makes them.

    Returns:
        A file with the signatures ``stage_1``, ``context``, ``stage_2``, ... whose inputs and outputs are those of the
        pieces, and ``landmarks_<t>`` from ``heatmaps``, which are those of stage t, to ``landmarks``, as in
        `whole_tflite`.
    """
    files = {piece.name: data for piece, data in pieces.items()}
    specs = {spec.name: spec for piece in pieces for spec in (*piece.inputs, *piece.outputs)}
    for name, spec in specs.items():
        if name.startswith("heatmap_"):
            decoder = decoder_tflite(spec, stride_of(specs["image"], spec))
            files[f"landmarks_{name.removeprefix('heatmap_')}"] = decoder.cut(decoder.inputs, decoder.outputs)
    return join_signatures(files)
