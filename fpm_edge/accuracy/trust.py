"""Whether scores and confidences warn of wrong landmarks: reliability, and how often a far point is believed."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, Truth
from fpm_edge_calibration import Bin, calibration_error, reliability
from fpm_edge_runtime.bundle.recognition import WITHIN_NE, Recognition
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.recognizer import confidences_of

__all__ = ["BELIEVED", "FAR_NE", "Reliability", "Trust", "trust_of"]

FAR_NE = 0.1
"""A point is far off where its NE is larger: a tenth of the picture, another part of the garment."""

BELIEVED = 0.5
"""A point is believed where its score, or its confidence, is larger."""


@dataclass(frozen=True)
class Reliability:
    """How the points that are within 0.05 compare with what was stated of them.

    Attributes:
        error: expected calibration error; None without points.
        far_believed: share of the points that are far off and were believed all the same; None where none is far off.
        bins: points by what was stated.
    """

    error: float | None
    far_believed: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Trust:
    """One stage's labelled points.

    Attributes:
        stage: from 1.
        points: how many; far: how many of them are off by more than `FAR_NE`.
        score: of the scores, taken for probabilities, which they are not.
        confidence: of the confidences; None where the bundle has none.
    """

    stage: int
    points: int
    far: int
    score: Reliability
    confidence: Reliability | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def trust_of(found: Predictions, truth: Truth, recognition: Recognition | None) -> tuple[Trust, ...]:
    """One entry a stage, over labelled points."""
    mask = point_mask(truth.visibility, "labelled")
    curves = None if recognition is None or recognition.confidences is None else recognition.confidences.stages
    stages = []
    for index in range(found.landmarks.shape[1]):
        errors = normalized_error(found.landmarks[:, index], truth.landmarks, found.sizes)[mask]
        scores = found.scores[:, index][mask]
        stages.append(
            Trust(
                stage=index + 1,
                points=len(errors),
                far=int((errors > FAR_NE).sum()),
                score=_reliability(scores, errors),
                confidence=None if curves is None else _reliability(confidences_of(curves[index], scores), errors),
            )
        )
    return tuple(stages)


def _reliability(stated: NDArray[np.float32], errors: NDArray[np.float64]) -> Reliability:
    bins = reliability(stated, errors <= WITHIN_NE)
    error, far = calibration_error(bins), errors > FAR_NE
    return Reliability(
        error=None if np.isnan(error) else error,
        far_believed=float((stated[far] > BELIEVED).mean()) if far.any() else None,
        bins=bins,
    )
