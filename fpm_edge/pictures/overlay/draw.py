"""Landmarks on a picture."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.pictures.overlay.marks import draw_dot, draw_reference
from fpm_edge.pictures.overlay.outlines import outline_of, trace_outline
from fpm_edge.pictures.overlay.shapes import Point, strokes
from fpm_edge.pictures.overlay.style import ACCENT, INK, WHITE, Style, group_colours
from fpm_edge.pictures.overlay.text import draw_caption, draw_labels, draw_legend
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.image import check_image
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK

__all__ = ["FAINT_SCORE", "draw_landmarks"]

FAINT_SCORE = CLEAR_PEAK
"""Landmarks that score lower than this are drawn hollow and faint: the network is not sure of them."""

# Lengths of a dash and of the gap after it, against the line's width.
_DASH, _GAP = 2.5, 2.5


def draw_landmarks(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.floating[Any]],
    *,
    schema: LandmarkSchema,
    category: str | None = None,
    scores: NDArray[np.floating[Any]] | None = None,
    keep: NDArray[np.bool_] | None = None,
    reference: NDArray[np.floating[Any]] | None = None,
    labels: bool = True,
    caption: str = "",
) -> Image.Image:
    """A copy of a picture with its landmarks on it.

    Where the outline of the category is known (`outline_of`), it is drawn through the points, which are all of one
    colour; else the points alone, coloured by the schema's groups (or flip pairs).

    Args:
        image: (height, width, 3) uint8 RGB.
        landmarks: (landmarks, 2) x, y in pixels of the picture. What is not finite is not drawn.
        schema: names and groups.
        category: what garment it is; None for no outline.
        scores: (landmarks,) 0 to 1; landmarks under `FAINT_SCORE` are drawn hollow, and the outline leaves them out.
            None: all are drawn full.
        keep: (landmarks,) which to draw; None for all.
        reference: (landmarks, 2) a second answer, e.g. the float model's: a white ring, with a line to the dot.
        labels: write the landmarks' names beside them.
        caption: a line of text for a corner; none if empty.

    Raises:
        DataError: an array is not of the shape or type above.
    """
    check_image(image)
    count = len(schema.landmarks)
    for name, array, shape in (
        ("landmarks", landmarks, (count, 2)),
        ("scores", scores, (count,)),
        ("keep", keep, (count,)),
        ("reference", reference, (count, 2)),
    ):
        if array is not None and array.shape != shape:
            raise DataError(f"{name} has shape {array.shape}; expected {shape} for schema {schema.name!r}")
    canvas = Image.fromarray(image)
    style = Style.of(*canvas.size)
    shown = np.isfinite(landmarks).all(axis=1) & (True if keep is None else keep)
    faint = np.zeros(count, np.bool_) if scores is None else ~(scores >= FAINT_SCORE)
    order = np.flatnonzero(shown).tolist()
    # Pixel centres are integers in `geometry`, and half-integers in the edge coordinates of drawing.
    at: list[Point] = [(float(x) + 0.5, float(y) + 0.5) for x, y in landmarks]
    around = outline_of(schema, category)
    points = [at[i] for i in order]
    if caption:
        # Under the rest: it may cover the picture, but no landmark.
        draw_caption(canvas, caption, points, style)
    colours = group_colours(schema) if around is None else [ACCENT] * count
    if around is not None:
        _draw_outline(canvas, schema, around, at, shown & ~faint, style)
    rings = _finite(reference, order)
    for i, ring in rings.items():
        draw_reference(canvas, at[i], ring, style)
    for i in order:
        draw_dot(canvas, at[i], colours[i], style, hollow=bool(faint[i]))
    if labels:
        names = [schema.landmarks[i] for i in order]
        draw_labels(canvas, points, list(rings.values()), names, faint[order].tolist(), style)
    if reference is not None:
        draw_legend(canvas, points, style)
    return canvas


def _finite(reference: NDArray[np.floating[Any]] | None, order: list[int]) -> dict[int, Point]:
    """Where the rings are, by landmark."""
    if reference is None:
        return {}
    finite = np.isfinite(reference).all(axis=1)
    return {i: (float(reference[i, 0]) + 0.5, float(reference[i, 1]) + 0.5) for i in order if finite[i]}


def _draw_outline(
    canvas: Image.Image,
    schema: LandmarkSchema,
    around: tuple[int, ...],
    at: list[Point],
    shown: NDArray[np.bool_],
    style: Style,
) -> None:
    traced = trace_outline(schema, around, shown.tolist())
    width = style.line * 2.4
    lines = [[at[i] for i in line] for line in traced.solid]
    lines += [list(dash) for one, other in traced.dashed for dash in _dashes(at[one], at[other], width)]
    # A dark edge for pictures that are bright, a white one for those that are dark, and between them the colour.
    strokes(canvas, lines, width + 2.2 * style.line, INK, 0.35)
    strokes(canvas, lines, width + 1.1 * style.line, WHITE, 0.85)
    strokes(canvas, lines, width, ACCENT)


def _dashes(start: Point, end: Point, width: float) -> Iterator[tuple[Point, Point]]:
    """Pieces of a line that begin and end with a dash."""
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    dash, period = _DASH * width, (_DASH + 1 + _GAP) * width
    pieces = max(1, round((length - dash) / period))
    if length <= dash or pieces < 2:
        yield start, end
        return
    step, share = 1 / (pieces + dash / period), dash / length
    for number in range(pieces + 1):
        begin = min(number * step, 1 - share)
        yield (
            (x0 + (x1 - x0) * begin, y0 + (y1 - y0) * begin),
            (x0 + (x1 - x0) * (begin + share), y0 + (y1 - y0) * (begin + share)),
        )
