"""The folders that models are kept in."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from shaped_networks import LITE_LIKE, SCHEMA, randomised
from small_networks import pictures, run

from fpm_edge.model.store import load_model, named_weights, save_model
from fpm_edge_runtime.errors import ModelError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", LITE_LIKE, randomised(LITE_LIKE))
    return tmp_path / "model"


def test_a_saved_model_comes_back_bit_for_bit(folder: Path) -> None:
    model = randomised(LITE_LIKE)
    config, loaded = load_model(folder)
    assert config == LITE_LIKE
    expected = named_weights(model)
    found = named_weights(loaded)
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    save_model(folder.parent / "again", config, loaded)
    for file in ("config.json", "weights.safetensors"):
        assert (folder.parent / "again" / file).read_bytes() == (folder / file).read_bytes()


def test_loading_for_another_input(folder: Path) -> None:
    config, model = load_model(folder)
    larger, resized = load_model(folder, input_size=(64, 40))
    assert larger == config.resized((64, 40)) == msgspec.structs.replace(config, input_width=64, input_height=40)
    for name, array in named_weights(model).items():
        np.testing.assert_array_equal(named_weights(resized)[name], array)
    assert resized.outputs[0].shape[1:3] == (40 // config.stride, 64 // config.stride)
    with pytest.raises(ModelError, match="input 50 × 40 is not a multiple of the stride 4"):
        load_model(folder, input_size=(50, 40))


def test_loading_the_first_stages(folder: Path) -> None:
    config, short = load_model(folder, stages=1)
    assert config == LITE_LIKE.truncated(1)
    pixels = pictures(config)
    np.testing.assert_array_equal(run(short, pixels)[0], run(load_model(folder)[1], pixels)[0])
    with pytest.raises(UsageError, match="cannot keep 4"):
        load_model(folder, stages=4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(folder: Path, value: float) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["stage_2_conv_h/kernel"][0, 0, 0, 0] = value
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(ModelError, match=r"weights\.safetensors: weight stage_2_conv_h/kernel holds NaN or infinity"):
        load_model(folder)


def test_a_missing_weight(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    del weights["stem_1_bn/moving_variance"]
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(ModelError, match="weight stem_1_bn/moving_variance is missing"):
        load_model(folder)


def test_a_weight_of_another_shape(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights["stage_1_head/bias"] = np.zeros(7, np.float32)
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(ModelError, match=r"weight stage_1_head/bias has shape \(7,\), expected \(4,\)"):
        load_model(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_weights_that_are_cut_short(folder: Path, share: float) -> None:
    file = folder / "weights.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelError, match=r"weights\.safetensors: not a whole safetensors file"):
        load_model(folder)


def test_missing_files(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere: no such model folder; expected one with config\.json"):
        load_model(folder / "nowhere")
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors: cannot read the weights: No such file"):
        load_model(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json: cannot read the model's configuration: No such file"):
        load_model(folder)


def edited(**changes: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(LITE_LIKE) | changes).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"config\.json: not a model configuration"),
        (b"{", r"config\.json: not a model configuration"),
        (b"[]", r"config\.json: not a model configuration: Expected `object`"),
        (edited(stages="three"), r"Expected `int`, got `str` - at `\$.stages`"),
        (edited(activation="tanh"), r"Invalid enum value 'tanh' - at `\$.activation`"),
        (edited(stage=3), r"unknown field `stage`"),
        (edited(stages=0), r"0 stages; expected at least 1"),
    ],
)
def test_a_config_that_is_none(folder: Path, content: bytes, message: str) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    "content",
    [
        edited(schema=msgspec.to_builtins(SCHEMA) | {"flip": [1, 2, 0]}),
        edited().replace(b"small", b"sm\xffll"),
    ],
    ids=["inconsistent schema", "not UTF-8"],
)
def test_a_config_that_is_wrong_inside(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json: not a model configuration"):
        load_model(folder)
