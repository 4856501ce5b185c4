"""Accuracy of landmarks against the truth: NE in both definitions, PCK, by stage, landmark and category."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fpm_edge.accuracy.metrics import Summary, contest_error, normalizer_indices, point_mask, summarize
from fpm_edge.accuracy.predict import Predictions, Truth
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["PCK_THRESHOLDS", "Evaluation", "StageAccuracy", "evaluate"]

# Shares of the picture's sides, for the paper's NE.
PCK_THRESHOLDS = (0.02, 0.05, 0.1)


@dataclass(frozen=True)
class StageAccuracy:
    """One stage.

    Attributes:
        stage: from 1.
        ne: the paper's NE over all labelled points.
        visible_ne: the same over visible points only.
        contest_ne: the contest's NE (visible points, divided by the garment's reference length).
        pck: threshold → share of labelled points whose NE is at most that; each a `Summary` whose means are shares.
    """

    stage: int
    ne: Summary
    visible_ne: Summary
    contest_ne: Summary
    pck: dict[float, Summary]


@dataclass(frozen=True)
class Evaluation:
    """Every stage on one data set."""

    data: str
    pictures: int
    stages: tuple[StageAccuracy, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "data": self.data,
            "pictures": self.pictures,
            "stages": [
                {
                    "stage": entry.stage,
                    "ne": entry.ne.to_dict(),
                    "visible_ne": entry.visible_ne.to_dict(),
                    "contest_ne": entry.contest_ne.to_dict(),
                    "pck": {f"{threshold:g}": shares.to_dict() for threshold, shares in entry.pck.items()},
                }
                for entry in self.stages
            ],
        }


def evaluate(predictions: Predictions, truth: Truth, schema: LandmarkSchema, data: str) -> Evaluation:
    """Compare predictions with the truth of the same pictures."""
    labelled, visible = point_mask(truth.visibility, "labelled"), point_mask(truth.visibility, "visible")
    pairs = normalizer_indices(schema, truth.categories)
    stages = []
    for index in range(predictions.landmarks.shape[1]):
        found = predictions.landmarks[:, index]
        errors = normalized_error(found, truth.landmarks, predictions.sizes)
        contest = contest_error(found, truth.landmarks, truth.visibility, pairs)
        stages.append(
            StageAccuracy(
                stage=index + 1,
                ne=summarize(errors, labelled, schema, truth.categories),
                visible_ne=summarize(errors, visible, schema, truth.categories),
                contest_ne=summarize(contest, visible, schema, truth.categories),
                pck={
                    threshold: summarize((errors <= threshold).astype(np.float64), labelled, schema, truth.categories)
                    for threshold in PCK_THRESHOLDS
                },
            )
        )
    return Evaluation(data, len(truth.categories), tuple(stages))
