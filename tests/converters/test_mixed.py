"""Float files with chosen layers of the int8 file."""

from typing import Any

import numpy as np
import pytest

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.mixed import Int8Layer, MixedGraph, read_int8_layers
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_runtime.errors import ConversionError

MAPS = ("heatmap_1", "heatmap_2", "heatmap_3")


@pytest.fixture(scope="module")
def layers(network: Any, int8_tflite: bytes) -> dict[str, Int8Layer]:
    return read_int8_layers(network, [int8_tflite])


@pytest.fixture(scope="module")
def mixed(network: Any, layers: dict[str, Int8Layer]) -> MixedGraph:
    return MixedGraph(network, layers)


def test_what_the_int8_file_stores(network: Any, layers: dict[str, Int8Layer], int8_tflite: bytes) -> None:
    head = layers["heatmap_1"]
    assert (head.scale, head.zero_point) == (pytest.approx(1 / 255), -128)
    assert head.bytes == 25 * 16 + 25 * 4
    assert head.macs == 25 * 16 * 16 * 16
    kernel = network.get_layer("stage_1_head").kernel.numpy().transpose(3, 0, 1, 2)
    assert head.kernel is not None
    assert np.abs(head.kernel - kernel).max() <= np.abs(kernel).max() / 127
    assert layers["stage_2_join_relu"].kernel is None
    graph = FlatGraph(int8_tflite)
    pieces = read_int8_layers(network, cut_tflite(graph, plan_cuts(graph, 3)).values())
    assert {name: (one.scale, one.zero_point, one.bytes) for name, one in pieces.items()} == {
        name: (one.scale, one.zero_point, one.bytes) for name, one in layers.items()
    }


def test_all_layers_give_what_the_int8_file_gives(
    mixed: MixedGraph, layers: dict[str, Int8Layer], int8_tflite: bytes, inputs: list[Any], run_tflite: Any
) -> None:
    """The proof that the codes are the converted file's: what is left is rounding inside the int8 operators."""
    data = mixed.make(list(layers), list(layers))
    for picture in inputs[:6]:
        expected = run_tflite(int8_tflite, {"image": picture[np.newaxis]})
        found = run_tflite(data, {"image": picture[np.newaxis]})
        for name in MAPS:
            codes = found[name] * 255 - 128
            np.testing.assert_allclose(codes, codes.round(), atol=1e-3)
            apart = np.abs(codes.round() - expected[name])
            assert (apart > 1).mean() < 0.01
            assert (apart > 0).mean() < 0.1


def test_no_layer_gives_the_float_file(
    mixed: MixedGraph, float32_tflite: bytes, inputs: list[Any], run_tflite: Any
) -> None:
    feed = {"image": inputs[0][np.newaxis]}
    expected, found = run_tflite(float32_tflite, feed), run_tflite(mixed.make([], []), feed)
    for name in MAPS:
        np.testing.assert_array_equal(found[name], expected[name])


def test_only_what_is_chosen_changes(
    mixed: MixedGraph, layers: dict[str, Int8Layer], inputs: list[Any], run_tflite: Any
) -> None:
    feed = {"image": inputs[0][np.newaxis]}
    plain = run_tflite(mixed.make([], []), feed)
    second = run_tflite(mixed.make(["heatmap_2"], ["heatmap_2"]), feed)
    np.testing.assert_array_equal(second["heatmap_1"], plain["heatmap_1"])
    assert not np.array_equal(second["heatmap_2"], plain["heatmap_2"])
    assert not np.array_equal(second["heatmap_3"], plain["heatmap_3"])
    # The rounding of an output is the nearest code, wherever it is read.
    rounded = run_tflite(mixed.make([], ["heatmap_2"]), feed)["heatmap_2"]
    assert np.abs(rounded - plain["heatmap_2"]).max() <= 0.5001 / 255
    # A kernel on the image carries the scaling of the pixels.
    first = run_tflite(mixed.make(["stem_1_relu"], []), feed)["heatmap_1"]
    assert 0 < np.abs(first - plain["heatmap_1"]).max() < 0.1
    # A sum has no kernel.
    same = run_tflite(mixed.make(["stage_2_join_relu"], []), feed)
    np.testing.assert_array_equal(same["heatmap_2"], plain["heatmap_2"])


def test_what_cannot_be_mixed(mixed: MixedGraph, network: Any, float32_tflite: bytes) -> None:
    with pytest.raises(ConversionError, match="'nothing' is not a layer; expected some of: stem_1_relu"):
        mixed.make(["nothing"], [])
    with pytest.raises(ConversionError, match="the output of layer stem_1_relu is not int8"):
        read_int8_layers(network, [float32_tflite])
