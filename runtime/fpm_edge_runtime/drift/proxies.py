"""What says something about a device's answers without labels and without a float model: movement and mirror images."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.image import check_image, load_image
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.pixels.sides import unpaired_sides
from fpm_edge_runtime.stages.results import Trace
from fpm_edge_runtime.stages.session import Session

__all__ = ["flip_consistency", "stage_movement"]


def stage_movement(trace: Trace) -> float | None:
    """How far the labelled landmarks moved between the last two stages: mean, NE units of the picture or box.

    None where only one stage ran, or no garment was found.
    """
    if len(trace.landmarks) < 2 or not trace.detection.labelled.any():
        return None
    before, after = trace.landmarks[-2:, trace.detection.labelled]
    size = np.array([[trace.fit.width, trace.fit.height]])
    return float(normalized_error(after[np.newaxis], before[np.newaxis], size).mean())


def flip_consistency(
    session: Session, image: str | Path | NDArray[np.uint8], category: str | None = None
) -> float | None:
    """How far the answer for the mirror image is from the mirror image of the answer: mean, NE units.

    Over the landmarks of the category; of the one found in the picture as it is, where none is given. None where no
    garment was found, or the schema leaves sides unpaired. It costs two detections, so it is done only when asked.
    Errors are those of `Session.detect`.
    """
    pixels = load_image(image) if isinstance(image, str | Path) else check_image(image)
    height, width = pixels.shape[:2]
    straight = session.detect(pixels, category=category)
    if not straight.labelled.any() or unpaired_sides(session.schema.landmarks, session.schema.flip):
        return None
    mirrored = session.detect(np.ascontiguousarray(pixels[:, ::-1]), category=category)
    back = mirrored.landmarks[list(session.schema.flip)]
    # Pixel centres: column x of the mirror image is column width − 1 − x.
    back = np.stack([width - 1 - back[:, 0], back[:, 1]], axis=1)
    errors = normalized_error(back[np.newaxis], straight.landmarks[np.newaxis], np.array([[width, height]]))[0]
    return float(errors[straight.labelled].mean())
