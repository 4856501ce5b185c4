"""Whether a manifest's pieces can be run one after the other, and give the heatmaps that its geometry promises."""

from collections.abc import Iterable

import numpy as np

from fpm_edge_runtime.bundle.manifest import Manifest, Piece, TensorSpec
from fpm_edge_runtime.bundle.tensors import is_convertible
from fpm_edge_runtime.errors import BundleError

__all__ = ["check_wiring", "pieces_for"]

# Far above any sensible model; keeps a wrong manifest from asking for absurd amounts of memory.
_MAX_SIDE = 8192
_MAX_STAGES = 99
# Engines keep scales as float32.
_SMALLEST_SCALE, _LARGEST_SCALE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def check_wiring(manifest: Manifest) -> None:
    """Check geometry, pieces and tensors of every format in the manifest.

    Raises:
        BundleError: a size is impossible; a stage is missing; an input comes from nowhere; a tensor cannot be
            passed from one piece to the next; a heatmap has another shape than geometry and landmarks give.
    """
    _check_geometry(manifest)
    if not any(manifest.pieces.values()):
        raise BundleError("manifest.json: pieces is empty; expected the stages in at least one format")
    for form, pieces in manifest.pieces.items():
        _check_names(pieces, form, manifest.stages)
        known: dict[str, TensorSpec] = {}
        for piece in pieces:
            where = f"manifest.json: pieces.{form}, {piece.name}"
            for spec in piece.inputs:
                _check_input(spec, known, manifest, where)
            for spec in piece.outputs:
                _check_tensor(spec, where)
                if spec.name in known or spec.name == "image":
                    raise BundleError(f"{where}: output {spec.name!r} is also the name of an earlier tensor")
                known[spec.name] = spec
        for stage in range(1, manifest.stages + 1):
            _check_heatmap(pieces, stage, manifest, form)


def pieces_for(pieces: tuple[Piece, ...], stage: int) -> tuple[Piece, ...]:
    """The pieces that `stage` needs, in executable order, itself last. The wiring must have been checked."""
    wanted = {f"heatmap_{stage}"}
    needed: list[Piece] = []
    for piece in reversed(pieces):
        if any(spec.name in wanted for spec in piece.outputs):
            needed.append(piece)
            wanted.update(spec.name for spec in piece.inputs)
    return tuple(reversed(needed))


def _check_geometry(manifest: Manifest) -> None:
    geometry = manifest.geometry
    for name, side in (("input_height", geometry.input_height), ("input_width", geometry.input_width)):
        if not 0 < side <= _MAX_SIDE or geometry.stride < 1 or side % geometry.stride:
            raise BundleError(
                f"manifest.json: geometry.{name} is {side} with stride {geometry.stride}; "
                f"expected a multiple of the stride, at most {_MAX_SIDE}"
            )
    if not 1 <= manifest.stages <= _MAX_STAGES:
        raise BundleError(f"manifest.json: stages is {manifest.stages}; expected 1 to {_MAX_STAGES}")


def _check_names(pieces: tuple[Piece, ...], form: str, stages: int) -> None:
    names = [piece.name for piece in pieces if piece.name != "context"]
    if names != [f"stage_{stage}" for stage in range(1, stages + 1)] or len(pieces) - len(names) > 1:
        found = ", ".join(piece.name for piece in pieces) or "none"
        raise BundleError(
            f"manifest.json: pieces.{form} are {found}; expected stage_1 to stage_{stages} in order, "
            "and at most one context"
        )
    for piece in pieces:
        member = f"stages/{piece.name.removeprefix('stage_')}.{form}"
        if piece.member != member:
            raise BundleError(
                f"manifest.json: pieces.{form}, {piece.name} is in member {piece.member!r}; expected {member}"
            )
        if not piece.inputs:
            raise BundleError(f"manifest.json: pieces.{form}, {piece.name} has no inputs; expected at least one")


def _check_input(spec: TensorSpec, known: dict[str, TensorSpec], manifest: Manifest, where: str) -> None:
    if spec.name == "image":
        size = (manifest.geometry.input_height, manifest.geometry.input_width)
        expected = (1, *size, 3) if spec.layout == "NHWC" else (1, 3, *size)
        if spec.dtype != "uint8" or spec.shape != expected:
            raise BundleError(
                f"{where}: input image is {spec.dtype} {spec.shape}; expected uint8 {expected} from the geometry"
            )
        return
    _check_tensor(spec, where)
    if spec.name not in known:
        raise BundleError(
            f"{where}: input {spec.name!r} is neither the image nor an output of an earlier piece; "
            f"those are: {', '.join(known) or 'none'}"
        )
    if not is_convertible(known[spec.name], spec):
        raise BundleError(
            f"{where}: input {spec} does not fit the earlier piece's output {known[spec.name]}; "
            "both must have one shape and layout, and one scale and zero point unless their types differ"
        )


def _check_tensor(spec: TensorSpec, where: str) -> None:
    if len(spec.shape) != 4 or spec.shape[0] != 1 or min(spec.shape) < 1 or max(spec.shape) > _MAX_SIDE:
        raise BundleError(f"{where}: tensor {spec.name!r} has shape {spec.shape}; expected four sizes, batch 1")
    if spec.dtype == "float32":
        fits = spec.scale is None and spec.zero_point is None
    else:
        limits = np.iinfo(spec.dtype)
        fits = (
            spec.scale is not None
            and _SMALLEST_SCALE <= spec.scale <= _LARGEST_SCALE
            and spec.zero_point is not None
            and limits.min <= spec.zero_point <= limits.max
        )
    if not fits:
        raise BundleError(
            f"{where}: tensor {spec.name!r} is {spec.dtype} with scale {spec.scale} and zero point "
            f"{spec.zero_point}; codes need both, within their range, and float32 has neither"
        )


def _check_heatmap(pieces: Iterable[Piece], stage: int, manifest: Manifest, form: str) -> None:
    geometry = manifest.geometry
    rows, columns = geometry.input_height // geometry.stride, geometry.input_width // geometry.stride
    maps = len(manifest.landmarks.landmarks) + 1
    name = f"heatmap_{stage}"
    (piece,) = (piece for piece in pieces if piece.name == f"stage_{stage}")
    where = f"manifest.json: pieces.{form}, {piece.name}"
    spec = next((spec for spec in piece.outputs if spec.name == name), None)
    if spec is None:
        raise BundleError(f"{where}: no output is called {name!r}; expected the stage's heatmaps under that name")
    expected = (1, rows, columns, maps) if spec.layout == "NHWC" else (1, maps, rows, columns)
    if spec.shape != expected:
        raise BundleError(
            f"{where}: {name} has shape {spec.shape} {spec.layout}; expected {expected} from the geometry and "
            f"{maps - 1} landmarks and the background"
        )
