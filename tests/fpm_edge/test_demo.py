"""What the package ships, and the demo that uses it (small here; the whole of it runs in continuous integration)."""

from pathlib import Path

import pytest

from fpm_edge import demo
from fpm_edge.accuracy.predict import drift_between, predict_network, predict_session, truth_of
from fpm_edge.convert.quantized import load_any
from fpm_edge.shipped import SHIPPED_MODEL, SHIPPED_MODELS, model_folder, shipped_bundle, shipped_model
from fpm_edge_runtime import check_goldens, normalized_error, open_bundle


def test_the_shipped_model_finds_landmarks() -> None:
    from fpm_edge.data import load_dataset

    folder = shipped_model()
    assert (folder / "weights.safetensors").stat().st_size <= 3_000_000
    # How it was trained, what it saw and what it may be used for.
    card = (folder / "card.md").read_text()
    assert all(words in card for words in ("fpm-edge train --config", "CC0 1.0", "May be used for"))
    loaded = load_any(folder)
    assert (loaded.config.name, loaded.config.schema.name, loaded.quantized) == ("lite-m", "fashionai24", None)
    garments = load_dataset("rendered:24@103")
    found, truth = predict_network(loaded.network, loaded.config, garments), truth_of(garments)
    mean = [
        normalized_error(found.landmarks[:, stage], truth.landmarks, found.sizes)[truth.visibility == 1].mean()
        for stage in range(3)
    ]
    # The card states 0.040 on 400 garments; a broken network or renderer is far above.
    assert mean[2] < 0.05
    assert mean[2] < mean[0]


def test_names_stand_for_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHIPPED_MODELS[SHIPPED_MODEL] == SHIPPED_MODEL
    for name, folder in SHIPPED_MODELS.items():
        assert model_folder(Path(name)) == shipped_model(name)
        assert shipped_model(name).name == folder
    # What was its name before.
    assert model_folder(Path("lite-fashionai24")) == shipped_model()
    assert model_folder(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)
    (tmp_path / SHIPPED_MODEL).mkdir()
    assert model_folder(Path(SHIPPED_MODEL)) == Path(SHIPPED_MODEL)


def test_the_shipped_bundle_is_the_shipped_model_in_int8() -> None:
    from fpm_edge.data import load_dataset

    assert shipped_bundle().stat().st_size <= 1_000_000
    bundle = open_bundle(shipped_bundle())
    bundle.check()
    assert (bundle.formats, bundle.manifest.quantization.precision) == (("tflite",), "int8")
    assert bundle.reference() is None
    session = bundle.session()
    assert check_goldens(session).ok
    # Of these weights, not of those that were shipped before.
    loaded = load_any(shipped_model())
    garments = load_dataset("rendered:40@103/192")
    expected = predict_network(loaded.network, loaded.config, garments)
    drift = drift_between(predict_session(session, garments), expected, truth_of(garments), garments.schema)
    assert drift.stages[-1].disagreement.estimate < 0.004


def test_the_demo_makes_everything(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "shipped_model", lambda: tiny_model)
    monkeypatch.setattr(demo, "_CALIBRATION", "rendered:40@2/64")
    monkeypatch.setattr(demo, "_SAMPLES", 16)
    # A tiny network on a dozen garments keeps no budget worth the name.
    monkeypatch.setattr(demo, "_BUDGET", demo.Budget(10.0, 20.0))
    result = demo.run_demo(tmp_path / "demo", 12)
    for path in (result.bundle, result.float_bundle):
        assert check_goldens(open_bundle(path).session()).ok
    assert set(result.drift) == {"tflite", "onnx"}
    assert result.drift["tflite"].pictures == 12
    assert len(list(result.overlays.glob("*.png"))) == 13
    assert "int8, 3 stages" in result.report.read_text()
