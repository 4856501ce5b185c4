"""What every test needs: an environment of its own, and one tiny network that is trained and converted once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# TensorFlow reads both when it is imported, which test modules do while they are collected.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

TINY_SPEC = "rendered:48@1/64"
CALIBRATION_SPEC = "rendered:40@2/64"


def pytest_configure(config: pytest.Config) -> None:
    # tfmot compares versions with distutils when it is imported; nothing here can change that.
    config.addinivalue_line("filterwarnings", "ignore:distutils Version classes are deprecated:DeprecationWarning")


@pytest.fixture(scope="session", autouse=True)
def render_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ground truth of rendered garments is kept in a folder of this session, never in the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def schema24() -> Any:
    from fpm_edge_runtime import load_schema

    return load_schema("fashionai24")


@pytest.fixture(scope="session")
def tiny_training(schema24: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """The folder of a "tiny" network that has seen each of 48 garments ten times, and the log of each epoch."""
    import tf_keras

    from fpm_edge.data import load_dataset
    from fpm_edge.model import preset
    from fpm_edge.model.network import build_model
    from fpm_edge.model.store import save_model
    from fpm_edge.train.loop import train
    from fpm_edge.train.settings import TrainSettings

    folder = tmp_path_factory.mktemp("models") / "tiny"
    tf_keras.utils.set_random_seed(0)
    config = preset("tiny", schema24)
    model = build_model(config)
    # Pairs of pictures: 240 steps, enough for the moving averages of the batch normalisation to be of use.
    settings = TrainSettings(epochs=10, batch=2, learning_rate=5e-3)
    logs: list[Any] = []
    train(model, config, load_dataset(TINY_SPEC), settings, folder, on_epoch=logs.append)
    save_model(folder, config, model)
    return folder, logs


@pytest.fixture(scope="session")
def tiny_model(tiny_training: tuple[Path, list[Any]]) -> Path:
    """Model folder of the trained "tiny" network."""
    return tiny_training[0]


@pytest.fixture(scope="session")
def calibration_data(render_cache: Path) -> Any:
    from fpm_edge.data import load_dataset

    return load_dataset(CALIBRATION_SPEC)


@pytest.fixture(scope="session")
def tiny_converted(tiny_model: Path, calibration_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `convert` said about `tiny_bundle`."""
    from fpm_edge.convert.convert import Calibration, convert
    from fpm_edge.convert.gate import Budget

    return convert(
        tiny_model,
        tmp_path_factory.mktemp("bundles") / "tiny.fpm",
        precision="int8",
        calibration=Calibration(calibration_data, samples=16),
        budget=Budget(10.0, 20.0),
        embed_reference=True,
    )


@pytest.fixture(scope="session")
def tiny_bundle(tiny_converted: Any) -> Path:
    """The int8 bundle of the trained "tiny" network: TFLite, ONNX, golden cases and the float reference."""
    return tiny_converted.path


@pytest.fixture(scope="session")
def tiny_float_bundle(tiny_model: Path, calibration_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The float32 bundle of the trained "tiny" network, in both formats."""
    from fpm_edge.convert.convert import Calibration, convert

    path = tmp_path_factory.mktemp("float_bundles") / "tiny_float.fpm"
    return convert(tiny_model, path, precision="float32", calibration=Calibration(calibration_data, samples=16)).path
