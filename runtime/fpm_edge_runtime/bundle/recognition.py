"""What a manifest says about recognising garments: which category it is, and how far a score is to be believed."""

import msgspec

__all__ = [
    "ANY",
    "NOTHING",
    "WITHIN_NE",
    "CategoryRule",
    "CategoryRules",
    "ConfidenceCurve",
    "Confidences",
    "Recognition",
]

NOTHING = "none"
"""The category of a picture without a garment."""

ANY = "any"
"""What to ask for where every landmark counts and no category is to be found."""

WITHIN_NE = 0.05
"""A confidence is the probability that a landmark is at most so far off, in units of the paper's NE."""


class CategoryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one stage's scores say which category it is: a linear rule, and its softmax.

    Attributes:
        weights: (categories, L) of the L landmarks' scores; biases: (categories,).
        found: share of the garments whose category was found, on pictures that the rule was not fitted to.
        nothing_found: share of the pictures without a garment that were found to be such; likewise.
        garments_lost: share of the garments that were taken for none; likewise.
    """

    weights: tuple[tuple[float, ...], ...]
    biases: tuple[float, ...]
    found: float
    nothing_found: float
    garments_lost: float


class CategoryRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rule of every stage, and what it was fitted to.

    Attributes:
        names: categories of the schema, and `NOTHING` at the end; in the order of the rules' rows.
        stages: (T,) one rule a stage.
        source, pictures: the garments; nothing_source, nothing: the pictures without one.
        folds: the shares are of pictures in the fold that a rule fitted to the others was tried on.
    """

    names: tuple[str, ...]
    stages: tuple[CategoryRule, ...]
    source: str
    pictures: int
    nothing_source: str
    nothing: int
    folds: int


class ConfidenceCurve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From one stage's score of a landmark to the probability that it lies within `WITHIN_NE`: linear between knots.

    Attributes:
        scores: (knots,) growing; confidences: (knots,) never falling. Below the first and above the last they stay.
        calibration_error: expected calibration error, on pictures that the curve was not fitted to.
    """

    scores: tuple[float, ...]
    confidences: tuple[float, ...]
    calibration_error: float


class Confidences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The curve of every stage, and the labelled points that it was fitted to."""

    stages: tuple[ConfidenceCurve, ...]
    source: str
    pictures: int
    points: int


class Recognition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules for categories, the curves for confidences, or both."""

    categories: CategoryRules | None = None
    confidences: Confidences | None = None
