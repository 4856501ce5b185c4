"""One landmark: a dot, hollow where it is not sure, and the ring of a second answer beside it."""

import math

from PIL import Image

from fpm_edge.pictures.overlay.shapes import Point, disc, ring, strokes
from fpm_edge.pictures.overlay.style import INK, WHITE, Colour, Style

__all__ = ["RING", "draw_dot", "draw_reference"]

RING = 1.75
"""The reference's radius against the dot's."""


def draw_dot(canvas: Image.Image, at: Point, colour: Colour, style: Style, *, hollow: bool) -> None:
    """A dot with a white edge and a dark one around it."""
    outer = style.radius + style.line
    if hollow:
        ring(canvas, at, outer, style.line * 2.6, INK, 0.35)
        ring(canvas, at, outer - style.line * 0.5, style.line * 1.6, colour, 0.85)
        return
    disc(canvas, at, outer + max(0.8, style.line * 0.5), INK, 0.35)
    disc(canvas, at, outer, WHITE)
    disc(canvas, at, style.radius, colour)


def draw_reference(canvas: Image.Image, at: Point, reference: Point, style: Style) -> None:
    """A ring at `reference`, with a line to the dot at `at`."""
    (x, y), radius = reference, RING * style.radius
    distance = math.hypot(at[0] - x, at[1] - y)
    if distance > radius:
        start = (x + (at[0] - x) * radius / distance, y + (at[1] - y) * radius / distance)
        strokes(canvas, [(start, at)], style.line * 2.6, INK, 0.75)
        strokes(canvas, [(start, at)], style.line * 1.3, WHITE)
    ring(canvas, reference, radius + style.line * 1.3, style.line * 2.6, INK, 0.75)
    ring(canvas, reference, radius + style.line * 0.65, style.line * 1.3, WHITE)
