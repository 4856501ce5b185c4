"""Which garment it is, which landmarks count, and how sure they are, from one stage's scores.

All in float64, in an order that any language can follow (docs/bundle-format.md): a sum starts with the bias and takes
the landmarks in turn, each weight times its score rounded before it is added.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Manifest
from fpm_edge_runtime.bundle.recognition import ANY, NOTHING, CategoryRule, ConfidenceCurve
from fpm_edge_runtime.errors import SchemaError

__all__ = ["Recognized", "Recognizer", "confidences_of", "probabilities"]


@dataclass(frozen=True, eq=False)
class Recognized:
    """What the scores of one stage say.

    Attributes:
        category: given or found; ``none`` where there is no garment, None where it is not known.
        score: probability of the category that was found, 0 to 1; None where it was given or is not known.
        labelled: (landmarks,) bool, which landmarks the category has; all where it is not known, none for ``none``.
        confidences: (landmarks,) float32, see `Detection`; None where the bundle has no curves.
    """

    category: str | None
    score: float | None
    labelled: NDArray[np.bool_]
    confidences: NDArray[np.float32] | None


class Recognizer:
    """The rules of one bundle."""

    def __init__(self, manifest: Manifest) -> None:
        schema, recognition = manifest.landmarks, manifest.recognition
        self._schema = schema
        count = len(schema.landmarks)
        self._everything = np.ones(count, np.bool_)
        self._labelled = {NOTHING: np.zeros(count, np.bool_)}
        for name, members in schema.categories.items():
            mask = np.zeros(count, np.bool_)
            mask[list(members)] = True
            self._labelled[name] = mask
        rules = None if recognition is None else recognition.categories
        self._names = () if rules is None else rules.names
        self._rules = () if rules is None else rules.stages
        curves = None if recognition is None else recognition.confidences
        self._curves = () if curves is None else curves.stages

    def check(self, category: str | None) -> None:
        """Raise SchemaError where there is no such category to ask for."""
        if category not in (None, ANY) and category not in self._schema.categories:
            known = ", ".join(sorted(self._schema.categories))
            raise SchemaError(
                f"category {category!r} is not in schema {self._schema.name!r}; expected one of: {known}; or {ANY}, "
                "for all landmarks"
            )

    def at(self, stage: int, scores: NDArray[np.float32], category: str | None) -> Recognized:
        """What a stage's scores say.

        Args:
            stage: from 1.
            scores: (landmarks,) float32, 0 to 1.
            category: as for `Session.detect`; None to find it, if the bundle has a rule.
        """
        sure = confidences_of(self._curves[stage - 1], scores) if self._curves else None
        if category in self._schema.categories:
            return Recognized(category, None, self._labelled[category].copy(), sure)
        if category is not None or not self._rules:
            return Recognized(None, None, self._everything.copy(), sure)
        shares = probabilities(self._rules[stage - 1], scores)
        share = max(shares)
        name = self._names[shares.index(share)]
        return Recognized(name, share, self._labelled[name].copy(), sure)


def probabilities(rule: CategoryRule, scores: NDArray[np.float32]) -> list[float]:
    """The softmax over categories, adding up to 1.

    Args:
        scores: (landmarks,) float32.
    """
    values = scores.tolist()
    heights = []
    # In Python, so few numbers take less time than a handful of numpy's functions do to be fetched.
    for height, weights in zip(rule.biases, rule.weights, strict=True):
        for weight, value in zip(weights, values, strict=True):
            height += weight * value
        heights.append(height)
    highest = max(heights)
    parts = [exp(height - highest) for height in heights]
    whole = 0.0
    for part in parts:  # `sum` compensates for rounding since Python 3.12
        whole += part
    return [part / whole for part in parts]


def confidences_of(curve: ConfidenceCurve, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The curve's probabilities at these scores, (landmarks,) float32."""
    return np.interp(scores, *_knots(curve)).astype(np.float32)


@lru_cache(maxsize=64)
def _knots(curve: ConfidenceCurve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(curve.scores), np.array(curve.confidences)
