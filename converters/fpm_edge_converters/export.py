"""From a network to the members of a bundle: convert whole, check, cut, check the pieces against the whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import tf_keras
from numpy.typing import NDArray

from fpm_edge_converters.checks import (
    check_dynamic_range_tflite,
    check_folded_onnx,
    check_folded_tflite,
    check_int8_onnx,
    check_int8_tflite,
    check_int16x8_tflite,
    check_plain_onnx,
    check_same_maps,
    check_transposes,
)
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import cut_onnx, to_onnx
from fpm_edge_converters.onnx_optimized import check_optimized_onnx
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.tflite import Precision, to_tflite
from fpm_edge_converters.unsigned_edges import Edges
from fpm_edge_converters.whole import whole_onnx_members, whole_tflite_members
from fpm_edge_runtime.bundle.conversion import converted
from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.engines import load_engine

__all__ = ["Exported", "export"]

_ENGINE = {"tflite": "litert", "onnx": "onnxruntime"}
_TFLITE_CHECKS: dict[Precision, Callable[[FlatGraph], None]] = {
    "int8": check_int8_tflite,
    "int16x8": check_int16x8_tflite,
    "dynamic-range": check_dynamic_range_tflite,
}


@dataclass(frozen=True)
class Exported:
    """The pieces of each format, their bytes by member name, and the whole file of each format with its size."""

    pieces: dict[Format, tuple[Piece, ...]]
    members: dict[str, bytes]
    whole_bytes: dict[Format, int]
    wholes: dict[Format, tuple[Piece, bytes]] = field(default_factory=dict)


def export(
    model: tf_keras.Model,
    precision: Precision,
    formats: Sequence[Format],
    probes: Sequence[NDArray[np.uint8]],
    *,
    whole_files: bool = False,
    edges: Edges = "int8",
) -> Exported:
    """Convert, cut and check.

    Args:
        model: see `to_tflite`.
        formats: which of ``tflite`` and ``onnx`` to make. ONNX is made from the TFLite file, so that both agree;
            int16x8 and dynamic-range have no ONNX form.
        probes: inputs (height, width, 3) uint8 on which the stages must equal the whole graph bit for bit (code for
            code, where their edges are uint8).
        whole_files: also make the members of `whole.py`, from the image to landmarks in one file. What they find is
            checked by `check_whole`, against the bundle's own runtime.
        edges: of the int8 TFLite pieces. ONNX pieces and those of other precisions have no others to choose from.

    Raises:
        ConversionError: any assertion on what was made.
    """
    stages = len(model.outputs)
    graph = to_tflite(model, precision)
    check_folded_tflite(graph)
    if precision in _TFLITE_CHECKS:
        _TFLITE_CHECKS[precision](graph)
    cuts = plan_cuts(graph, stages)
    whole = graph.cut(graph.inputs, graph.outputs)
    specs = Piece(
        name="whole",
        member="whole.tflite",
        inputs=tuple(graph.spec(i) for i in graph.inputs),
        outputs=tuple(graph.spec(i) for i in graph.outputs),
    )
    made: dict[Format, tuple[Piece, bytes, dict[Piece, bytes]]] = {}
    extra: dict[str, bytes] = {}
    if "tflite" in formats:
        made["tflite"] = specs, whole, cut_tflite(graph, cuts, edges)
        if whole_files:
            extra |= whole_tflite_members(whole, made["tflite"][2], stages)
    if "onnx" in formats:
        converted = to_onnx(whole, stages=stages, half_weights=precision == "float16")
        check_transposes(converted)
        check_plain_onnx(converted, "the ONNX graph")
        check_folded_onnx(converted)
        if precision == "int8":
            check_int8_onnx(converted)
        pieces = cut_onnx(converted, cuts)
        for piece, data in pieces.items():
            check_plain_onnx(onnx.load_from_string(data), piece.member)
            if precision == "int8":
                check_optimized_onnx(data, piece.member)
        if whole_files:
            extra |= whole_onnx_members(converted, stages)
        by_name = {spec.name: spec for piece in pieces for spec in (*piece.inputs, *piece.outputs)}
        specs = Piece(
            name="whole",
            member="whole.onnx",
            inputs=(by_name["image"],),
            outputs=tuple(by_name[f"heatmap_{t}"] for t in range(1, stages + 1)),
        )
        made["onnx"] = specs, converted.SerializeToString(deterministic=True), pieces
    for form, (whole_piece, data, pieces) in made.items():
        _check_staged(form, whole_piece, data, pieces, probes)
    return Exported(
        pieces={form: tuple(pieces) for form, (_, _, pieces) in made.items()},
        members={piece.member: data for _, _, pieces in made.values() for piece, data in pieces.items()} | extra,
        whole_bytes={form: len(data) for form, (_, data, _) in made.items()},
        wholes={form: (piece, data) for form, (piece, data, _) in made.items()},
    )


def _check_staged(
    form: Format,
    whole: Piece,
    data: bytes,
    pieces: Mapping[Piece, bytes],
    probes: Sequence[NDArray[np.uint8]],
) -> None:
    engine = load_engine(_ENGINE[form])
    run_whole = engine.load(whole, data, 1)
    runners = {piece: engine.load(piece, content, 1) for piece, content in pieces.items()}
    made = {spec.name: spec for piece in pieces for spec in piece.outputs}
    for probe in probes:
        tensors: dict[str, NDArray[Any]] = {"image": probe[np.newaxis]}
        expected = {name: np.array(value) for name, value in run_whole(tensors).items()}
        for piece, run in runners.items():
            given = {spec.name: tensors[spec.name] for spec in piece.inputs}
            tensors |= {name: np.array(value) for name, value in run(given).items()}
        # Codes of uint8 stand for those of int8 that are 128 lower.
        found = [converted(tensors[spec.name], made[spec.name], spec) for spec in whole.outputs]
        check_same_maps([expected[spec.name] for spec in whole.outputs], found, f"{form} stages")
