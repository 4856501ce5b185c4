"""The centre map of Convolutional Pose Machines."""

import json

import msgspec
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from small_networks import SCHEMA, pictures, run, small

from fpm_edge.model.centre import CentreMap, centre_map
from fpm_edge.model.config import decode_config
from fpm_edge.model.networks import network_for
from fpm_edge.model.presets import preset
from fpm_edge_runtime.bundle.schema import LandmarkSchema


def test_centre_map_is_the_mean_of_a_gaussian_over_each_cell() -> None:
    found = centre_map((6, 4), 8, 7.0)
    x, y = np.meshgrid(np.arange(48) - 23.5, np.arange(32) - 15.5)
    pixels = np.exp(-(x**2 + y**2) / (2 * 7.0**2))
    np.testing.assert_allclose(found, pixels.reshape(4, 8, 6, 8).mean(axis=(1, 3)), rtol=1e-5)
    np.testing.assert_array_equal(found, found[::-1, ::-1])
    published = centre_map((46, 46), 8, 21.0)
    assert published.max() == pytest.approx(0.96, abs=0.01)
    assert CentreMap((6, 4), 8, 7.0)(tf.zeros((3, 32, 48, 3))).shape == (3, 4, 6, 1)


def test_stages_see_the_centre_map_as_one_more_channel() -> None:
    config = small("cpm", stages=2)
    model = network_for(config).build(config)
    shapes = {end: tuple(model.get_layer(f"stage_2_conv_{end}").kernel.shape) for end in "xhc"}
    assert shapes == {"x": (11, 11, 8, 8), "h": (11, 11, 4, 8), "c": (11, 11, 1, 8)}
    assert not model.get_layer("stage_2_conv_c").use_bias
    image = pictures(config)
    names = ("context", "heatmap_1", "centre", "stage_2_join")
    inner = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])
    context, first, centre, joined = run(inner, image)
    np.testing.assert_allclose(centre[1, ..., 0], centre_map(config.map_size, config.stride, config.centre_sigma))
    weights = {end: model.get_layer(f"stage_2_conv_{end}").get_weights() for end in "xhc"}
    kernel = np.concatenate([weights[end][0] for end in "xhc"], axis=2)
    whole = tf.nn.conv2d(np.concatenate([context, first, centre], axis=-1), kernel, 1, "SAME") + weights["h"][1]
    np.testing.assert_allclose(joined, whole, rtol=1e-3, atol=1e-4)


def test_centre_map_follows_the_input() -> None:
    assert preset("cpm", SCHEMA, input_size=(184, 368)).centre_sigma == 10.5  # type: ignore[attr-defined]
    # Also for weights that are there already.
    assert preset("cpm", SCHEMA).resized((184, 368)).centre_sigma == 10.5  # type: ignore[attr-defined]


def test_configurations_written_before_the_centre_map_still_load(schema24: LandmarkSchema) -> None:
    config = preset("paper", schema24)
    old = {key: value for key, value in msgspec.to_builtins(config).items() if key != "centre_sigma"}
    assert decode_config(json.dumps(old).encode(), "old") == config
