"""Which garment it is, which landmarks count, and how sure they are, from one stage's scores.

All in float64, in an order that any language can follow (docs/bundle-format.md): a sum starts with the bias and takes
the landmarks in turn, each weight times its score rounded before it is added.
"""

from dataclasses import dataclass

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
        self._rules = () if rules is None else tuple(_table(rule) for rule in rules.stages)
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
        best = int(np.argmax(shares))
        name = self._names[best]
        return Recognized(name, float(shares[best]), self._labelled[name].copy(), sure)


def probabilities(table: NDArray[np.float64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The softmax over categories.

    Args:
        table: (categories, 1 + landmarks) each category's bias and weights.
        scores: (landmarks,) float32.

    Returns:
        (categories,) float64, adding up to 1.
    """
    terms = table.copy()
    terms[:, 1:] *= scores
    # Not a matrix product, nor a sum: in what order those add differs from machine to machine.
    heights = np.add.accumulate(terms, axis=1)[:, -1]
    parts = np.exp(heights - heights.max())
    return np.asarray(parts / np.add.accumulate(parts)[-1])


def confidences_of(curve: ConfidenceCurve, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The curve's probabilities at these scores, (landmarks,) float32."""
    return np.interp(scores, curve.scores, curve.confidences).astype(np.float32)


def _table(rule: CategoryRule) -> NDArray[np.float64]:
    return np.column_stack([np.array(rule.biases, np.float64), np.array(rule.weights, np.float64)])
