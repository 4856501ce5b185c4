"""NE, PCK and the mean-shape floor on answers that can be worked out by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_edge.__main__ import main
from fpm_edge.accuracy.evaluate import evaluate
from fpm_edge.accuracy.predict import Predictions, predict_mean_shape, predict_network, predict_session, truth_of
from fpm_edge.convert.quantized import load_any
from fpm_edge.data import Dataset, Record, load_dataset, read_image
from fpm_edge.model import preset
from fpm_edge.model.networks import network_for
from fpm_edge.model.store import save_model
from fpm_edge_runtime import SchemaError, load_schema, open_bundle


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return load_dataset("rendered:12@5/64")


def shifted(dataset: Dataset, *offsets: float) -> Predictions:
    """The truth moved right by a share of the width, one stage for each offset."""
    truth = truth_of(dataset).landmarks
    sizes = np.array([read_image(record).shape[1::-1] for record in dataset.records], np.float64)
    stages = [truth + np.stack([sizes[:, 0] * share, 0 * sizes[:, 1]], axis=-1)[:, None] for share in offsets]
    landmarks = np.stack(stages, axis=1).astype(np.float32)
    return Predictions(landmarks, np.ones(landmarks.shape[:3], np.float32), sizes)


def test_a_known_shift_is_the_error(garments: Dataset) -> None:
    result = evaluate(shifted(garments, 0.07, 0.03, 0.0), truth_of(garments), garments.schema, garments.name)
    assert [entry.ne.mean for entry in result.stages] == pytest.approx([0.07, 0.03, 0.0], abs=1e-6)
    assert [entry.pck[0.05].mean for entry in result.stages] == [0.0, 1.0, 1.0]
    assert result.stages[0].pck[0.1].mean == 1.0
    labelled = int((truth_of(garments).visibility >= 0).sum())
    assert result.stages[0].ne.count == labelled
    assert result.stages[0].visible_ne.count == int((truth_of(garments).visibility == 1).sum())
    plain = result.to_dict()
    assert plain["stages"][1]["ne"]["mean"] == pytest.approx(0.03, abs=1e-6)


def test_the_contest_divides_by_the_reference_length(garments: Dataset) -> None:
    predictions = shifted(garments, 0.05)
    truth = truth_of(garments)
    result = evaluate(predictions, truth, garments.schema, garments.name).stages[0].contest_ne
    expected, count = 0.0, 0
    for index, category in enumerate(truth.categories):
        first, second = garments.schema.normalizers[category]
        if min(truth.visibility[index, [first, second]]) < 0:
            continue
        length = np.linalg.norm(truth.landmarks[index, first] - truth.landmarks[index, second])
        visible = int((truth.visibility[index] == 1).sum())
        expected += visible * 0.05 * 64 / length
        count += visible
    assert result.count == count
    assert result.mean == pytest.approx(expected / count, rel=1e-4)


def test_mean_shape_is_the_mean_of_its_category() -> None:
    schema = load_schema("fashionai24")
    source = load_dataset("rendered:1@5/64").records[0].image

    def record(name: str, category: str, x: float) -> Record:
        landmarks = np.full((24, 2), -1.0, np.float32)
        visibility = np.full(24, -1, np.int8)
        landmarks[15:19], visibility[15:19] = (x, 32.0), 1
        return Record(source, category, landmarks, visibility, name)

    training = Dataset((record("a", "skirt", 10.0), record("b", "skirt", 20.0)), schema, "training")
    held = Dataset((record("c", "skirt", 40.0),), schema, "held")
    predictions = predict_mean_shape(training, held)
    np.testing.assert_allclose(predictions.landmarks[0, 0, 15:19], [[15.0, 32.0]] * 4, atol=1e-4)
    np.testing.assert_allclose(predictions.landmarks[0, 0, 0], [32.0, 32.0], atol=1e-4)


def test_network_and_float_bundle_agree(tiny_model: Path, tiny_float_bundle: Path, garments: Dataset) -> None:
    loaded = load_any(tiny_model)
    network = predict_network(loaded.network, loaded.config, garments)
    session = predict_session(open_bundle(tiny_float_bundle).session(), garments)
    clear = np.minimum(network.scores, session.scores) > 0.25
    assert clear.sum() > 20
    apart = np.linalg.norm(network.landmarks - session.landmarks, axis=-1)[clear]
    assert np.quantile(apart, 0.95) < 0.05
    np.testing.assert_array_equal(network.sizes, session.sizes)


def test_other_landmarks_are_refused(tiny_float_bundle: Path, garments: Dataset) -> None:
    from dataclasses import replace

    other: Any = load_schema("lsp14")
    with pytest.raises(SchemaError, match="lsp14"):
        predict_session(open_bundle(tiny_float_bundle).session(), replace(garments, schema=other))


def test_several_models_each_have_their_tables(
    tiny_model: Path, tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--data", "rendered:12@9/64")
    plain = json.loads(evaluated(capsys, tiny_model, tiny_float_bundle, *common, "--json"))
    assert [model["model"] for model in plain["models"]] == ["tiny", "tiny_float"]
    alone = json.loads(evaluated(capsys, tiny_float_bundle, *common, "--json"))
    assert plain["models"][1] == {"model": "tiny_float", **alone}

    text = evaluated(capsys, tiny_model, tiny_float_bundle, *common)
    assert text.count("by landmark and stage") == 2
    assert text.index("tiny on rendered") < text.index("tiny_float on rendered")
    for model in plain["models"]:
        assert f"{model['stages'][-1]['ne']['mean']:.4f}" in text


def test_another_kind_of_network_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = preset("fashionnet", load_schema("fashionai24"), width=0.125, input_size=(64, 64))
    save_model(tmp_path / "rival", config, network_for(config).build(config))
    plain = json.loads(evaluated(capsys, tmp_path / "rival", "--data", "rendered:4@9/64", "--json"))
    assert [stage["stage"] for stage in plain["stages"]] == [1]
    assert plain["stages"][0]["ne"]["mean"] > 0.0


def test_a_missing_model_is_named_before_any_work(
    tiny_float_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The data set is missing too: the models are looked for first.
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", str(tiny_float_bundle), str(tmp_path / "nowhere"), "--data", f"fashionai:{tmp_path / 'no'}"])
    assert caught.value.code == 2
    assert "nowhere: no such model" in capsys.readouterr().err


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in ("evaluate", *arguments)])
    captured = capsys.readouterr()
    assert caught.value.code == 0, captured.err
    return captured.out
