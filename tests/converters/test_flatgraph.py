"""Cutting a TFLite graph at its tensors."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import tf_keras

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.errors import ConversionError

Runner = Callable[[bytes, dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=["int8", "float32"])
def whole(request: pytest.FixtureRequest) -> bytes:
    data: bytes = request.getfixturevalue(f"{request.param}_tflite")
    return data


def pieces_of(whole: bytes) -> dict[Piece, bytes]:
    graph = FlatGraph(whole)
    return cut_tflite(graph, plan_cuts(graph, 3))


def constants(data: bytes) -> list[bytes]:
    """The weights of a file, as bytes."""
    graph = FlatGraph(data)
    indices = {i for op in graph.operators for i in op.inputs if i >= 0 and graph.is_constant(i)}
    buffers = [graph._model.buffers[graph._graph.tensors[i].buffer].data for i in sorted(indices)]
    return [np.asarray(buffer).tobytes() for buffer in buffers]


def test_stages_one_after_the_other_are_the_whole_graph(whole: bytes, run_tflite: Runner, inputs: list[Any]) -> None:
    pieces = pieces_of(whole)
    for picture in inputs[:4]:
        tensors = {"image": picture[None]}
        expected = run_tflite(whole, tensors)
        assert sorted(expected) == ["heatmap_1", "heatmap_2", "heatmap_3"]
        for piece, data in pieces.items():
            given = {spec.name: tensors[spec.name] for spec in piece.inputs}
            found = run_tflite(data, given)
            assert sorted(found) == sorted(spec.name for spec in piece.outputs)
            tensors |= found
        for name, value in expected.items():
            np.testing.assert_array_equal(tensors[name], value)
        assert np.unique(expected["heatmap_3"]).size > 20


def test_what_tensorflow_could_not_write_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its converter keeps the error to itself, and then loses the names of the outputs."""

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(import_module("tensorflow.python.saved_model.save"), "save", full)
    image = tf_keras.Input((8, 8, 3), name="image")
    model = tf_keras.Model(image, tf_keras.layers.Conv2D(2, 1, name="heatmap_1")(image))
    with pytest.raises(ConversionError, match=r"could not write its temporary files in .*; free space there"):
        to_tflite(model, "float32")


def test_names_are_stable(whole: bytes) -> None:
    graph = FlatGraph(whole)
    assert [graph.tensor_name(i) for i in graph.inputs] == ["image"]
    assert [graph.tensor_name(i) for i in graph.outputs] == ["heatmap_1", "heatmap_2", "heatmap_3"]
    assert graph.tensor_name(graph.find("features")) == "features"
    assert graph.tensor_name(graph.find("context")) == "context"
    assert graph.signature_outputs() == dict(zip(["heatmap_1", "heatmap_2", "heatmap_3"], graph.outputs, strict=True))
    pieces = pieces_of(whole)
    wiring = {
        piece.name: ([s.name for s in piece.inputs], [s.name for s in piece.outputs], piece.member) for piece in pieces
    }
    assert wiring == {
        "stage_1": (["image"], ["heatmap_1", "features"], "stages/1.tflite"),
        "context": (["features"], ["context"], "stages/context.tflite"),
        "stage_2": (["context", "heatmap_1"], ["heatmap_2"], "stages/2.tflite"),
        "stage_3": (["context", "heatmap_2"], ["heatmap_3"], "stages/3.tflite"),
    }
    assert list(wiring) == ["stage_1", "context", "stage_2", "stage_3"]


def test_every_weight_is_in_one_piece(whole: bytes) -> None:
    pieces = {piece.name: constants(data) for piece, data in pieces_of(whole).items()}
    # Every weight of the whole graph, and none twice; biases of zeros may look alike, kernels do not.
    kernels = {name: [c for c in found if len(c) > 500] for name, found in pieces.items()}
    together = [c for found in kernels.values() for c in found]
    assert sorted(together) == sorted(c for c in constants(whole) if len(c) > 500)
    assert len(set(together)) == len(together)
    # x' is two convolutions, of which stage 1 holds none: a device that stops there never loads them.
    assert len(kernels["context"]) == 2
    assert set(kernels["context"]).isdisjoint(kernels["stage_1"])


def test_a_cut_of_everything_is_the_same_graph(whole: bytes) -> None:
    graph = FlatGraph(whole)
    again = graph.cut(graph.inputs, graph.outputs)
    assert FlatGraph(again).operators == graph.operators
    assert again == whole


def test_edges_keep_their_scales(int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    seen: dict[str, Any] = {}
    for piece in pieces_of(int8_tflite):
        for spec in (*piece.inputs, *piece.outputs):
            assert seen.setdefault(spec.name, spec) == spec
            assert (spec.scale, spec.zero_point) == graph.quantization(graph.find(spec.name))
    assert seen["context"].dtype == "int8"


def test_a_cut_that_leaves_something_undefined(whole: bytes) -> None:
    graph = FlatGraph(whole)
    with pytest.raises(ConversionError, match=r"cutting at \['context'\] leaves 'image' undefined"):
        graph.cut([graph.find("context")], [graph.find("heatmap_2")])
    with pytest.raises(ConversionError, match=r"cutting at \['heatmap_1'\] leaves 'image' undefined"):
        graph.cut([graph.find("heatmap_1")], [graph.find("heatmap_2")])


def test_a_name_that_is_not_there(whole: bytes) -> None:
    with pytest.raises(ConversionError, match="no tensor named 'heatmap_4'"):
        FlatGraph(whole).find("heatmap_4")


def test_a_graph_behind_another(whole: bytes, run_tflite: Runner, inputs: list[Any]) -> None:
    first, rest = FlatGraph(whole), FlatGraph(whole)
    before = FlatGraph(first.cut(first.inputs, [first.find(name) for name in ("features", "heatmap_1")]))
    names = ("features", "heatmap_1")
    behind = FlatGraph(rest.cut([rest.find(name) for name in names], [rest.find("heatmap_2")]))
    added = before.append(behind, {behind.find(name): before.find(name) for name in names}, "added/")
    joined = before.cut(before.inputs, [added["heatmap_2"]])
    tensors = {"image": inputs[0][None]}
    np.testing.assert_array_equal(run_tflite(joined, tensors)["heatmap_2"], run_tflite(whole, tensors)["heatmap_2"])


def test_a_graph_that_does_not_fit_behind_another(whole: bytes) -> None:
    graph, other = FlatGraph(whole), FlatGraph(whole)
    with pytest.raises(ConversionError, match=r"image is uint8 .* and cannot be read from heatmap_1"):
        graph.append(other, {other.find("image"): graph.find("heatmap_1")}, "added/")
