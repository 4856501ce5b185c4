"""Sizes and colours of what is drawn on a picture."""

import colorsys
from dataclasses import dataclass

from PIL import ImageFont

from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["ACCENT", "FAINT_INK", "INK", "PAPER", "WHITE", "Colour", "Font", "Style", "font_of", "group_colours"]

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WHITE: Colour = (255, 255, 255)
FAINT_INK: Colour = (215, 215, 215)
INK: Colour = (22, 24, 30)
PAPER: Colour = (246, 246, 244)
ACCENT: Colour = (255, 45, 110)
"""Of an outline and its points: hardly any garment, floor or skin is like it."""

# The dot's radius is this share of the picture's longer side, within these bounds (pixels).
_RADIUS_SHARE = 1 / 115
_RADIUS_BOUNDS = (2.5, 24.0)
# Successive hues are the golden ratio of a turn apart: however many groups there are, neighbours differ.
_GOLDEN = 0.61803398875


@dataclass(frozen=True)
class Style:
    """Sizes in pixels of the picture: a dot's radius, a thin line, text."""

    radius: float
    line: float
    font_size: float

    @classmethod
    def of(cls, width: int, height: int) -> "Style":
        """For a picture of this size."""
        radius = min(max(max(width, height) * _RADIUS_SHARE, _RADIUS_BOUNDS[0]), _RADIUS_BOUNDS[1])
        return cls(radius=radius, line=max(0.8, radius * 0.3), font_size=max(9.0, radius * 2.5))


def font_of(size: float) -> Font:
    """Pillow's own font."""
    return ImageFont.load_default(size=size)


def group_colours(schema: LandmarkSchema) -> list[Colour]:
    """One colour a landmark: that of its group, or without groups that of its flip pair."""
    group = {i: f"pair {min(i, other)}" for i, other in enumerate(schema.flip)}
    for name, members in schema.groups.items():
        group.update(dict.fromkeys(members, name))
    number = {name: n for n, name in enumerate(dict.fromkeys(group[i] for i in range(len(schema.landmarks))))}
    return [_colour(number[group[i]]) for i in range(len(schema.landmarks))]


def _colour(number: int) -> Colour:
    hue = (0.97 + number * _GOLDEN) % 1.0
    # Alternating depth tells apart the hues that come close again after a few turns.
    saturation, value = ((0.80, 1.0), (0.90, 0.82), (0.55, 1.0))[number % 3]
    red, green, blue = (round(255 * v) for v in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
