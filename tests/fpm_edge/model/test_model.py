"""Configurations, and the networks they build."""

from typing import Any

import msgspec
import numpy as np
import pytest
import tf_keras
from shaped_networks import LITE_LIKE, PAPER_LIKE, randomised
from small_networks import pictures, run

from fpm_edge.model import PRESETS, Conv, ModelConfig, preset, receptive_fields, stage_costs
from fpm_edge.model.config import decode_config
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model, training_outputs
from fpm_edge.model.store import assign_weights, named_weights
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import ModelError, UsageError

VARIANTS = {
    "paper_like": PAPER_LIKE,
    "lite_like": LITE_LIKE,
    "one_stage": msgspec.structs.replace(LITE_LIKE, stages=1),
    "own_features_in_stage_2": msgspec.structs.replace(PAPER_LIKE, share_features_from=3),
    "own_features_shared_join": msgspec.structs.replace(LITE_LIKE, share_features_from=3),
    "dilated": msgspec.structs.replace(LITE_LIKE, first=(Conv(3, 8, dilation=2), Conv(1, 8))),
    "separable": msgspec.structs.replace(LITE_LIKE, first=(Conv(5, 7, separable=True), Conv(1, 8))),
    "two_stages_own_features": msgspec.structs.replace(PAPER_LIKE, share_features_from=3, stages=2),
}


# ---- the paper ----


def test_paper_preset_is_the_papers_network(schema24: LandmarkSchema) -> None:
    config = preset("paper", schema24)
    costs = stage_costs(config)
    assert [cost.piece for cost in costs] == ["stage_1", "context", *(f"stage_{t}" for t in range(2, 7))]
    assert sum(cost.parameters for cost in costs) == 31_518_678
    assert sum(cost.macs for cost in costs) == pytest.approx(340e9, rel=0.01)
    assert receptive_fields(config) == (160, 400, 640, 880, 1120, 1360)
    assert (config.stride, config.maps, config.map_size) == (8, 25, (64, 64))

    model = build_model(config)
    assert model.count_params() == 31_518_678
    assert [tuple(output.shape) for output in model.outputs] == [(None, 64, 64, 25)] * 6
    assert [layer.name for layer in model.layers if layer.name.startswith("heatmap_")] == [
        f"heatmap_{t}" for t in range(1, 7)
    ]
    kernels = [
        layer.kernel.shape[0]
        for layer in model.layers
        if layer.name.startswith("stage_1_") and hasattr(layer, "kernel")
    ]
    assert kernels == [9, 9, 9, 5, 9, 1, 1]
    refine = [tuple(model.get_layer(f"stage_6_{i}_conv").kernel.shape) for i in (1, 2, 3)]
    assert refine == [(11, 11, 128, 128), (11, 11, 128, 128), (1, 1, 128, 128)]
    assert tuple(model.get_layer("stage_6_conv_x").kernel.shape) == (11, 11, 32, 128)
    assert tuple(model.get_layer("stage_6_conv_h").kernel.shape) == (11, 11, 25, 128)


def test_the_largest_lite_costs_a_hundredth_of_the_paper(schema24: LandmarkSchema) -> None:
    names = ("lite-s", "lite-m", "lite-l", "paper")
    macs = [sum(cost.macs for cost in stage_costs(preset(name, schema24))) for name in names]
    assert macs[:3] == sorted(macs[:3])
    assert macs[2] * 100 <= macs[3]


def test_lite_is_the_middle_one(schema24: LandmarkSchema) -> None:
    assert preset("lite", schema24) == preset("lite-m", schema24)
    assert preset("lite", schema24).name == "lite-m"


@pytest.mark.parametrize("name", VARIANTS)
def test_costs_are_those_of_the_built_network(name: str) -> None:
    config = msgspec.structs.replace(VARIANTS[name], batch_norm=False)
    model = build_model(config)
    costs = stage_costs(config)
    assert sum(cost.parameters for cost in costs) == model.count_params()
    kernels = ("kernel:0", "depthwise_kernel:0")
    macs = 0
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name.rpartition("/")[2] in kernels:
                macs += int(np.prod(weight.shape)) * int(np.prod(layer.output.shape[1:3]))
    assert sum(cost.macs for cost in costs) == macs


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            msgspec.structs.replace(
                PAPER_LIKE,
                input_width=96,
                first=(Conv(3, 2, pool=2), Conv(3, 2, pool=2), Conv(3, 2)),
                context=(Conv(7, 2, pool=2), Conv(7, 2, pool=2), Conv(3, 2)),  # sees more than stage 1
                refine=(Conv(3, 2), Conv(1, 2)),
            ),
            (18, 38, 46),
        ),
        (msgspec.structs.replace(LITE_LIKE, input_width=96, batch_norm=False, clip_heatmaps=False), (26, 50, 74)),
    ],
    ids=["pooled", "strided"],
)
def test_receptive_field_is_what_the_network_sees(config: ModelConfig, expected: tuple[int, ...]) -> None:
    assert receptive_fields(config) == expected
    model = build_model(config)
    for variable in model.weights:  # all positive: any light in the field reaches the cell, none can cancel
        variable.assign(np.full(variable.shape, 0.0 if "bias" in variable.name else 0.05, np.float32))
    width = config.input_width
    lit = np.zeros((width, config.input_height, width, 3), np.float32)
    lit[np.arange(width), :, np.arange(width)] = 1.0  # picture x has only column x lit
    cell = width // config.stride // 2
    for field, maps in zip(expected, run(model, lit), strict=True):
        seen = np.flatnonzero(maps[:, maps.shape[1] // 2, cell, 0] > 0)
        assert seen.tolist() == list(range(seen[0], seen[0] + field))
        # The half-pixel rule: the field is centred on where the cell lies.
        assert seen.mean() == (cell + 0.5) * config.stride - 0.5


# ---- the network ----


def test_split_join_equals_a_convolution_of_the_concatenation() -> None:
    config = PAPER_LIKE
    model = randomised(config)
    layers = tf_keras.layers

    def weighted(name: str, x: Any, activation: str | None = "relu") -> Any:
        source = model.get_layer(name)
        layer = layers.Conv2D(source.filters, source.kernel_size, padding="same", activation=activation)
        out = layer(x)
        layer.set_weights(source.get_weights())
        return out

    image = tf_keras.Input((config.input_height, config.input_width, 3))

    def features(prefix: str) -> Any:
        x = image
        for number in (1, 2):
            x = layers.MaxPooling2D(2)(weighted(f"{prefix}_{number}_conv", x))
        return weighted(f"{prefix}_3_conv", x)

    maps = [weighted("stage_1_head", features("stage_1"), None)]
    context = features("context")
    for stage in (2, 3):
        conv_x, conv_h = (model.get_layer(f"stage_{stage}_conv_{end}").get_weights() for end in "xh")
        joined = layers.Conv2D(8, 5, padding="same", activation="relu")
        x = joined(layers.Concatenate()([context, maps[-1]]))
        joined.set_weights([np.concatenate([conv_x[0], conv_h[0]], axis=2), conv_h[1]])
        x = weighted(f"stage_{stage}_2_conv", weighted(f"stage_{stage}_1_conv", x))
        maps.append(weighted(f"stage_{stage}_head", x, None))

    pixels = pictures(config)
    for split, whole in zip(run(model, pixels), run(tf_keras.Model(image, maps), pixels), strict=True):
        assert np.abs(whole).max() > 0.1
        np.testing.assert_allclose(split, whole, rtol=1e-4, atol=1e-5 * float(np.abs(whole).max()))


def test_features_are_shared_from_stage_2_or_3() -> None:
    second = {layer.name for layer in build_model(PAPER_LIKE).layers}
    third = {layer.name for layer in build_model(VARIANTS["own_features_in_stage_2"]).layers}
    assert third - second == {
        name.replace("context", "context_2") for name in second if name.startswith("context_")
    } | {"context_2_3_relu"}
    assert second <= third

    # Stage 2's own features move stage 2 and what follows; the shared ones move only stage 3.
    model = randomised(VARIANTS["own_features_in_stage_2"])
    pixels = pictures(PAPER_LIKE)
    before = run(model, pixels)
    model.get_layer("context_3_conv").bias.assign_add(np.full(5, 0.5, np.float32))
    shared_moved = [not np.array_equal(a, b) for a, b in zip(before, run(model, pixels), strict=True)]
    model.get_layer("context_2_3_conv").bias.assign_add(np.full(5, 0.5, np.float32))
    own_moved = [not np.array_equal(a, b) for a, b in zip(before, run(model, pixels), strict=True)]
    assert shared_moved == [False, False, True]
    assert own_moved == [False, True, True]


def test_shared_join_is_computed_once() -> None:
    names = [layer.name for layer in build_model(LITE_LIKE).layers]
    assert "context" in names
    assert not [name for name in names if name.endswith("_conv_x")]


@pytest.mark.parametrize("name", ["paper_like", "lite_like", "own_features_in_stage_2"])
def test_truncated_network_is_the_first_stages(name: str) -> None:
    config = VARIANTS[name]
    full = randomised(config)
    pixels = pictures(config)
    expected = run(full, pixels)
    for stages in (1, 2):
        short = build_model(config.truncated(stages))
        assign_weights(short, named_weights(full), "memory")
        found = run(short, pixels)
        assert len(found) == stages
        for a, b in zip(found, expected, strict=False):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("stages", [0, 4, -1])
def test_truncating_to_a_stage_that_is_not_there(stages: int) -> None:
    with pytest.raises(UsageError, match=f"has 3 stages; cannot keep {stages}"):
        PAPER_LIKE.truncated(stages)


def test_clipped_maps_are_bounded_and_training_sees_them_before_the_clip() -> None:
    model = randomised(LITE_LIKE)
    pixels = pictures(LITE_LIKE)
    clipped, raw = run(model, pixels), run(training_outputs(model), pixels)
    assert min(m.min() for m in raw) < -0.1
    assert max(m.max() for m in raw) > 1.1
    for bounded, free in zip(clipped, raw, strict=True):
        np.testing.assert_array_equal(bounded, np.clip(free, 0.0, 1.0))


def test_unclipped_maps_are_the_heads() -> None:
    model = randomised(PAPER_LIKE)
    pixels = pictures(PAPER_LIKE)
    for a, b in zip(run(model, pixels), run(training_outputs(model), pixels), strict=True):
        np.testing.assert_array_equal(a, b)


def test_untrained_maps_are_near_empty_background() -> None:
    tf_keras.utils.set_random_seed(0)
    for maps in run(build_model(LITE_LIKE), pictures(LITE_LIKE)):
        assert np.abs(maps[..., :-1]).mean() < 0.1
        assert maps[..., -1].mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["lite_like", "own_features_shared_join"])
def test_folding_batch_normalisation_keeps_the_function(name: str) -> None:
    config = VARIANTS[name]
    # Unbounded, so that no clip hides a difference.
    config = msgspec.structs.replace(config, clip_heatmaps=False, activation="relu")
    model = randomised(config)
    folded_config, folded = fold_batch_norm(config, model)
    assert not folded_config.batch_norm
    assert not [layer for layer in folded.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    pixels = pictures(config)
    for before, after in zip(run(model, pixels), run(folded, pixels), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5 * float(np.abs(before).max()))


def test_folding_without_batch_normalisation_changes_nothing() -> None:
    model = build_model(PAPER_LIKE)
    config, folded = fold_batch_norm(PAPER_LIKE, model)
    assert config is PAPER_LIKE
    assert folded is model


# ---- configurations ----


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": 0}, "0 stages; expected at least 1"),
        ({"share_features_from": 1}, "share_features_from is 1; expected 2 or 3"),
        ({"first": ()}, "each need at least one layer"),
        ({"refine": ()}, "each need at least one layer"),
        ({"context": (Conv(3, 5),)}, "different strides"),
        ({"refine": (Conv(3, 8, pool=2),)}, "must keep the size of the maps"),
        ({"refine": (Conv(3, 8, stride=2),)}, "must keep the size of the maps"),
        ({"input_width": 50}, "input 50 × 32 is not a multiple of the stride 4"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        msgspec.structs.replace(PAPER_LIKE, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"input_height": 0},
        {"input_height": -32},
        {"first": [{"kernel": 0, "filters": 4, "pool": 2}, {"kernel": 3, "filters": 6, "pool": 2}]},
        {"first": [{"kernel": 3, "filters": 0, "pool": 2}, {"kernel": 3, "filters": 6, "pool": 2}]},
        {"first": [{"kernel": 3, "filters": 4, "pool": -2}, {"kernel": 3, "filters": 6, "pool": -2}]},
    ],
    ids=["no height", "negative height", "kernel 0", "filters 0", "negative pools"],
)
def test_numbers_below_one_are_refused(changes: dict[str, Any]) -> None:
    # Given raw, as a damaged config.json would give them.
    data = msgspec.to_builtins(PAPER_LIKE) | changes
    with pytest.raises(ModelError):
        decode_config(data, "config.json")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str, schema24: LandmarkSchema) -> None:
    config = preset(name, schema24)
    assert config.name == ("lite-m" if name == "lite" else name)
    decoded = msgspec.convert(msgspec.to_builtins(config), type=type(config))
    assert decoded == config
    if isinstance(config, ModelConfig):
        assert decode_config(msgspec.json.encode(config), "here") == config


def test_preset_options(schema24: LandmarkSchema) -> None:
    config = preset("lite", schema24, stages=2, input_size=(128, 256))
    assert (config.stages, config.input_size, config.map_size) == (2, (128, 256), (16, 32))
    with pytest.raises(UsageError, match=r"unknown model 'huge'; expected one of: cpm, .*lite-s, .*paper, tiny"):
        preset("huge", schema24)
    with pytest.raises(ModelError, match="not a multiple"):
        preset("lite", schema24, input_size=(130, 128))
