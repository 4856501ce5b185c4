"""Quantization-aware training on a tiny network: what it changes, what it keeps, what it hands to conversion."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from fpm_edge.convert import Calibration, convert
from fpm_edge.data import load_dataset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import load_model
from fpm_edge.qat import fine_tune
from fpm_edge.quantized import FLOAT_FOLDER, is_qat_folder, load_any, save_qat
from fpm_edge.train.settings import TrainSettings

SETTINGS = TrainSettings(epochs=2, batch=8, learning_rate=1e-4)


@pytest.fixture(scope="module")
def qat_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qat") / "qat"
    config, network = fold_batch_norm(*load_model(tiny_model, stages=2))
    quantized = fine_tune(config, network, load_dataset("rendered:24@1/64"), SETTINGS, folder)
    save_qat(folder, config, network, quantized)
    return folder


def test_weights_and_ranges_have_moved(qat_model: Path, tiny_model: Path) -> None:
    trained = load_any(qat_model)
    assert trained.quantized is not None
    start = {w.name: w.numpy() for w in trained.network.weights}
    moved = {w.name.removeprefix("quant_"): w.numpy() for w in trained.quantized.weights}
    changed = [name for name, value in start.items() if not np.array_equal(value, moved[name])]
    assert len(changed) == len(start)
    assert not np.isnan(np.concatenate([value.ravel() for value in moved.values()])).any()
    # The maps' range is fixed whatever the training does.
    saved = load_file(qat_model / "weights.safetensors")
    assert saved["quant_heatmap_2/output_min"] == 0.0
    assert saved["quant_heatmap_2/output_max"] == 1.0
    assert saved["quant_features/output_max"] > 0.0


def test_the_float_model_is_kept_beside(qat_model: Path, tiny_model: Path) -> None:
    assert is_qat_folder(qat_model)
    assert not is_qat_folder(tiny_model)
    _, expected = fold_batch_norm(*load_model(tiny_model, stages=2))
    _, kept = load_model(qat_model / FLOAT_FOLDER)
    for first, second in zip(expected.weights, kept.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_it_stays_close_to_float(qat_model: Path) -> None:
    trained = load_any(qat_model)
    assert trained.quantized is not None
    image = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    for plain, quantized in zip(
        trained.network(image, training=False), trained.quantized(image, training=False), strict=True
    ):
        assert np.abs(plain.numpy() - quantized.numpy()).mean() < 0.05


def test_convert_uses_the_trained_ranges(qat_model: Path, calibration_data: Any, tmp_path: Path) -> None:
    result = convert(
        qat_model, tmp_path / "qat.fpm", precision="int8", calibration=Calibration(calibration_data, samples=16)
    )
    assert result.manifest.quantization.method == "qat"
    assert result.manifest.stages == 2
    card = result.manifest.calibration
    assert card is not None
    saved = load_file(qat_model / "weights.safetensors")
    assert card.ranges["features"][1] == pytest.approx(float(saved["quant_features/output_max"]))
    features = next(
        spec for piece in result.manifest.pieces["tflite"] for spec in piece.outputs if spec.name == "features"
    )
    assert features.scale == pytest.approx(float(saved["quant_features/output_max"]) / 255.0, rel=1e-3)
