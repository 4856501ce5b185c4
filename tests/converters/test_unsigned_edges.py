"""TFLite pieces whose edges are uint8."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge_converters import Edges, export
from fpm_edge_converters.compare import compare_layers
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layers import match_layers
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.unsigned_edges import with_unsigned_edges
from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.errors import ConversionError

Run = Callable[[bytes, dict[str, Any]], dict[str, Any]]


def cut(whole: bytes, edges: Edges) -> dict[Piece, bytes]:
    graph = FlatGraph(whole)
    return cut_tflite(graph, plan_cuts(graph, 3), edges)


def unsigned(codes: np.ndarray) -> np.ndarray:
    return (codes.astype(np.int16) + 128).astype(np.uint8)


def shifted(spec: TensorSpec) -> TensorSpec:
    """What the manifest says of an int8 edge once it is uint8."""
    if spec.dtype != "int8":
        return spec
    assert spec.zero_point is not None
    return msgspec.structs.replace(spec, dtype="uint8", zero_point=spec.zero_point + 128)


def test_every_code_is_shifted_and_nothing_else(int8_tflite: bytes, inputs: list[Any], run_tflite: Run) -> None:
    signed, moved = cut(int8_tflite, "int8"), cut(int8_tflite, "uint8")
    assert [piece.name for piece in moved] == [piece.name for piece in signed]
    seen = 0
    for image in inputs:
        tensors: dict[str, Any] = {"image": image[np.newaxis]}
        for (old, data), (new, other) in zip(signed.items(), moved.items(), strict=True):
            expected = run_tflite(data, {spec.name: tensors[spec.name] for spec in old.inputs})
            given = {spec.name: tensors[spec.name] for spec in new.inputs}
            given = {name: codes if name == "image" else unsigned(codes) for name, codes in given.items()}
            found = run_tflite(other, given)
            assert set(found) == set(expected)
            for name, codes in expected.items():
                assert found[name].dtype == np.uint8
                np.testing.assert_array_equal(found[name], unsigned(codes))
                seen += len(np.unique(codes))
            tensors |= expected
    assert seen > 1000


def test_codes_that_no_picture_gives_are_shifted_too(int8_tflite: bytes, run_tflite: Run) -> None:
    """All 256 of them, at every input."""
    for (old, data), (new, other) in zip(
        cut(int8_tflite, "int8").items(), cut(int8_tflite, "uint8").items(), strict=True
    ):
        given = {
            spec.name: np.resize(np.arange(256, dtype=np.uint8), int(np.prod(spec.shape))).reshape(spec.shape)
            for spec in new.inputs
        }
        back = {name: codes if name == "image" else (codes ^ 128).view(np.int8) for name, codes in given.items()}
        assert [spec.name for spec in old.inputs] == list(given)
        for name, codes in run_tflite(data, back).items():
            np.testing.assert_array_equal(run_tflite(other, given)[name], unsigned(codes))


def test_names_scales_and_zero_points(int8_tflite: bytes) -> None:
    for (old, _), (new, data) in zip(cut(int8_tflite, "int8").items(), cut(int8_tflite, "uint8").items(), strict=True):
        assert new.inputs == tuple(shifted(spec) for spec in old.inputs)
        assert new.outputs == tuple(shifted(spec) for spec in old.outputs)
        graph = FlatGraph(data)
        assert new.inputs == tuple(graph.spec(index) for index in graph.inputs)
        assert graph.signature_outputs() == {graph.tensor_name(index): index for index in graph.outputs}
        # The engine compares all of it with the piece, scales among them.
        load_engine("litert").load(new, data, 1)


def test_no_quantize_between_two_kinds_of_codes_is_left(int8_tflite: bytes) -> None:
    """XNNPACK takes none, so that it would leave them, and the network between them, in parts."""
    before = sum(len(FlatGraph(data).operators) for data in cut(int8_tflite, "int8").values())
    after = 0
    for piece, data in cut(int8_tflite, "uint8").items():
        graph = FlatGraph(data)
        after += len(graph.operators)
        for op in graph.operators:
            if op.kind == "QUANTIZE":
                assert graph.tensor_type(op.inputs[0]) == "FLOAT32", piece.name
    # heatmap_1 to 3, features and context as outputs; features, context twice and two heatmaps as inputs; the image.
    assert after == before + 2 * (5 + 5) + 1


def test_other_edges_stay(network: Any, quantized: Any, inputs: list[Any]) -> None:
    for model, precision in ((network, "float16"), (quantized, "int16x8")):
        made = [export(model, precision, ["tflite"], inputs[:1], edges=edges) for edges in ("int8", "uint8")]
        assert made[0].pieces == made[1].pieces


def test_an_edge_that_says_no_scale(int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    graph.store_as(graph.outputs[0], "INT8", None)
    with pytest.raises(ConversionError, match="edge heatmap_1 of an int8 piece has no scale and zero point"):
        with_unsigned_edges(graph.cut(graph.inputs, graph.outputs))


def test_all_members(quantized: Any, inputs: list[Any], run_tflite: Run) -> None:
    """ONNX files and those for apps are as they are; only what is of pieces has uint8 edges."""
    signed, moved = (
        export(quantized, "int8", ["tflite", "onnx"], inputs[:2], whole_files=True, edges=edges)
        for edges in ("int8", "uint8")
    )
    changed = {name for name, data in signed.members.items() if moved.members[name] != data}
    assert set(moved.members) == set(signed.members)
    assert changed == {"stages.tflite", *(piece.member for piece in moved.pieces["tflite"])}
    assert moved.pieces["onnx"] == signed.pieces["onnx"]
    grown = sum(len(moved.members[name]) - len(signed.members[name]) for name in changed - {"stages.tflite"})
    assert 0 < grown < 4000


def test_the_layers_are_found_behind_the_edges(network: Any, int8_tflite: bytes, inputs: list[Any]) -> None:
    signed, moved = cut(int8_tflite, "int8"), cut(int8_tflite, "uint8")
    for data, other in zip(signed.values(), moved.values(), strict=True):
        expected = match_layers(FlatGraph(data), network)
        found = match_layers(FlatGraph(other), network)
        assert [(layer.name, layer.layers, layer.kind, layer.inputs) for layer in found] == [
            (layer.name, layer.layers, layer.kind, layer.inputs) for layer in expected
        ]
        assert {FlatGraph(other).tensor_type(layer.tensor) for layer in found} == {"INT8"}
    assert compare_layers(network, moved, inputs[:3]) == compare_layers(network, signed, inputs[:3])
