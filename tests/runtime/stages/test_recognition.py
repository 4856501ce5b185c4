"""A session finds which garment it is, and whether there is one, by the rule in its bundle."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from four_stages import four_stages

from fpm_edge_runtime import (
    Bundle,
    BundleError,
    DriftMonitor,
    Manifest,
    SchemaError,
    Session,
    Shadow,
    Tracker,
    open_bundle,
)
from fpm_edge_runtime.bundle.manifest import decode_manifest
from fpm_edge_runtime.bundle.recognition import (
    CategoryRule,
    CategoryRules,
    ConfidenceCurve,
    Confidences,
    Recognition,
)
from fpm_edge_runtime.drift.disagreement import disagreement_of
from fpm_edge_runtime.drift.proxies import flip_consistency, stage_movement
from fpm_edge_runtime.stages.pack import bundle_bytes
from fpm_edge_runtime.stages.recognizer import Recognizer, confidences_of, probabilities

PICTURE = np.full((32, 48, 3), 90, np.uint8)

# "warm" has red only, "all" has red, green and blue: green and blue tell them apart, and silence is nothing.
RULE = CategoryRule(((2.0, 6.0, 6.0), (8.0, -6.0, -6.0), (-8.0, -8.0, -8.0)), (-1.0, -1.0, 3.0), 0.9, 0.95, 0.01)
CURVE = ConfidenceCurve((0.2, 0.6, 0.9), (0.1, 0.5, 0.9), 0.03)
RECOGNITION = Recognition(
    CategoryRules(("all", "warm", "none"), (RULE, RULE), "garments", 100, "walls", 50, 5),
    Confidences((CURVE, CURVE), "garments", 100, 300),
)


def with_recognition(bundle: Bundle, recognition: Recognition | None) -> Bundle:
    manifest: Manifest = msgspec.structs.replace(bundle.manifest, schema_version=3, recognition=recognition)
    members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
    return open_bundle(bundle_bytes(manifest, members))


def maps(red: float, green: float, blue: float, x: int = 2) -> np.ndarray:
    """(1, 4, 6, 4) float32 maps whose peaks are so high, all in the cell (x, 1)."""
    made = np.zeros((1, 4, 6, 4), np.float32)
    made[0, 1, x, :3] = (red, green, blue)
    return made


ALL, WARM, NONE = (0.9, 0.8, 0.9), (0.9, 0.05, 0.05), (0.05, 0.02, 0.1)


@pytest.fixture
def session(float_bundle: Bundle, fake_engine: Any) -> Session:
    return with_recognition(float_bundle, RECOGNITION).session(fake_engine)


def answers(engine: Any, first: tuple[float, ...], second: tuple[float, ...]) -> None:
    engine.answers = {"heatmap_1": maps(*first), "heatmap_2": maps(*second)}


# ---- the rule itself ----


def test_the_sum_is_taken_in_turn() -> None:
    """As a loop in any language adds: to the last bit, whatever the number of landmarks."""
    rng = np.random.default_rng(0)
    table, scores = rng.normal(0, 3, (7, 300)), rng.random(299).astype(np.float32)
    heights = []
    for row in table.tolist():
        height = row[0]
        for weight, score in zip(row[1:], scores.tolist(), strict=True):
            height += weight * score
        heights.append(height)
    parts = [math.exp(height - max(heights)) for height in heights]
    total = 0.0
    for part in parts:
        total += part
    rule = CategoryRule(tuple(map(tuple, table[:, 1:].tolist())), tuple(table[:, 0].tolist()), 0.5, 0.5, 0.0)
    assert probabilities(rule, scores) == pytest.approx([part / total for part in parts], rel=1e-15)


def test_a_curve_is_linear_between_its_knots() -> None:
    scores = np.array([0.0, 0.2, 0.4, 0.75, 0.9, 1.0], np.float32)
    assert confidences_of(CURVE, scores).tolist() == pytest.approx([0.1, 0.1, 0.3, 0.7, 0.9, 0.9], rel=1e-6)
    assert confidences_of(CURVE, scores).dtype == np.float32


def test_of_equally_probable_categories_the_first_is_found(float_bundle: Bundle) -> None:
    same = CategoryRule(((0.0,) * 3,) * 3, (0.0,) * 3, 0.5, 0.5, 0.0)
    rules = CategoryRules(("warm", "all", "none"), (same, same), "a", 1, "b", 1, 2)
    recognizer = Recognizer(with_recognition(float_bundle, Recognition(rules)).manifest)
    found = recognizer.at(1, np.ones(3, np.float32), None)
    assert (found.category, found.score) == ("warm", pytest.approx(1 / 3))
    assert found.confidences is None


# ---- sessions ----


@pytest.mark.parametrize(
    ("heights", "category", "labelled"),
    [(ALL, "all", [True] * 3), (WARM, "warm", [True, False, False]), (NONE, "none", [False] * 3)],
)
def test_the_category_is_found(
    session: Session, fake_engine: Any, heights: Any, category: str, labelled: list[bool]
) -> None:
    answers(fake_engine, NONE, heights)
    found = session.detect(PICTURE)
    assert (found.category, found.labelled.tolist(), found.looks) == (category, labelled, 1)
    assert found.category_score is not None
    assert 0.8 < found.category_score <= 1.0
    assert found.confidences is not None
    assert found.confidences.tolist() == confidences_of(CURVE, found.scores).tolist()
    assert session.trace(PICTURE).detection.category == category


def test_each_stage_says_what_it_sees(session: Session, fake_engine: Any) -> None:
    answers(fake_engine, WARM, ALL)
    first, second = session.stages(PICTURE)
    assert (first.category, second.category) == ("warm", "all")
    assert (first.labelled.tolist(), second.labelled.tolist()) == ([True, False, False], [True] * 3)
    assert session.detect(PICTURE, stages=1).category == "warm"
    assert [result.category for result in session.detect_input(PICTURE)] == ["warm", "all"]


def test_a_given_category_is_taken_as_it_is(session: Session, fake_engine: Any) -> None:
    answers(fake_engine, ALL, ALL)
    found = session.detect(PICTURE, category="warm")
    assert (found.category, found.category_score) == ("warm", None)
    assert found.labelled.tolist() == [True, False, False]
    assert found.confidences is not None


def test_any_asks_for_all_landmarks(session: Session, fake_engine: Any) -> None:
    answers(fake_engine, NONE, NONE)
    found = session.detect(PICTURE, category="any")
    assert (found.category, found.category_score, found.labelled.tolist()) == (None, None, [True] * 3)


def test_a_bundle_without_a_rule_answers_as_before(float_bundle: Bundle, fake_engine: Any) -> None:
    answers(fake_engine, NONE, NONE)
    for category in (None, "any"):
        found = float_bundle.session(fake_engine).detect(PICTURE, category=category)
        assert (found.category, found.category_score, found.confidences) == (None, None, None)
        assert found.labelled.all()


@pytest.mark.parametrize("category", ["hats", "none", ""])
def test_an_unknown_category(session: Session, category: str) -> None:
    for call in (session.detect, session.trace, session.stages):
        with pytest.raises(SchemaError, match=r"expected one of: all, warm; or any, for all landmarks"):
            call(PICTURE, category=category)


def test_landmarks_are_not_shared_between_answers(session: Session, fake_engine: Any) -> None:
    answers(fake_engine, WARM, WARM)
    session.detect(PICTURE).labelled[:] = True
    assert session.detect(PICTURE).labelled.tolist() == [True, False, False]


def test_convergence_asks_about_the_garment_that_is_seen(float_bundle: Bundle, fake_engine: Any) -> None:
    """Blue moves between the stages: no matter for a garment that has none."""
    plain = four_stages(float_bundle, None)
    rules = msgspec.structs.replace(RECOGNITION.categories, stages=(RULE,) * 4)
    session = with_recognition(plain, Recognition(rules)).session(fake_engine)
    fake_engine.answers = {f"heatmap_{stage}": maps(*WARM) for stage in (1, 2, 3, 4)}
    for stage in (1, 2, 3, 4):
        fake_engine.answers[f"heatmap_{stage}"][0, :, :, 2] = 0
        fake_engine.answers[f"heatmap_{stage}"][0, 3, stage, 2] = 0.26
    assert session.detect(PICTURE).category == "warm"
    assert session.detect(PICTURE, converge_px=0.5).stages_run == 2
    assert session.detect(PICTURE, category="any", converge_px=0.5).stages_run == 4
    fake_engine.answers = {f"heatmap_{stage}": maps(*NONE) for stage in (1, 2, 3, 4)}
    assert session.detect(PICTURE, converge_px=100.0).stages_run == 4


# ---- what watches and follows ----


def test_a_frame_without_a_garment_moves_nothing(session: Session, fake_engine: Any) -> None:
    answers(fake_engine, NONE, NONE)
    assert stage_movement(session.trace(PICTURE)) is None
    assert flip_consistency(session, PICTURE) is None
    tracked = Tracker(session).detect(PICTURE, 0.0)
    assert np.isnan(tracked.landmarks).all()


def shadow_of(bundle: Bundle, device: Any, reference: Any) -> tuple[Session, Session]:
    rules = with_recognition(bundle, RECOGNITION)
    return rules.session(device), rules.session(reference)


@pytest.mark.parametrize(
    ("device", "reference", "counted"),
    [
        (ALL, ALL, [True, True, True]),
        (WARM, ALL, [True, False, False]),
        (NONE, ALL, [True, True, True]),
        (NONE, WARM, [True, False, False]),
        (ALL, NONE, [False, False, False]),
        (NONE, NONE, [False, False, False]),
    ],
)
def test_the_float_model_says_which_landmarks_are_compared(
    float_bundle: Bundle, fake_engine: Any, device: Any, reference: Any, counted: list[bool]
) -> None:
    other = type(fake_engine)()
    answers(fake_engine, device, device)
    answers(other, reference, reference)
    mine, its = shadow_of(float_bundle, fake_engine, other)
    apart = disagreement_of(mine.trace(PICTURE), its)
    assert (~np.isnan(apart)).tolist() == [counted] * 2
    given = disagreement_of(mine.trace(PICTURE, category="warm"), its)
    assert (~np.isnan(given)).tolist() == [[True, False, False]] * 2


def test_a_device_that_sees_no_garments_any_more_is_noticed(float_bundle: Bundle, fake_engine: Any) -> None:
    other = type(fake_engine)()
    answers(fake_engine, NONE, NONE)
    fake_engine.answers["heatmap_2"][0, 1, 2] = 0
    fake_engine.answers["heatmap_2"][0, 3, 5, :3] = 0.1
    mine, its = shadow_of(float_bundle, fake_engine, other)
    for heights, samples in ((ALL, 1), (NONE, 0)):
        answers(other, heights, heights)
        monitor = DriftMonitor([0.1, 0.1], mine.schema.landmarks)
        with Shadow(mine, its, monitor, rate=1.0, spacing_s=0.0) as shadow:
            assert shadow.detect(PICTURE).category == "none"
            assert shadow.flush(10)
            assert (shadow.counts.compared, shadow.counts.failed) == (1, 0)
        report = monitor.report()
        assert report.samples == samples
        assert report.failures == 0
        if samples:
            assert report.estimate is not None
            assert report.estimate > 0.2


# ---- the manifest ----


def test_recognition_survives_the_round_trip(float_bundle: Bundle) -> None:
    bundle = with_recognition(float_bundle, RECOGNITION)
    assert bundle.manifest.recognition == RECOGNITION
    assert bundle.manifest.schema_version == 3


def test_a_bundle_without_it_does_not_name_it(float_bundle: Bundle) -> None:
    """Older runtimes would refuse the field."""
    assert b'"recognition"' not in float_bundle.read("manifest.json")
    free = msgspec.structs.replace(float_bundle.manifest, model={"recognition": None, "a": {"recognition": None}})
    members = {name: float_bundle.read(name) for name in float_bundle.members if name != "manifest.json"}
    assert open_bundle(bundle_bytes(free, members)).manifest.model == free.model


Change = Any


def changed(bundle: Bundle, change: Change) -> bytes:
    manifest = msgspec.structs.replace(bundle.manifest, schema_version=3, recognition=RECOGNITION)
    plain = msgspec.json.decode(msgspec.json.encode(manifest))
    change(plain, plain["recognition"])
    return msgspec.json.encode(plain)


def _set(path: str, value: Any) -> Change:
    *way, last = path.split(".")

    def change(plain: dict[str, Any], recognition: dict[str, Any]) -> None:
        at: Any = recognition
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[int(last) if last.isdigit() else last] = value

    return change


RULES, CURVES = "categories.stages.1", "confidences.stages.0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain, _: plain.update(schema_version=2), "states schema version 2 and has content of version 3"),
        (lambda plain, _: plain.update(recognition={}), "recognition is empty"),
        (_set("more", 1), "more"),
        (_set("categories.names", []), "names is"),
        (_set("categories.names", ["none"]), "expected categories of the schema"),
        (_set("categories.names", ["all", "warm"]), "once each, and none"),
        (_set("categories.names", ["all", "hats", "none"]), "expected categories of the schema"),
        (_set("categories.names", ["warm", "warm", "none"]), "expected categories of the schema"),
        (_set("categories.stages", []), "stages has 0 entries; expected 2"),
        (_set("categories.folds", -1), "counts fewer than no pictures"),
        (_set(f"{RULES}.weights", [[0.0] * 3] * 2), "stage 2: weights has 2 entries; expected 3"),
        (_set(f"{RULES}.weights.1", [0.0] * 4), "stage 2: weights has 4 entries; expected 3"),
        (_set(f"{RULES}.weights.1.2", 1e7), "expected numbers of at most 1e"),
        (_set(f"{RULES}.biases.0", -1e300), "expected numbers of at most 1e"),
        (_set(f"{RULES}.biases", [0.0]), "biases has 1 entries; expected 3"),
        (_set(f"{RULES}.found", 1.5), "holds 1.5; expected 0 to 1"),
        (_set("confidences.stages", []), "expected 2"),
        (_set("confidences.points", -1), "counts fewer than no pictures"),
        (_set(f"{CURVES}.scores", []), "has 0 scores, 3 confidences"),
        (_set(f"{CURVES}.scores", [0.2, 0.2, 0.9]), "stage 1 does not grow"),
        (_set(f"{CURVES}.confidences", [0.2, 0.1, 0.9]), "stage 1 does not grow"),
        (_set(f"{CURVES}.confidences", [0.2, 0.3, 1.1]), "holds 1.1"),
        (_set(f"{CURVES}.scores", [i / 40 for i in range(33)]), "expected 1 to 32"),
        (_set(f"{CURVES}.calibration_error", -0.1), "holds -0.1"),
    ],
)
def test_what_cannot_be_used_is_refused(float_bundle: Bundle, change: Change, message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        decode_manifest(changed(float_bundle, change))
    assert str(caught.value).endswith("make the bundle again")


def test_a_schema_that_has_a_category_none(float_bundle: Bundle) -> None:
    def change(plain: dict[str, Any], recognition: dict[str, Any]) -> None:
        plain["landmarks"]["categories"]["none"] = [0]
        recognition["categories"]["names"] = ["all", "none", "none"]

    with pytest.raises(BundleError, match=r"names"):
        decode_manifest(changed(float_bundle, change))


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity"])
def test_numbers_that_are_not_finite(float_bundle: Bundle, number: str) -> None:
    text = changed(float_bundle, lambda plain, _: None)
    assert b"-8.0" in text
    with pytest.raises(BundleError, match="not valid"):
        decode_manifest(text.replace(b"-8.0", number.encode(), 1))
