"""Bias correction: no channel's mean is moved by quantization."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tf_keras

from fpm_edge_converters import correct_biases, corrected_layers


def channel_means(model: Any, layer: str, inputs: Sequence[Any]) -> Any:
    tap = tf_keras.Model(model.input, model.get_layer(layer).output)
    return tap(np.stack(inputs).astype(np.float32) / 255, training=False).numpy().mean(axis=(0, 1, 2))


def test_every_convolution_with_a_bias_is_compared_where_its_error_shows(quantized: Any) -> None:
    places = corrected_layers(quantized)
    assert places["stem_1_conv"] == "stem_1_conv"
    assert places["stage_1_head"] == "stage_1_head"
    # conv_x, which has no bias, goes into the same sum.
    assert places["stage_2_conv_h"] == "stage_2_join"
    assert "context" not in places
    order = list(places)
    assert order.index("stem_1_conv") < order.index("stage_1_head") < order.index("stage_2_conv_h")


@pytest.mark.parametrize("damaged", ["stage_1_1_conv", "stage_2_conv_h"])
def test_a_shifted_channel_is_shifted_back(
    damaged: str, network: Any, calibrated: Callable[[Any, Sequence[Any]], Any], inputs: list[Any]
) -> None:
    quantized = calibrated(network, inputs)
    places = corrected_layers(quantized)
    before = {name: quantized.get_layer(f"quant_{name}").layer.bias.numpy() for name in places}
    shift = np.zeros_like(before[damaged])
    shift[1] = 0.5
    quantized.get_layer(f"quant_{damaged}").layer.bias.assign_add(shift)
    done: list[None] = []
    correct_biases(network, quantized, inputs, lambda: done.append(None))
    assert len(done) == len(places)
    after = quantized.get_layer(f"quant_{damaged}").layer.bias.numpy()
    np.testing.assert_allclose(after, before[damaged], atol=0.05)
    # The float network is not touched.
    np.testing.assert_array_equal(network.get_layer(damaged).bias.numpy(), before[damaged])


def test_the_means_are_those_of_the_float_network(
    network: Any, calibrated: Callable[[Any, Sequence[Any]], Any], inputs: list[Any]
) -> None:
    quantized = calibrated(network, inputs)
    gaps = []
    for _ in range(2):
        names = {layer.name for layer in quantized.layers}
        gaps.append(
            [
                np.abs(
                    channel_means(network, place, inputs)
                    - channel_means(quantized, f"quant_{place}" if f"quant_{place}" in names else place, inputs)
                ).max()
                for place in corrected_layers(quantized).values()
            ]
        )
        correct_biases(network, quantized, inputs)
    # conv_h's own output is rounded to codes after its bias, so a little of a sum's error stays.
    assert np.median(gaps[1]) < 1e-5
    assert max(gaps[1]) < 0.1 * max(gaps[0])
