"""The manifest's rules for recognising garments, fitted to the scores of pictures that training never saw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fpm_edge_calibration.folds import FOLDS, folds_of
from fpm_edge_calibration.reliability import calibration_error, fit_curve, reliability
from fpm_edge_calibration.signs import signed_members
from fpm_edge_calibration.softmax import fit_softmax, log_softmax
from fpm_edge_runtime.bundle.recognition import (
    NOTHING,
    WITHIN_NE,
    CategoryRule,
    CategoryRules,
    ConfidenceCurve,
    Confidences,
)
from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = [
    "FEWEST_EACH",
    "FEWEST_POINTS",
    "MOST_LOST",
    "SLOPES",
    "STRENGTHS",
    "Scored",
    "fit_categories",
    "fit_confidences",
    "why_no_categories",
    "why_no_confidences",
]

FEWEST_EACH = 8
"""Pictures of each category, and without a garment. With so few, what a rule is expected to be decides most of it."""

FEWEST_POINTS = 500
"""Labelled points for a curve: at 90 % right, the share in a tenth of them is known to 4 percentage points."""

MOST_LOST = 0.01
"""Share of the garments that may be taken for none; the rule is then as strict with what is none as it can be."""

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""Penalties that are tried."""

SLOPES = (0.0, 1.0, 2.0, 4.0)
"""Slopes that are tried: what a rule is expected to give a category for the height of each peak that it has, and to
take for each that it has not; what networks are trained to (`fpm_edge.train.category`)."""

_DECIMALS = 4
# Of a bias, so that the garment which sets it is not lost by the rounding of a sum.
_LESS = 1e-3


@dataclass(frozen=True, eq=False)
class Scored:
    """What a converted file found in pictures.

    Attributes:
        name: of the data.
        scores: (pictures, stages, L) float32.
        categories: (pictures,) each one's category.
        photographs: (pictures,) the same for garments of one photograph.
    """

    name: str
    scores: NDArray[np.float32]
    categories: tuple[str, ...]
    photographs: tuple[str, ...]


def why_no_categories(categories: Sequence[str], nothing: int, schema: LandmarkSchema) -> str | None:
    """Why no rule for categories can be fitted to these pictures; None if one can."""
    if NOTHING in schema.categories:
        return f"the schema has a category {NOTHING!r}, which is what a picture without a garment is called"
    unknown = sorted(set(categories) - set(schema.categories))
    if unknown:
        return f"the garments have categories that schema {schema.name!r} lacks: {', '.join(unknown)}"
    counts = Counter(categories)
    few = [f"{name} ({counts[name]})" for name in schema.categories if 0 < counts[name] < FEWEST_EACH]
    if few:
        return f"the scoring data has too few pictures of {', '.join(few)}; expected {FEWEST_EACH} or none of each"
    if nothing < FEWEST_EACH:
        return f"there are {nothing} pictures without a garment; expected {FEWEST_EACH} or more"
    return None


def why_no_confidences(points: int) -> str | None:
    """Why no curves can be fitted to so many labelled points; None if they can."""
    if points < FEWEST_POINTS:
        return f"the scoring data has {points} labelled points; expected {FEWEST_POINTS} or more"
    return None


def fit_categories(
    garments: Scored, nothing: Scored, schema: LandmarkSchema, most_lost: float = MOST_LOST
) -> CategoryRules:
    """A rule for each stage: multinomial logistic regression on the scores; a category counts by its number's root.

    The penalty is that of `STRENGTHS` and `SLOPES` with the least cross-entropy on pictures of the fold that was left
    out: its weights are those of the peaks' signs where the pictures do not say otherwise. Then
    the bias of "none" is made as large as it can be with at most `most_lost` of the garments taken for none, on those
    same pictures. Categories that the data lacks are not in the rule.

    Args:
        garments, nothing: at least `FEWEST_EACH` of each category, see `why_no_categories`.
    """
    names = (*(name for name in schema.categories if name in garments.categories), NOTHING)
    kinds = (*garments.categories, *(NOTHING for _ in nothing.categories))
    labels = np.array([names.index(kind) for kind in kinds], np.intp)
    # Photographs of two folders may have the same name.
    groups = (*(f"garment {p}" for p in garments.photographs), *(f"nothing {p}" for p in nothing.photographs))
    folds = folds_of(kinds, groups)
    scores = np.concatenate([garments.scores, nothing.scores]).astype(np.float64)
    signs = signed_members([schema.landmarks_of(name) for name in names[:-1]], len(schema.landmarks)).astype(np.float64)
    return CategoryRules(
        names=names,
        stages=tuple(_rule(scores[:, stage], labels, folds, signs, most_lost) for stage in range(scores.shape[1])),
        source=garments.name,
        pictures=len(garments.categories),
        nothing_source=nothing.name,
        nothing=len(nothing.categories),
        folds=FOLDS,
    )


def fit_confidences(garments: Scored, errors: NDArray[np.float64], mask: NDArray[np.bool_]) -> Confidences:
    """A curve for each stage: see `fit_curve`.

    Args:
        errors: (pictures, stages, L) the paper's NE of each point.
        mask: (pictures, L) which points are labelled; at least `FEWEST_POINTS`.
    """
    folds = np.broadcast_to(folds_of(garments.categories, garments.photographs)[:, np.newaxis], mask.shape)[mask]
    curves = []
    for stage in range(errors.shape[1]):
        scores, right = garments.scores[:, stage][mask], errors[:, stage][mask] <= WITHIN_NE
        stated = np.empty(len(scores))
        for fold in np.unique(folds):
            others = folds != fold
            # Of a single photograph there is nothing else to fit to.
            curve = fit_curve(scores[others], right[others]) if others.any() else fit_curve(scores, right)
            stated[~others] = np.interp(scores[~others], *curve)
        error = calibration_error(reliability(stated, right))
        curves.append(ConfidenceCurve(*fit_curve(scores, right), calibration_error=round(error, _DECIMALS)))
    return Confidences(tuple(curves), garments.name, len(garments.categories), int(mask.sum()))


def _rule(
    scores: NDArray[np.float64],
    labels: NDArray[np.intp],
    folds: NDArray[np.intp],
    signs: NDArray[np.float64],
    most_lost: float,
) -> CategoryRule:
    """One stage's; the last class is none. `signs`: (classes, L), 1 where a class has a landmark, −1 where not."""
    classes = len(signs)
    numbers = np.bincount(labels, minlength=classes).astype(np.float64)
    weights: NDArray[np.float64] = 1.0 / np.sqrt(numbers[labels])
    weights /= weights.sum()
    rows = np.arange(len(labels))
    best = None
    for strength, slope in product(STRENGTHS, SLOPES):
        logs = np.empty((len(labels), classes))
        for fold in range(FOLDS):
            tried = folds == fold
            table = fit_softmax(scores[~tried], labels[~tried], weights[~tried], slope * signs, strength)
            logs[tried] = log_softmax(table, scores[tried])
        loss = -float((weights * logs[rows, labels]).sum())
        if best is None or loss < best[0]:
            best = loss, strength, slope, logs
    assert best is not None
    _, strength, slope, logs = best
    garment = labels < classes - 1
    # How much more probable each garment's best category is than none; with a bias above that, it is lost.
    margins = np.sort(logs[garment, :-1].max(axis=1) - logs[garment, -1])
    bias = float(margins[int(most_lost * len(margins))]) - _LESS
    logs[:, -1] += bias
    found = logs.argmax(axis=1)
    table = fit_softmax(scores, labels, weights, slope * signs, strength)
    table[-1, 0] += bias
    table = np.round(table, _DECIMALS) + 0.0
    return CategoryRule(
        weights=tuple(tuple(row) for row in table[:, 1:].tolist()),
        biases=tuple(table[:, 0].tolist()),
        found=round(float((found == labels)[garment].mean()), _DECIMALS),
        nothing_found=round(float((found == labels)[~garment].mean()), _DECIMALS),
        garments_lost=round(float((found == classes - 1)[garment].mean()), _DECIMALS),
    )
