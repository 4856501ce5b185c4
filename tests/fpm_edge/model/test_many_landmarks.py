"""DeepFashion2's 294 landmarks from the first picture to the device: training, int8, a bundle, detection."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras
from many_landmarks import SCHEMA, draw_deepfashion2

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.gate import Budget
from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge.model import preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import save_model
from fpm_edge.train.loop import train
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime import open_bundle


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data") / "train"
    draw_deepfashion2(folder, 26)
    return load_dataset(f"deepfashion2:{folder}")


def test_the_whole_way(garments: Dataset, tmp_path: Path) -> None:
    tf_keras.utils.set_random_seed(0)
    config = preset("tiny", SCHEMA)
    model = build_model(config)
    logs: list[Any] = []
    settings = TrainSettings(epochs=2, batch=4, learning_rate=3e-3, augmentation=Augmentation())
    train(model, config, garments, settings, tmp_path / "model", on_epoch=logs.append)
    first, last = (sum(log.losses) for log in (logs[0], logs[-1]))
    assert last < first
    save_model(tmp_path / "model", config, model)
    converted = convert(
        tmp_path / "model",
        tmp_path / "many.fpm",
        precision="int8",
        formats=("tflite",),
        calibration=Calibration(garments, samples=16),
        # Of two epochs nothing is to be expected but that it runs.
        budget=Budget(10.0, 100.0),
        allow_seen=True,
    )
    bundle = open_bundle(converted.path)
    assert bundle.manifest.landmarks == SCHEMA
    record = garments.records[1]
    found = bundle.session("litert").detect(read_image(record), category=record.category, box=record.box)
    assert found.landmarks.shape == (294, 2)
    assert np.isfinite(found.landmarks).all()
    assert found.labelled.sum() == len(SCHEMA.categories[record.category])
    heatmap = next(
        spec for piece in bundle.manifest.pieces["tflite"] for spec in piece.outputs if "heatmap" in spec.name
    )
    assert heatmap.shape[-1] == 295
    assert heatmap.dtype == "int8"


def test_a_mirrored_garment_has_its_landmarks_where_their_partners_were(garments: Dataset) -> None:
    """The drawn garments are symmetrical, so flipping one changes nothing but the side it lies on."""
    for record in garments.records[:13]:
        partners = record.landmarks[list(SCHEMA.flip)]
        both = (record.visibility >= 0) & (record.visibility[list(SCHEMA.flip)] >= 0)
        middle = (record.landmarks[both] + partners[both])[:, 0] / 2
        assert np.ptp(middle) <= 1
        assert np.abs(record.landmarks[both, 1] - partners[both, 1]).max() <= 1
