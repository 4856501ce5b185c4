"""Shapes with smooth edges. All coordinates are edge coordinates: the middle of the first pixel is (0.5, 0.5)."""

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from fpm_edge.pictures.overlay.style import Colour

__all__ = ["Box", "Point", "disc", "overlap", "panel", "ring", "strokes"]

Box = tuple[float, float, float, float]
Point = tuple[float, float]
_Place = Callable[[float, float], Point]

# Shapes are drawn this many times larger and reduced, because Pillow draws them without smooth edges; less for large
# ones, whose edges nobody sees pixel by pixel: at most so many pixels.
_SUPERSAMPLING = 4
_MOST_PIXELS = 8_000_000


def disc(canvas: Image.Image, centre: Point, radius: float, colour: Colour, opacity: float = 1.0) -> None:
    """A filled circle."""
    ring(canvas, centre, radius, radius, colour, opacity)


def ring(canvas: Image.Image, centre: Point, outer: float, width: float, colour: Colour, opacity: float = 1.0) -> None:
    """A ring of outer radius `outer`; `width` equal to it makes a disc."""
    x, y = centre

    def shape(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        draw.ellipse((*place(x - outer, y - outer), *place(x + outer, y + outer)), fill=255)
        inner = outer - width
        if inner > 0:
            draw.ellipse((*place(x - inner, y - inner), *place(x + inner, y + inner)), fill=0)

    _stamp(canvas, (x - outer - 1, y - outer - 1, x + outer + 1, y + outer + 1), colour, opacity, shape)


def strokes(
    canvas: Image.Image, lines: Sequence[Sequence[Point]], width: float, colour: Colour, opacity: float = 1.0
) -> None:
    """Lines through two or more points each, with round ends and corners; where they cross they are no darker."""
    if not lines:
        return

    def shape(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        half = width / 2
        for line in lines:
            draw.line([place(x, y) for x, y in line], fill=255, width=max(1, round(width * zoom)))
            for x, y in line:
                draw.ellipse((*place(x - half, y - half), *place(x + half, y + half)), fill=255)

    points = [point for line in lines for point in line]
    _stamp(canvas, _around(points, width / 2 + 1), colour, opacity, shape)


def panel(canvas: Image.Image, box: Box, radius: float, colour: Colour, opacity: float) -> None:
    """A rectangle with round corners."""

    def shape(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        draw.rounded_rectangle((*place(*box[:2]), *place(*box[2:])), radius=radius * zoom, fill=255)

    _stamp(canvas, box, colour, opacity, shape)


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _around(points: Sequence[Point], pad: float) -> Box:
    columns, rows = zip(*points, strict=True)
    return min(columns) - pad, min(rows) - pad, max(columns) + pad, max(rows) + pad


def _stamp(
    canvas: Image.Image,
    box: Box,
    colour: Colour,
    opacity: float,
    shape: Callable[[ImageDraw.ImageDraw, _Place, float], None],
) -> None:
    """Draw `shape` in `colour` inside `box`, with smooth edges, clipped to it and to the canvas."""
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    right, bottom = min(canvas.width, math.ceil(box[2])), min(canvas.height, math.ceil(box[3]))
    if left >= right or top >= bottom:
        return
    area = (right - left) * (bottom - top)
    zoom = max(1, min(_SUPERSAMPLING, math.isqrt(_MOST_PIXELS // area)))
    mask = Image.new("L", ((right - left) * zoom, (bottom - top) * zoom), 0)
    shape(ImageDraw.Draw(mask), lambda x, y: ((x - left) * zoom - 0.5, (y - top) * zoom - 0.5), zoom)
    if zoom > 1:
        mask = mask.reduce(zoom)
    if opacity < 1:
        mask = mask.point(lambda value: value * opacity)
    canvas.paste(colour, (left, top, right, bottom), mask)
