"""What a session found, drawn so that only what is believed is seen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.pictures.overlay.draw import draw_landmarks
from fpm_edge_runtime.bundle.recognition import NOTHING
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK
from fpm_edge_runtime.stages.results import Detection

__all__ = ["LEAST_CONFIDENCE", "believed", "category_words", "draw_detection", "percent"]

LEAST_CONFIDENCE = 0.5
"""A landmark is believed that lies within 0.05 of its true place with at least this probability."""

# A category that is less likely than this is more likely another one.
_LIKELY = 0.5


def believed(found: Detection) -> NDArray[np.bool_]:
    """(landmarks,) bool, which of the category's landmarks to trust.

    By their confidence, `LEAST_CONFIDENCE` or more, where the bundle has one; else by a peak that is clear
    (`CLEAR_PEAK`). Never where the heatmap says nothing: its score is 0.
    """
    if found.confidences is not None:
        sure = (found.confidences >= LEAST_CONFIDENCE) & (found.scores > 0)
    else:
        sure = found.scores >= CLEAR_PEAK
    result: NDArray[np.bool_] = found.labelled & sure
    return result


def category_words(found: Detection) -> str:
    """For people: ``trousers 97 %``, ``no garment 88 %``, ``skirt? 30 %``, as given ``skirt``; empty if not known."""
    if found.category is None:
        return ""
    name = "no garment" if found.category == NOTHING else found.category
    if found.category_score is None:
        return name
    return f"{name}{'' if found.category_score >= _LIKELY else '?'} {percent(found.category_score)}"


def percent(share: float) -> str:
    """Such as ``97 %``."""
    return f"{100 * share:.0f} %"


def draw_detection(
    image: NDArray[np.uint8], found: Detection, schema: LandmarkSchema, *, labels: bool = False, note: str = ""
) -> Image.Image:
    """A copy of a picture with what was found in it: the believed landmarks, the outline through them, the category.

    Args:
        image: (height, width, 3) uint8 RGB, the picture that was looked at.
        found: the answer.
        schema: of the session.
        labels: write the landmarks' names beside them.
        note: what the caption says after the category.

    Raises:
        DataError: the image is not a picture, or schema and answer differ in landmarks.
    """
    return draw_landmarks(
        image,
        found.landmarks,
        schema=schema,
        category=found.category,
        keep=believed(found),
        labels=labels,
        caption=": ".join(words for words in (category_words(found), note) if words),
    )
