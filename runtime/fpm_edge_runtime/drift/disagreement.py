"""How far a device's landmarks are from the float model's in one frame."""

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.results import Trace
from fpm_edge_runtime.stages.session import Session

__all__ = ["disagreement_of"]


def disagreement_of(trace: Trace, reference: Session) -> NDArray[np.float64]:
    """(stages that ran, landmarks) distance from the float model's landmarks, NE units of the picture or box.

    NaN for landmarks that do not count: those that the frame's category does not have. Where the device found the
    category, those of the category that the float model finds count, as far as the device's has them too; all of them
    where it has none, so that a device which no longer sees garments is noticed. Where the float model finds no
    garment, nothing counts. It runs as many stages as the device did. Errors are those of `Session.detect_input`.
    """
    stages = len(trace.landmarks)
    results = reference.detect_input(trace.input, stages=stages)
    expected = np.stack([result.landmarks for result in results])
    size = np.array([[trace.fit.width, trace.fit.height]])
    errors = normalized_error(trace.landmarks, expected, size.repeat(stages, axis=0))
    counted = trace.detection.labelled
    if trace.detection.category_score is not None and results[-1].category_score is not None:
        wanted = results[-1].labelled
        counted = wanted & counted if (wanted & counted).any() else wanted
    return np.where(counted, errors, np.nan)
