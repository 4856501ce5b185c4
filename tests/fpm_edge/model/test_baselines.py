"""The published networks that the Fashion Pose Machine is compared with."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from small_networks import SCHEMA, pictures, run, small, without_dropout

from fpm_edge.model.arithmetic import fashionnet_costs, oneshot_costs, stage_costs
from fpm_edge.model.config import Conv, ModelConfig, scaled_channels
from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.kinds import KINDS, config_to_dict, kind_of, read_any_config
from fpm_edge.model.networks import network_for
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge.model.presets import preset
from fpm_edge.model.vgg import vgg16_block5, vgg16_trunk
from fpm_edge.train.regression import fashionnet_losses
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import ModelError, UsageError

BASELINES = ("cpm", "fashionnet", "oneshot")


def peaks(landmarks: Any, size: tuple[int, int], stride: int, sigma: float) -> Any:
    """(batch, height, width, L) Gaussians, by the definition and not by the code under test."""
    x = (np.arange(size[0]) + 0.5) * stride - 0.5
    y = (np.arange(size[1]) + 0.5) * stride - 0.5
    squares = (x[None, None, :, None] - landmarks[:, None, None, :, 0]) ** 2
    squares = squares + (y[None, :, None, None] - landmarks[:, None, None, :, 1]) ** 2
    return np.exp(-squares / (2 * (sigma * stride) ** 2)).astype(np.float32)


# ---- published sizes ----


def conv(kernel: int, inputs: int, outputs: int) -> int:
    return kernel * kernel * inputs * outputs + outputs


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def test_trunk_is_that_of_vgg_16() -> None:
    assert vgg16_trunk(1.0) == (
        *(Conv(3, 64), Conv(3, 64, pool=2)),
        *(Conv(3, 128), Conv(3, 128, pool=2)),
        *(Conv(3, 256), Conv(3, 256), Conv(3, 256, pool=2)),
        *(Conv(3, 512), Conv(3, 512), Conv(3, 512)),
    )
    assert vgg16_block5(1.0) == (Conv(3, 512), Conv(3, 512), Conv(3, 512, pool=2))
    # 1,792 + 36,928 + 73,856 + 147,584 + 295,168 + 2 · 590,080 + 1,180,160 + 2 · 2,359,808
    trunk = oneshot_costs(OneShotConfig("published", SCHEMA))[0]
    assert (trunk.piece, trunk.parameters) == ("trunk", 7_635_264)
    # MACs at 224: 9 · inputs · outputs · cells, block by block.
    assert trunk.macs == 9 * (
        (3 * 64 + 64 * 64) * 224**2
        + (64 * 128 + 128 * 128) * 112**2
        + (128 * 256 + 2 * 256 * 256) * 56**2
        + (256 * 512 + 2 * 512 * 512) * 28**2
    )


def test_fashionnet_at_its_published_size() -> None:
    schema = load_schema("deepfashion8")
    config = preset("fashionnet", schema)
    assert isinstance(config, FashionNetConfig)
    assert config.input_size == (224, 224)
    block5 = 3 * conv(3, 512, 512)  # 7,079,424
    expected = {
        "trunk": 7_635_264,
        # fc6_pose, fc7_pose, two coordinates and three classes for each of 8 landmarks
        "pose": block5 + dense(512 * 7 * 7, 1024) + dense(1024, 1024) + dense(1024, 8 * 2) + dense(1024, 8 * 3),
        # 3 × 3 cells around each of 8 landmarks
        "local": dense(8 * 3 * 3 * 512, 1024),
        "global": block5 + dense(512 * 7 * 7, 4096),
        "fusion": dense(4096 + 1024, 4096) + dense(4096, 3),
    }
    costs = fashionnet_costs(config)
    assert {cost.piece: cost.parameters for cost in costs} == expected
    assert sum(expected.values()) == 210_078_059
    # 13.96 (trunk) + 2 · 1.387 (conv5 at 14 × 14) + 0.164 (fully connected)
    assert sum(cost.macs for cost in costs) == pytest.approx(16.92e9, rel=1e-3)


def test_one_shot_network_at_its_published_size() -> None:
    config = preset("oneshot", load_schema("deepfashion8"))
    assert isinstance(config, OneShotConfig)
    assert (config.input_size, config.map_size, config.stride) == ((224, 224), (224, 224), 1)
    assert (config.maps, config.background, config.stages) == (8, False, 1)
    decoder = (
        *(conv(1, 512, 64), conv(3, 64, 64), conv(3, 64, 64), conv(3, 64, 128)),  # at 28 × 28
        *(conv(4, 128, 64), conv(3, 64, 64), conv(3, 64, 64)),  # at 56 × 56
        *(conv(4, 64, 32), conv(3, 32, 32), conv(3, 32, 32)),  # at 112 × 112
        *(conv(4, 32, 16), conv(3, 16, 16), conv(1, 16, 8)),  # at 224 × 224
    )
    assert [cost.parameters for cost in oneshot_costs(config)] == [7_635_264, sum(decoder)]
    assert sum(decoder) == 447_496


def test_convolutional_pose_machine_is_the_papers_network_with_a_centre_map(schema24: LandmarkSchema) -> None:
    paper, cpm = preset("paper", schema24), preset("cpm", schema24)
    assert isinstance(paper, ModelConfig)
    assert isinstance(cpm, ModelConfig)
    assert (cpm.input_size, cpm.map_size, cpm.stages, cpm.centre_sigma) == ((368, 368), (46, 46), 6, 21.0)
    assert paper.centre_sigma is None
    assert sum(cost.parameters for cost in stage_costs(paper)) == 31_518_678
    # One more input channel of 11 × 11 · 128 in each of stages 2 to 6.
    assert sum(cost.parameters for cost in stage_costs(cpm)) == 31_518_678 + 5 * 11 * 11 * 128


@pytest.mark.parametrize("name", BASELINES)
def test_costs_are_those_of_the_built_network(name: str) -> None:
    config = msgspec.structs.replace(small(name), input_width=96)
    network = network_for(config)
    model = network.build(config)
    costs = network.costs(config)
    # Dropout counts its calls, in weights that are not trained.
    assert sum(cost.parameters for cost in costs) == sum(math.prod(v.shape) for v in model.trainable_weights)
    macs = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            transposed = isinstance(layer, tf_keras.layers.Conv2DTranspose)
            cells = (layer.input if transposed else layer.output).shape[1:-1]
            macs += int(np.prod(layer.kernel.shape)) * math.prod(cells)
    assert sum(cost.macs for cost in costs) == macs


# ---- one interface ----


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_fashionnet_outputs(policy: str, batch_norm: bool) -> None:
    tf_keras.utils.set_random_seed(0)
    config = small("fashionnet", batch_norm=batch_norm)
    network = network_for(config)
    model = network.build(config, policy=policy)
    image = pictures(config)
    locations, visibility, category = run(model, image)
    assert [(o.shape, o.dtype) for o in (locations, visibility, category)] == [
        ((2, 3, 2), np.float32),
        ((2, 3, 3), np.float32),
        ((2, 2), np.float32),
    ]
    assert np.abs(locations - 0.5).max() < 0.5  # an untrained network answers near the middle of the picture
    np.testing.assert_allclose(visibility.sum(axis=-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(category.sum(axis=-1), 1.0, rtol=1e-5)
    raw = run(network.training_outputs(model), image)
    np.testing.assert_array_equal(raw[0], locations)
    np.testing.assert_allclose(tf.nn.softmax(raw[1]), visibility, rtol=1e-5)
    np.testing.assert_allclose(tf.nn.softmax(raw[2]), category, rtol=1e-5)
    assert {weight.dtype for weight in model.trainable_weights} == {tf.float32}
    assert any(isinstance(layer, tf_keras.layers.BatchNormalization) for layer in model.layers) == batch_norm


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["cpm", "oneshot"])
def test_heatmap_networks_outputs(name: str, policy: str) -> None:
    config = small(name)
    model = network_for(config).build(config, policy=policy)
    outputs = run(model, pictures(config))
    maps = {"cpm": ((2, 8, 8, 4), 6), "oneshot": ((2, 64, 64, 3), 1)}[name]
    assert [(output.shape, output.dtype) for output in outputs] == [(maps[0], np.float32)] * maps[1]
    assert {weight.dtype for weight in model.trainable_weights} == {tf.float32}
    landmarks, scores = network_for(config).decode(config, outputs)
    assert landmarks.shape == (2, config.stages, 3, 2)
    assert scores.shape == (2, config.stages, 3)
    assert landmarks.dtype == scores.dtype == np.float32


@pytest.mark.parametrize("name", BASELINES)
def test_batch_normalisation_can_be_synchronised(name: str) -> None:
    config = small(name, batch_norm=True)
    model = network_for(config).build(config, synchronized=True)
    norms = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    assert norms
    assert all(norm.synchronized for norm in norms)


def test_fashionnet_decodes_what_it_was_taught() -> None:
    config = msgspec.structs.replace(small("fashionnet"), input_width=96)
    landmarks = np.float32([[[0.0, 0.0], [95.0, 63.0], [40.25, 20.5]]])
    ideal = [
        (landmarks + 0.5) / np.float32([96, 64]),
        np.float32([[[1, 0, 0], [0.5, 0.25, 0.25], [0, 0, 1]]]),
        np.float32([[1, 0]]),
    ]
    decoded, scores = network_for(config).decode(config, ideal)
    assert decoded.shape == (1, 1, 3, 2)
    np.testing.assert_allclose(decoded[:, 0], landmarks, atol=1e-4)
    np.testing.assert_allclose(scores, [[[1.0, 0.75, 0.0]]])
    losses = fashionnet_losses(
        config,
        [tf.constant(ideal[0]), tf.zeros((1, 3, 3)), tf.zeros((1, 2))],
        tf.constant(landmarks),
        tf.constant([[1, 1, 1]], tf.int8),
        tf.constant([0]),
        tf.constant(0.0),
    )
    assert losses[0, 0] < 1e-9


def test_heatmaps_decode_to_their_landmarks() -> None:
    landmarks = np.float32([[[10.3, 20.7], [50.0, 5.5], [33.3, 60.0]], [[1.0, 1.0], [62.0, 62.5], [30.0, 30.9]]])
    one = small("oneshot")
    maps = peaks(landmarks, one.map_size, one.stride, sigma=3.0)
    decoded, scores = network_for(one).decode(one, [maps])
    np.testing.assert_allclose(decoded[:, 0], landmarks, atol=0.05)
    assert scores.min() > 0.95

    cpm = small("cpm", stages=2)
    maps = peaks(landmarks, cpm.map_size, cpm.stride, sigma=1.25)
    maps = np.concatenate([maps, 1 - maps.max(axis=-1, keepdims=True)], axis=-1)
    decoded, _ = network_for(cpm).decode(cpm, [np.zeros_like(maps), maps])
    np.testing.assert_allclose(decoded[:, 1], landmarks, atol=1.0)


# ---- training ----


def steps(model: tf_keras.Model, image: Any, loss: Any, count: int = 30) -> tuple[Any, Any]:
    """The loss before and after `count` steps of Adam on one batch."""
    optimizer = tf_keras.optimizers.legacy.Adam(1e-3)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            terms = loss(model(image, training=True))
            total = tf.reduce_sum(tf.reduce_mean(terms, axis=0))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(total, variables), variables, strict=True))
        return terms

    results = [step().numpy() for _ in range(count + 1)]
    return results[0], results[-1]


TRUTH = np.float32(
    [
        [[10, 20], [50, 22], [30, 5]],
        [[12, 40], [44, 38], [0, 0]],
        [[20, 30], [40, 30], [31, 60]],
        [[5, 5], [60, 9], [0, 0]],
    ]
)
LABELS = np.int8([[1, 1, 1], [1, 0, -1], [1, 1, 0], [1, 1, -1]])


@pytest.mark.parametrize("progress", [0.0, 0.99], ids=["pose", "recognition"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_fashionnet_learns_one_batch(progress: float, batch_norm: bool) -> None:
    tf_keras.utils.set_random_seed(0)
    config = without_dropout(batch_norm=batch_norm)
    network = network_for(config)
    model = network.training_outputs(network.build(config))

    def loss(outputs: Any) -> Any:
        category = tf.constant([0, 1, 0, 1])
        return fashionnet_losses(config, outputs, TRUTH, LABELS, category, tf.constant(progress))

    before, after = steps(model, pictures(config, 4), loss)
    assert (after.mean(axis=0) < 0.8 * before.mean(axis=0)).all()


@pytest.mark.parametrize("name", ["cpm", "oneshot"])
def test_heatmap_networks_learn_one_batch(name: str) -> None:
    tf_keras.utils.set_random_seed(0)
    config = small(name, **({"stages": 2} if name == "cpm" else {}))
    network = network_for(config)
    model = network.training_outputs(network.build(config))
    ideal = peaks(TRUTH, config.map_size, config.stride, sigma=1.25 if name == "cpm" else 8.0)

    def loss(outputs: Any) -> Any:
        maps = outputs if isinstance(outputs, list) else [outputs]
        return tf.stack([tf.reduce_sum((m[..., :3] - ideal) ** 2, axis=[1, 2, 3]) for m in maps], axis=1)

    before, after = steps(model, pictures(config, 4), loss)
    assert (after.mean(axis=0) < 0.8 * before.mean(axis=0)).all()


# ---- configurations ----


def test_channels_are_scaled_in_eights() -> None:
    assert [scaled_channels(n, 1.0) for n in (3, 32, 100)] == [3, 32, 100]
    assert [scaled_channels(n, 0.125) for n in (32, 64, 512)] == [8, 8, 64]
    assert [scaled_channels(n, 0.3) for n in (32, 64, 128)] == [8, 16, 40]
    assert scaled_channels(64, 2.0) == 128


def test_presets_take_a_width_and_say_so(schema24: LandmarkSchema) -> None:
    paper = preset("paper", schema24, width=0.125, input_size=(128, 128))
    assert isinstance(paper, ModelConfig)
    assert paper.name == "paper-w0.125"
    assert [layer.filters for layer in paper.first] == [16, 16, 16, 8, 64, 64]
    assert [layer.kernel for layer in paper.first] == [9, 9, 9, 5, 9, 1]
    assert paper.maps == 25
    fashionnet = preset("fashionnet", schema24, width=0.5, batch_norm=True)
    assert isinstance(fashionnet, FashionNetConfig)
    assert (fashionnet.name, fashionnet.batch_norm) == ("fashionnet-w0.5", True)
    assert fashionnet.units(fashionnet.fc_global) == 2048
    assert preset("oneshot", schema24).name == "oneshot"
    assert [preset(name, schema24).stages for name in BASELINES] == [6, 1, 1]


@pytest.mark.parametrize("name", BASELINES)
def test_configurations_survive_their_file(name: str, tmp_path: Path) -> None:
    config = small(name, batch_norm=True)
    path = tmp_path / "config.json"
    path.write_bytes(msgspec.json.encode(config_to_dict(config)))
    assert json.loads(path.read_bytes())["kind"] == kind_of(config)
    assert read_any_config(path) == config
    assert set(KINDS) == {"fpm", "fashionnet", "oneshot"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fashionnet", {"stages": 2}, "'fashionnet' has no stages"),
        ("oneshot", {"stages": 1}, "'oneshot' has no stages"),
        ("lite", {"width": 0.5}, "'lite' has one width; those with a choice are: cpm, fashionnet, oneshot, paper"),
        ("cpm", {"width": 0.0}, "width is 0.0; expected a positive number"),
        ("vgg", {}, "unknown model 'vgg'; expected one of: .*cpm, fashionnet"),
    ],
)
def test_options_that_a_preset_has_not(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preset(name, SCHEMA, **options)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("fashionnet", {"input_width": 72}, "input 72 × 64 is not a multiple of the stride 32"),
        ("fashionnet", {"input_height": 0}, "expected at least 1 × 1"),
        ("fashionnet", {"width": -1.0}, "width is -1.0; expected a positive number"),
        ("fashionnet", {"width": float("nan")}, "width is nan"),
        ("fashionnet", {"dropout": 1.0}, "dropout is 1.0"),
        ("fashionnet", {"fc_local": 0}, "fc_local is 0; expected at least 1 unit"),
        ("fashionnet", {"fc_pose": (16, 0)}, "fc_pose is 0; expected at least 1 unit"),
        ("fashionnet", {"region": 5}, "a region of 5 cells is not pooled to 3"),
        ("fashionnet", {"region": 9}, "larger than conv4, which has 8 × 8"),
        ("oneshot", {"input_width": 68}, "not a multiple of the stride 8"),
        ("oneshot", {"width": 0.0}, "width is 0.0"),
        ("cpm", {"centre_sigma": 0.0}, "centre_sigma is 0.0; expected pixels above 0"),
        ("cpm", {"centre_sigma": float("inf")}, "centre_sigma is inf"),
    ],
)
def test_impossible_configurations_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        msgspec.structs.replace(small(name), **changes)


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(json.dumps(config_to_dict(small("oneshot")) | {"kind": "hourglass"}).encode())
    with pytest.raises(ModelError, match="unknown kind of network 'hourglass'; expected one of: fpm, fashionnet"):
        read_any_config(path)
    path.write_bytes(json.dumps(config_to_dict(small("oneshot")) | {"kind": "fashionnet", "maps": 3}).encode())
    with pytest.raises(ModelError, match="unknown field `maps`"):
        read_any_config(path)


def test_configurations_need_no_tensorflow() -> None:
    code = (
        "import sys; from fpm_edge.model.presets import preset; from fpm_edge.model.arithmetic import "
        "fashionnet_costs, oneshot_costs; from fpm_edge_runtime.bundle.schema_file import load_schema; "
        "fashionnet_costs(preset('fashionnet', load_schema('deepfashion8'))); "
        "oneshot_costs(preset('oneshot', load_schema('deepfashion8'))); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["paper", *BASELINES])
def test_costs_of_the_document_are_those_of_the_code(name: str) -> None:
    document = Path(__file__).parents[3] / "docs" / "baselines.md"
    schema = load_schema("fashionai24")
    cells = []
    for options in ({}, {"width": 0.125, "input_size": (128, 128)}):
        config = preset(name, schema, **options)  # type: ignore[arg-type]
        costs = network_for(config).costs(config)
        cells += [f"{sum(c.parameters for c in costs):,}", f"{sum(c.macs for c in costs) / 1e9:.2f}"]
    row = f"| `{name}` | {kind_of(config)} | {' | '.join(cells)} |"
    print(row)
    assert row in document.read_text("utf-8")
