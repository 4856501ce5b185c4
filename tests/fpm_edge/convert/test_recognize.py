"""A bundle recognises garments by rules that conversion fitted to what its own file finds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.accuracy.predict import Predictions, predict_session, truth_of
from fpm_edge.accuracy.recognized import recognition_of
from fpm_edge.accuracy.trust import trust_of
from fpm_edge.convert.bundle_card import recognition_words
from fpm_edge.convert.convert import Calibration, Converted, convert
from fpm_edge.convert.recognize import fit_recognition, load_nothing
from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge_runtime import LandmarkSchema, open_bundle
from fpm_edge_runtime.bundle.recognition import CategoryRule, CategoryRules, Recognition
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.recognizer import confidences_of

NOTHING = "backdrops:30@5/64"


@pytest.fixture(scope="module")
def garments() -> Dataset:
    """At least 20 of each category."""
    return load_dataset("rendered:160@3/64")


@pytest.fixture(scope="module")
def made(
    tiny_model: Path, calibration_data: Dataset, garments: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Converted:
    return convert(
        tiny_model,
        tmp_path_factory.mktemp("recognizing") / "knows.fpm",
        precision="int8",
        calibration=Calibration(calibration_data, samples=16),
        score=garments,
        formats=("tflite",),
        embed_reference=True,
        nothing=(NOTHING,),
    )


def test_the_bundle_holds_the_rules_and_says_how_good_they_are(made: Converted, garments: Dataset) -> None:
    recognition = made.manifest.recognition
    assert made.manifest.schema_version == 3
    assert made.notes == ()
    assert recognition is not None
    assert recognition.categories is not None
    assert recognition.confidences is not None
    rules = recognition.categories
    assert rules.names == (*made.manifest.landmarks.categories, "none")
    assert (rules.pictures, rules.nothing, rules.nothing_source) == (160, 30, "backdrops-30-5-64")
    assert all(rule.garments_lost <= 0.02 for rule in rules.stages)
    card = open_bundle(made.path).read("card.md").decode()
    words = recognition_words(made.manifest)
    assert len(words) == 2
    assert all(line in card for line in words)


def test_a_session_uses_them(made: Converted, garments: Dataset) -> None:
    bundle = open_bundle(made.path)
    session = bundle.session()
    recognition = made.manifest.recognition
    assert recognition is not None
    assert recognition.categories is not None
    assert recognition.confidences is not None
    found = [session.detect(read_image(record)) for record in garments.records]
    right = np.mean([one.category == record.category for one, record in zip(found, garments.records, strict=True)])
    # Fitted to these very pictures: at least as good as what was left out, but for a rounding.
    assert right >= recognition.categories.stages[-1].found - 0.02
    curve = recognition.confidences.stages[-1]
    assert found[0].confidences is not None
    assert found[0].confidences.tolist() == confidences_of(curve, found[0].scores).tolist()


def test_the_float_model_has_the_same_rules(made: Converted) -> None:
    reference = open_bundle(made.path).reference()
    assert reference is not None
    assert reference.manifest.recognition == made.manifest.recognition


def test_too_few_pictures_give_no_rule_and_a_reason(tiny_converted: Converted) -> None:
    assert tiny_converted.manifest.recognition is None
    first, second = tiny_converted.notes
    assert first.startswith("no rule for categories: the scoring data has too few pictures of ")
    assert second.startswith("no confidences: the scoring data has ")


def test_categories_that_the_data_lacks_are_named(made: Converted, garments: Dataset) -> None:
    some = garments.subset(categories=["trousers", "dress"])
    session = open_bundle(made.path).session()
    done = fit_recognition(
        session,
        predict_session(session, some),
        some,
        lambda: load_nothing([NOTHING], some.schema),
        lambda record: read_image(record),
    )
    assert done.recognition is not None
    assert done.recognition.categories is not None
    assert set(done.recognition.categories.names) == {"trousers", "dress", "none"}
    assert any("does not know blouse" in note for note in done.notes)


def test_pictures_of_nothing_from_several_places() -> None:
    schema = load_dataset("rendered:1@1/64").schema
    both = load_nothing(["backdrops:2@1/64", "backdrops:3@2/64"], schema)
    assert (len(both), both.name) == (5, "backdrops-2-1-64, backdrops-3-2-64")
    assert len(load_nothing([], schema)) == 100
    with pytest.raises(UsageError, match=r"--nothing rendered:2@1/64: .* is \w+; expected pictures without a garment"):
        load_nothing(["backdrops:2@1/64", "rendered:2@1/64"], schema)


# ---- how good it is ----


def answers(dataset: Dataset, off: float, score: float) -> Predictions:
    truth = truth_of(dataset).landmarks[:, np.newaxis] + np.float32(off)
    return Predictions(truth, np.full(truth.shape[:3], score, np.float32), np.full((len(dataset), 2), 64.0))


def test_far_points_that_are_believed_are_counted(garments: Dataset) -> None:
    few = garments.subset(range(10))
    (sure,) = trust_of(answers(few, 20.0, 0.9), truth_of(few), None)
    assert (sure.far, sure.score.far_believed, sure.confidence) == (sure.points, 1.0, None)
    assert sure.score.error == pytest.approx(0.9)
    (right,) = trust_of(answers(few, 0.0, 0.9), truth_of(few), None)
    assert (right.far, right.score.far_believed) == (0, None)
    assert right.score.error == pytest.approx(0.1)
    (doubtful,) = trust_of(answers(few, 20.0, 0.4), truth_of(few), None)
    assert doubtful.score.far_believed == 0.0


def by_own_landmarks(schema: LandmarkSchema, stages: int) -> Recognition:
    """The category whose landmarks, and no others, have peaks."""
    count = len(schema.landmarks)
    rows = [
        tuple(10.0 if index in members else -10.0 for index in range(count)) for members in schema.categories.values()
    ]
    rule = CategoryRule((*rows, (0.0,) * count), (0.0,) * (len(rows) + 1), 1.0, 1.0, 0.0)
    return Recognition(CategoryRules((*schema.categories, "none"), (rule,) * stages, "a", 1, "b", 1, 5))


def test_points_that_the_found_category_lacks_cost(made: Converted, garments: Dataset) -> None:
    """Peaks of trousers only: trousers are found, and other garments lose what trousers do not have."""
    schema: LandmarkSchema = made.manifest.landmarks
    few = garments.subset(range(40))
    found = answers(few, 0.0, 0.0)
    found.scores[:, :, list(schema.landmarks_of("trousers"))] = 1.0
    manifest = msgspec.structs.replace(made.manifest, recognition=by_own_landmarks(schema, 1))
    (last,) = recognition_of(manifest, found, few)
    trousers = np.mean([record.category == "trousers" for record in few.records])
    assert all(row == {"trousers": sum(row.values())} for row in last.confusion.values())
    assert last.found == pytest.approx(trousers)
    assert (last.ne_given, last.nothing_found, last.lost) == (pytest.approx(0.0, abs=1e-6), None, 0.0)
    assert last.offered is not None
    assert 0.0 < last.offered < 1.0
    assert last.ne_found is not None
    # Points are some 0.1 to 0.5 from the middle.
    assert 0.1 * (1 - last.offered) < last.ne_found < 0.6 * (1 - last.offered)


def test_evaluate_reports_both(made: Converted, run: Callable[..., tuple[int, str, str]]) -> None:
    spec = ("--data", "rendered:12@4/64")
    code, out, _ = run("evaluate", made.path, *spec, "--nothing", "backdrops:6@9/64", "--json")
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    last = result["recognition"][-1]
    assert (last["garments"], last["nothing"]) == (12, 6)
    assert 0 <= last["nothing_found"] <= 1
    assert sum(sum(row.values()) for row in last["confusion"].values()) == 18
    assert len(result["trust"]) == made.manifest.stages
    assert len(result["trust"][-1]["confidence"]["bins"]) == 10
    code, out, _ = run("evaluate", made.path, *spec, "--nothing", "backdrops:6@9/64")
    assert code == 0
    for words in ("category found, by stage", "true category (rows)", "points off by more than 0.1", "confidence"):
        assert words in out


def test_evaluate_of_a_bundle_without_rules(tiny_bundle: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("evaluate", tiny_bundle, "--data", "rendered:4@4/64", "--json")
    assert code == 0
    result = json.loads(out)
    assert result["recognition"] == []
    nothing = ("--data", "rendered:4@4/64", "--nothing", "backdrops:2@9/64")
    code, _, err = run("evaluate", tiny_bundle, *nothing)
    assert code == 2
    assert "none of these has one" in err
    code, _, err = run("evaluate", tiny_bundle, *nothing, "--table1")
    assert code == 2
    assert "--nothing has no place in --table1" in err
    assert result["trust"][-1]["confidence"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--looks", "0"), "0 is not in the range 1<=x<=2"),
        (("--looks", "3"), "3 is not in the range 1<=x<=2"),
        (("--category", "hats"), "or any, for all landmarks"),
    ],
)
def test_run_refuses_what_there_is_not(
    made: Converted,
    garments: Dataset,
    tmp_path: Path,
    run: Callable[..., tuple[int, str, str]],
    options: tuple[str, ...],
    message: str,
) -> None:
    Image.fromarray(read_image(garments.records[0])).save(tmp_path / "a.png")
    code, _, said = run("run", made.path, tmp_path / "a.png", *options)
    assert message in " ".join(said.split())
    assert code in (1, 2)


def test_run_says_what_was_found(
    made: Converted, garments: Dataset, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    Image.fromarray(read_image(garments.records[0])).save(tmp_path / "a.png")
    code, out, _ = run("run", made.path, tmp_path / "a.png", "--looks", "2", "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert row["looks"] in (1, 2)
    known = {*made.manifest.landmarks.categories, "none"}
    assert row["category"] in known
    assert 0 < row["category_score"] <= 1
    assert all(0 <= point["confidence"] <= 1 for point in row["landmarks"].values())
    code, out, _ = run("run", made.path, tmp_path / "a.png", "--category", "any", "--json")
    assert len(json.loads(out)[0]["landmarks"]) == 24
