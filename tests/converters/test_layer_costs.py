"""What a layer costs, against numbers counted by hand on the "tiny" network (input 64 × 64)."""

from typing import Any

import pytest
import tf_keras

from fpm_edge.model import stage_costs
from fpm_edge.model.store import read_config
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layer_costs import layer_costs
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.errors import ConversionError


def test_an_int8_convolution_by_hand(int8_tflite: bytes) -> None:
    quantize, first, second, *_ = layer_costs(FlatGraph(int8_tflite))
    assert (quantize.kind, quantize.macs, quantize.weights) == ("QUANTIZE", 0, 0)
    assert quantize.inputs == quantize.outputs == 64 * 64 * 3
    # 4 × 4 × 3 → 8 channels, stride 2; a bias of 32 bits.
    assert (first.kind, first.macs) == ("CONV_2D", 32 * 32 * 8 * 4 * 4 * 3)
    assert first.weights == 8 * 4 * 4 * 3 + 8 * 4
    assert (first.inputs, first.outputs) == (64 * 64 * 3, 32 * 32 * 8)
    assert first.bytes == first.weights + first.inputs + first.outputs
    assert (second.position, second.macs) == (2, 16 * 16 * 16 * 4 * 4 * 8)


def test_float_numbers_have_four_bytes(float32_tflite: bytes) -> None:
    cast, first, *_ = layer_costs(FlatGraph(float32_tflite))
    assert (cast.kind, cast.inputs, cast.outputs) == ("CAST", 64 * 64 * 3, 64 * 64 * 3 * 4)
    assert first.weights == 4 * (8 * 4 * 4 * 3 + 8)
    assert first.outputs == 4 * 32 * 32 * 8


def test_a_sum_reads_two_maps(int8_tflite: bytes) -> None:
    added = next(cost for cost in layer_costs(FlatGraph(int8_tflite)) if cost.kind == "ADD")
    assert (added.macs, added.inputs, added.outputs) == (0, 2 * 16 * 16 * 16, 16 * 16 * 16)


def test_the_graph_multiplies_as_much_as_its_configuration_says(int8_tflite: bytes, tiny_model: Any) -> None:
    counted = sum(cost.macs for cost in layer_costs(FlatGraph(int8_tflite)))
    assert counted == sum(cost.macs for cost in stage_costs(read_config(tiny_model)))


def test_a_depthwise_kernel_meets_its_own_channel_alone() -> None:
    image = tf_keras.Input((8, 8, 3), name="image")
    maps = tf_keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="heatmap_1")(image)
    costs = layer_costs(to_tflite(tf_keras.Model(image, maps), "float32"))
    depthwise = next(cost for cost in costs if cost.kind == "DEPTHWISE_CONV_2D")
    assert depthwise.macs == 8 * 8 * 6 * 3 * 3


def test_an_operator_that_is_not_known_is_refused() -> None:
    image = tf_keras.Input((8, 8, 3), name="image")
    maps = tf_keras.layers.AveragePooling2D(2, name="heatmap_1")(image)
    with pytest.raises(ConversionError, match="how much AVERAGE_POOL_2D heatmap_1 multiplies"):
        layer_costs(to_tflite(tf_keras.Model(image, maps), "float32"))
