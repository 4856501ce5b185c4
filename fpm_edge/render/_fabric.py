"""Fabric: a colour scheme, a pattern and the fall of its folds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.render import _atlas
from fpm_edge.render._canvas import Colour
from fpm_edge.render._dice import Dice

# Colours people wear, with how often: dark, neutral and denim far before bright.
_WORN: tuple[tuple[Colour, float], ...] = (
    ((24, 24, 28), 5.0),
    ((235, 233, 228), 4.0),
    ((120, 120, 124), 2.5),
    ((70, 72, 80), 2.0),
    ((35, 45, 80), 2.5),
    ((70, 100, 145), 2.5),
    ((140, 170, 205), 1.5),
    ((200, 180, 150), 2.0),
    ((120, 90, 65), 1.5),
    ((75, 80, 55), 1.2),
    ((170, 35, 45), 1.5),
    ((110, 30, 50), 1.0),
    ((225, 160, 170), 1.2),
    ((230, 195, 70), 0.8),
    ((215, 110, 50), 0.8),
    ((50, 130, 90), 0.8),
    ((60, 140, 160), 0.8),
    ((120, 80, 150), 0.7),
)
_KINDS = (
    ("plain", 9.0),
    ("denim", 2.0),
    ("knit", 1.6),
    ("stripes", 1.2),
    ("hoops", 0.9),
    ("checks", 1.6),
    ("floral", 1.8),
    ("dots", 0.8),
    ("animal", 0.6),
)
_TONAL = ("plain", "denim", "knit")


def worn_colour(dice: Dice) -> Colour:
    """A colour of clothing, with some spread of hue and brightness."""
    red, green, blue = dice.weighted(_WORN)
    gain = dice.uniform(0.75, 1.2)
    return (
        _byte(red * gain + dice.centred(28)),
        _byte(green * gain + dice.centred(28)),
        _byte(blue * gain + dice.centred(28)),
    )


def shade(colour: Colour, gain: float) -> Colour:
    """The colour under `gain` times the light."""
    return _byte(colour[0] * gain), _byte(colour[1] * gain), _byte(colour[2] * gain)


def _byte(value: float) -> int:
    return min(255, max(0, int(value)))


def ramp(colours: tuple[Colour, ...]) -> bytes:
    """A palette of 256 colours through the given ones."""
    return (_blend(len(colours)) @ np.asarray(colours, dtype=np.float64)).astype(np.uint8).tobytes()


@lru_cache(maxsize=8)
def _blend(count: int) -> NDArray[np.float64]:
    """Weights (256, count) of the colours of a ramp at each grey level."""
    position = np.linspace(0, count - 1, 256)[:, None]
    weights: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(position - np.arange(count)))
    return weights


# The light on folds, darkest to brightest, of the 16 levels of an indexed sheet.
_LIGHT = np.linspace(0.5, 1.05, 16)


def _lit(palette: bytes) -> bytes:
    """A palette for `_atlas.indexed`: 16 of the 256 colours, each in 16 shades."""
    colours = np.frombuffer(palette, dtype=np.uint8).reshape(256, 1, 3)[8::16]
    return np.minimum(colours * _LIGHT[:, None], 255).astype(np.uint8).tobytes()


@dataclass(frozen=True)
class Fabric:
    """A `Paint` whose pattern runs along the cloth."""

    colour: Colour
    sheet: Image.Image
    palette: bytes
    scale: float
    angle: float
    x: float
    y: float

    @property
    def dark(self) -> Colour:
        return shade(self.colour, 0.55)

    def patch(self, width: int, height: int, angle: float) -> Image.Image:
        turn = angle + self.angle
        cosine, sine = self.scale * math.cos(turn), self.scale * math.sin(turn)
        cloth = _atlas.window(self.sheet, width, height, x=self.x, y=self.y, cosine=cosine, sine=sine)
        # Giving a grey image a palette is the cheapest way from one channel to three.
        cloth.putpalette(self.palette)
        return cloth.convert("RGB")


def sample_fabric(dice: Dice, size: int, *, kinds: tuple[tuple[str, float], ...] = _KINDS) -> Fabric:
    """A random fabric for pictures of `size` pixels."""
    kind = dice.weighted(kinds)
    pattern, fold = dice.integer(0, len(_atlas.patterns()[kind])), dice.integer(0, len(_atlas.folds()))
    colour = worn_colour(dice)
    tonal = kind in _TONAL
    if kind == "denim" and dice.chance(0.8):
        gain = dice.uniform(0.3, 1.3)
        colour = (_byte(80 * gain), _byte(108 * gain), _byte(150 * gain + 12))
    if tonal:
        # The product of pattern and folds is near 0.4; shadows go below it, light above.
        palette = ramp((shade(colour, 0.12), colour, shade(colour, 1.25), (255, 255, 255)))
        if max(colour) < 60:
            palette = ramp((shade(colour, 0.2), colour, shade(colour, 2.2), shade(colour, 4.0)))
    elif kind == "floral":
        palette = ramp((colour, colour, worn_colour(dice), worn_colour(dice), worn_colour(dice)))
    else:
        palette = ramp((colour, worn_colour(dice)))
    # Windows never leave the sheet: the pattern shrinks with the frame, so larger pictures magnify it.
    scale = dice.uniform(0.6, 1.5) * 256 / size
    return Fabric(
        colour=colour,
        sheet=(_atlas.creased if tonal else _atlas.indexed)(kind, pattern, fold),
        palette=palette if tonal else _lit(palette),
        scale=scale,
        angle=math.pi / 4 if not tonal and dice.chance(0.15) else 0.0,
        x=_atlas.SIDE / 2 + dice.centred(30),
        y=_atlas.SIDE / 2 + dice.centred(30),
    )


def sample_tights(dice: Dice, size: int) -> Fabric:
    """Plain dark or coloured cloth for legs."""
    return sample_fabric(dice, size, kinds=(("plain", 5.0), ("knit", 1.0)))
