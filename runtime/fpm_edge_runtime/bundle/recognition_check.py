"""What a manifest may say about recognising garments; what is refused names the field."""

from itertools import pairwise
from math import isfinite

from fpm_edge_runtime.bundle.recognition import NOTHING, CategoryRules, ConfidenceCurve, Recognition
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import BundleError

__all__ = ["MOST_KNOTS", "check_recognition"]

MOST_KNOTS = 32

# Of weights and biases, so that no sum of them leaves float64.
_LARGEST = 1e6


def check_recognition(recognition: Recognition, schema: LandmarkSchema, stages: int) -> None:
    """Raise BundleError, naming the first field that cannot be used with this schema and so many stages."""
    rules, curves = recognition.categories, recognition.confidences
    if rules is None and curves is None:
        _refuse("recognition", "is empty; expected categories, confidences or both")
    if rules is not None:
        _check_rules(rules, schema, stages)
    if curves is not None:
        where = "recognition.confidences"
        _check_length(f"{where}.stages", curves.stages, stages)
        _check_counts(where, curves.pictures, curves.points)
        for number, curve in enumerate(curves.stages, 1):
            _check_curve(f"{where}, stage {number}", curve)


def _check_rules(rules: CategoryRules, schema: LandmarkSchema, stages: int) -> None:
    where = "recognition.categories"
    *known, last = rules.names or ("",)
    if last != NOTHING or not known or len(set(known)) != len(known) or not set(known) <= set(schema.categories):
        _refuse(
            f"{where}.names", f"is {list(rules.names)}; expected categories of the schema, once each, and {NOTHING}"
        )
    if NOTHING in known:
        _refuse(f"{where}.names", f"names {NOTHING}, and the schema has a category of that name")
    _check_length(f"{where}.stages", rules.stages, stages)
    _check_counts(where, rules.pictures, rules.nothing, rules.folds)
    for number, rule in enumerate(rules.stages, 1):
        here = f"{where}, stage {number}"
        _check_length(f"{here}: weights", rule.weights, len(rules.names))
        _check_length(f"{here}: biases", rule.biases, len(rules.names))
        for row in rule.weights:
            _check_length(f"{here}: weights", row, len(schema.landmarks))
        for value in (*rule.biases, *(weight for row in rule.weights for weight in row)):
            if not (isfinite(value) and abs(value) <= _LARGEST):
                _refuse(here, f"holds {value}; expected numbers of at most {_LARGEST:g}")
        _check_shares(here, rule.found, rule.nothing_found, rule.garments_lost)


def _check_curve(here: str, curve: ConfidenceCurve) -> None:
    scores, confidences = curve.scores, curve.confidences
    if not 1 <= len(scores) <= MOST_KNOTS or len(confidences) != len(scores):
        _refuse(here, f"has {len(scores)} scores, {len(confidences)} confidences; expected 1 to {MOST_KNOTS} of each")
    _check_shares(here, *scores, *confidences, curve.calibration_error)
    if any(a >= b for a, b in pairwise(scores)) or any(a > b for a, b in pairwise(confidences)):
        _refuse(here, "does not grow; expected scores that grow and confidences that never fall")


def _check_length(what: str, rows: tuple[object, ...], expected: int) -> None:
    if len(rows) != expected:
        _refuse(what, f"has {len(rows)} entries; expected {expected}")


def _check_counts(where: str, *counts: int) -> None:
    if min(counts) < 0:
        _refuse(where, "counts fewer than no pictures")


def _check_shares(here: str, *shares: float) -> None:
    for share in shares:
        if not 0 <= share <= 1:
            _refuse(here, f"holds {share}; expected 0 to 1")


def _refuse(what: str, why: str) -> None:
    raise BundleError(f"manifest.json: {what} {why}; make the bundle again")
