"""From calibration inputs to a network whose ranges are set."""

from typing import Any

import pytest
import tf_keras

from fpm_edge_calibration import MinMax
from fpm_edge_converters import calibrated, observe_ranges, quantized_layers, recorded_ranges
from fpm_edge_runtime.errors import ConversionError


def test_ranges_are_those_of_the_float_network(network: Any, inputs: list[Any]) -> None:
    done: list[int] = []
    quantized = calibrated(network, inputs, MinMax(), done.append)
    assert sum(done) == len(inputs)
    expected = MinMax()
    observe_ranges(network, quantized_layers(quantized), inputs, expected)
    found = recorded_ranges(quantized)
    assert expected.ranges()["features"][1] > 0
    for name, (low, high) in expected.ranges().items():
        assert found[name] == pytest.approx((min(low, 0.0), high), rel=1e-6)


def test_a_layer_that_is_always_zero_is_named(network: Any, inputs: list[Any]) -> None:
    broken = tf_keras.models.clone_model(network)
    broken.set_weights(network.get_weights())
    kernel, bias = broken.get_layer("stage_1_1_conv").get_weights()
    broken.get_layer("stage_1_1_conv").set_weights([kernel * 0, bias * 0 - 1])
    with pytest.raises(ConversionError, match=rf"stage_1_1_relu is 0 on all {len(inputs)} .*\(by min-max\)"):
        calibrated(broken, inputs, MinMax())
