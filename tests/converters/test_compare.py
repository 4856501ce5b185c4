"""Layers of the converted file against the float network."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras

from fpm_edge_calibration import MinMax
from fpm_edge_converters import assign_ranges, fake_quantized, observe_ranges, quantized_layers
from fpm_edge_converters.compare import compare_layers
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.errors import ConversionError, DataError

Pieces = Callable[[FlatGraph], dict[Any, bytes]]
DAMAGED = "context_1_relu"


def cut(graph: FlatGraph) -> dict[Any, bytes]:
    return cut_tflite(graph, plan_cuts(graph, 3))


def with_range(network: Any, inputs: list[Any], name: str, factor: float) -> dict[Any, bytes]:
    """The int8 pieces of `network` with one range of the calibration multiplied."""
    quantized = fake_quantized(network)
    estimator = MinMax()
    observe_ranges(network, quantized_layers(quantized), inputs, estimator)
    ranges = estimator.ranges()
    low, high = ranges[name]
    assign_ranges(quantized, ranges | {name: (low * factor, high * factor)})
    return cut(to_tflite(quantized, "int8"))


def test_what_is_said_of_a_layer(network: Any, int8_tflite: bytes, inputs: list[Any]) -> None:
    steps: list[int] = []
    results = compare_layers(network, cut(FlatGraph(int8_tflite)), inputs[:4], lambda: steps.append(1))
    assert len(steps) == 4
    assert [r.own_sqnr_db for r in results] == sorted(r.own_sqnr_db for r in results)
    named = {result.name: result for result in results}
    assert len(named) == len(results) == 15
    # The first layer has no error before it.
    assert named["stem_1_relu"].own_sqnr_db == pytest.approx(named["stem_1_relu"].sqnr_db, abs=0.01)
    for result in results:
        assert 15 < result.own_sqnr_db < 70, result
        assert result.own_sqnr_db > result.sqnr_db - 1, result
        assert 0.9 < result.cosine <= 1
        assert 0 <= result.bias_share <= 1
        assert result.codes is not None
        assert 0 < result.codes <= 1
    assert (named["heatmap_1"].low, named["heatmap_1"].high) == (pytest.approx(0), pytest.approx(1))


def test_the_ratio_is_the_formulas(network: Any, int8_tflite: bytes, inputs: list[Any], run_tflite: Any) -> None:
    """Against a computation of its own, on the last map, whose codes any interpreter gives."""
    results = {r.name: r for r in compare_layers(network, cut(FlatGraph(int8_tflite)), inputs[:3])}
    floats, codes = [], []
    for picture in inputs[:3]:
        codes.append(run_tflite(int8_tflite, {"image": picture[np.newaxis]})["heatmap_3"].astype(np.float64))
        floats.append(network(picture[np.newaxis].astype(np.float32) / 255)[2].numpy().astype(np.float64))
    f, q = np.array(floats), (np.array(codes) + 128) / 255
    found = results["heatmap_3"]
    # XNNPACK, which runs here, rounds a code otherwise now and then.
    assert found.sqnr_db == pytest.approx(10 * math.log10((f**2).sum() / ((f - q) ** 2).sum()), abs=0.3)
    assert found.mean_error == pytest.approx((q - f).mean(), abs=1e-4)
    assert found.codes == pytest.approx(len(np.unique(codes)) / 256, abs=0.02)


@pytest.mark.parametrize(("factor", "clips"), [(30.0, False), (0.1, True)], ids=["too wide", "too narrow"])
def test_a_damaged_range_is_the_worst_layer(network: Any, inputs: list[Any], factor: float, clips: bool) -> None:
    results = compare_layers(network, with_range(network, inputs, DAMAGED, factor), inputs[:4])
    worst, second = results[:2]
    assert worst.name == DAMAGED
    assert worst.own_sqnr_db < second.own_sqnr_db - 5
    assert worst.clipped is not None
    assert worst.codes is not None
    if clips:
        assert worst.clipped > 0.05
        # A range that cuts off the top leaves the mean too low.
        assert worst.mean_error < 0
    else:
        assert worst.clipped == 0
        assert worst.codes < 0.1
    # The layer after it inherits the error, and adds little of its own.
    after = next(result for result in results if result.name == "context")
    assert after.sqnr_db < after.own_sqnr_db - 5


def test_a_shifted_bias_is_a_bias(network: Any, inputs: list[Any]) -> None:
    shifted = tf_keras.models.clone_model(network)
    shifted.set_weights(network.get_weights())
    kernel, bias = shifted.get_layer("stage_2_conv_h").get_weights()
    shifted.get_layer("stage_2_conv_h").set_weights([kernel, bias + 0.5])
    pieces = with_range(shifted, inputs, DAMAGED, 1.0)
    worst = compare_layers(network, pieces, inputs[:2])[0]
    assert worst.name == "stage_2_conv_h"
    assert worst.mean_error == pytest.approx(0.5, rel=0.1)
    assert worst.bias_share > 0.8


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_float_files_have_no_codes(network: Any, inputs: list[Any], precision: Any) -> None:
    results = compare_layers(network, cut(to_tflite(network, precision)), inputs[:2])
    assert len(results) == 15
    for result in results:
        assert (result.clipped, result.codes, result.low, result.high) == (None, None, None, None)
        assert result.sqnr_db > (90 if precision == "float32" else 40)


def test_int16_codes(network: Any, quantized: Any, int8_tflite: bytes, inputs: list[Any]) -> None:
    coarse = {r.name: r for r in compare_layers(network, cut(FlatGraph(int8_tflite)), inputs[:2])}
    fine = {r.name: r for r in compare_layers(network, cut(to_tflite(quantized, "int16x8")), inputs[:2])}
    assert fine.keys() == coarse.keys()
    for name, result in fine.items():
        assert result.own_sqnr_db > coarse[name].own_sqnr_db, name
    # An addition has no kernel, so that nothing is left but its rounding.
    assert fine["stage_3_join_relu"].own_sqnr_db > coarse["stage_3_join_relu"].own_sqnr_db + 30
    last = fine["heatmap_3"]
    assert (last.low, last.high) == (pytest.approx(-1, abs=1e-3), pytest.approx(1, abs=1e-3))
    assert last.codes is not None
    assert 0 < last.codes < 0.5


@pytest.mark.parametrize("more", ["float16", "int16x8"])
def test_pieces_of_different_precision(
    more: Any, network: Any, quantized: Any, int8_tflite: bytes, inputs: list[Any]
) -> None:
    coarse = cut(FlatGraph(int8_tflite))
    fine = cut(to_tflite(network if more == "float16" else quantized, more))
    finer = {piece.name: (piece, data) for piece, data in fine.items()}
    pieces = dict(finer[piece.name] if piece.name == "stage_2" else (piece, data) for piece, data in coarse.items())
    results = {r.name: r for r in compare_layers(network, pieces, inputs[:2])}
    alone = {r.name: r for r in compare_layers(network, coarse, inputs[:2])}
    assert results["heatmap_2"].own_sqnr_db > alone["heatmap_2"].own_sqnr_db
    assert results["heatmap_1"] == alone["heatmap_1"]


def test_other_weights_are_refused(network: Any, int8_tflite: bytes, inputs: list[Any]) -> None:
    other = tf_keras.models.clone_model(network)
    with pytest.raises(ConversionError, match=r"the kernel of \w+ in the converted file is not that of the model"):
        compare_layers(other, cut(FlatGraph(int8_tflite)), inputs[:1])
    with pytest.raises(DataError, match="at least one picture"):
        compare_layers(network, cut(FlatGraph(int8_tflite)), [])
