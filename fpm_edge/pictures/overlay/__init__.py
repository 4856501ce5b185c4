"""Landmarks drawn on pictures: to look at a detection, at two models' answers side by side, or at a whole set.

Needs the plain install only.
"""

from fpm_edge.pictures.overlay.detection import LEAST_CONFIDENCE, believed, category_words, draw_detection, percent
from fpm_edge.pictures.overlay.draw import FAINT_SCORE, draw_landmarks
from fpm_edge.pictures.overlay.drawn_png import drawn_png
from fpm_edge.pictures.overlay.sheet import contact_sheet

__all__ = [
    "FAINT_SCORE",
    "LEAST_CONFIDENCE",
    "believed",
    "category_words",
    "contact_sheet",
    "draw_detection",
    "draw_landmarks",
    "drawn_png",
    "percent",
]
