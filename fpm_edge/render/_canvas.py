"""The picture being drawn, and beside it which layer owns each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from fpm_edge.render._curve import Points

Colour = tuple[int, int, int]

# Masks are drawn at twice the size and averaged: smooth edges at a quarter of the cost of a large picture.
_OVERSAMPLING = 2
# Plain shapes below this share of the frame go without: at their size, nobody sees the steps.
_SMALL_SHARE = 8


class Paint(Protocol):
    """What a shape is filled with."""

    def patch(self, width: int, height: int, angle: float) -> Image.Image | Colour:
        """An RGB image of that size, or one colour; `angle` is the direction of the cloth in radians."""


@dataclass(frozen=True)
class Flat:
    """One colour."""

    colour: Colour

    def patch(self, width: int, height: int, angle: float) -> Colour:
        return self.colour


@dataclass(frozen=True)
class Camera:
    """Body units (1 is the height of the person) to pixels: rows times `matrix` (2, 2), plus `shift` (2,)."""

    matrix: Points
    shift: Points
    scale: float

    def project(self, points: Points) -> Points:
        pixels: Points = np.dot(points, self.matrix) + self.shift
        return pixels


class Canvas:
    """Layers are drawn from back to front; `owner` keeps the number of the front one for each pixel."""

    def __init__(self, image: Image.Image, camera: Camera) -> None:
        self.image = image
        self.camera = camera
        self.size = image.width
        self.owner = Image.new("L", image.size, 0)
        pixels = self.owner.load()
        assert pixels is not None
        self._owner_at = pixels
        self._owner_pen = ImageDraw.Draw(self.owner)
        self._pen = ImageDraw.Draw(image, "RGBA")
        self._layers = 0

    def box(self, points: Points) -> tuple[int, int, int, int] | None:
        """The part of the frame that `points` (pixels) span, or None outside it."""
        low, high = points.min(axis=0), points.max(axis=0)
        left, top = max(0, int(low[0]) - 1), max(0, int(low[1]) - 1)
        right, bottom = min(self.size, int(high[0]) + 2), min(self.size, int(high[1]) + 2)
        return (left, top, right, bottom) if right > left and bottom > top else None

    def sees(self, points: Points, margin: float) -> bool:
        """Whether anything within `margin` of the points (body units) can be in the frame."""
        reach = margin * self.camera.scale * 1.5
        pixels = self.camera.project(points)
        low, high = pixels.min(axis=0) - reach, pixels.max(axis=0) + reach
        return bool((high > 0).all() and (low < self.size).all())

    def fill(self, outline: Points, paint: Paint, *, angle: float = 0.0) -> int:
        """Fill a closed outline (n, 2) given in body units; the number of the new layer."""
        points = self.camera.project(outline)
        self._layers = self._layers % 254 + 1
        box = self.box(points)
        if box is None:
            return self._layers
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        corners = points.ravel().tolist()
        self._owner_pen.polygon(corners, fill=self._layers)
        if isinstance(paint, Flat) and max(width, height) * _SMALL_SHARE < self.size:
            self._pen.polygon(corners, fill=paint.colour)
            return self._layers
        mask = Image.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING), 0)
        # Centres of pixels are integers in both grids, hence the half pixel.
        fine = (points - (left - 0.25, top - 0.25)) * _OVERSAMPLING
        ImageDraw.Draw(mask).polygon(fine.ravel().tolist(), fill=255)
        self.image.paste(paint.patch(width, height, angle), box, mask.reduce(_OVERSAMPLING))
        return self._layers

    def tint(self, outline: Points, colour: Colour, alpha: int) -> None:
        """Colour an area without owning it: shadows and trimmings hide nothing."""
        self._pen.polygon(self.camera.project(outline).ravel().tolist(), fill=(*colour, alpha))

    def line(self, points: Points, colour: Colour, *, width: float, alpha: int = 255) -> None:
        """A stroke of `width` body units that owns nothing: seams, edges, folds."""
        pixels = max(1, round(width * self.camera.scale))
        self._pen.line(self.camera.project(points).ravel().tolist(), (*colour, alpha), pixels)

    def strap(self, points: Points, colour: Colour, *, width: float) -> int:
        """A stroke that covers what is under it, as a strap does; the number of the new layer."""
        self.line(points, colour, width=width)
        self._layers = self._layers % 254 + 1
        pixels = max(1, round(width * self.camera.scale))
        self._owner_pen.line(self.camera.project(points).ravel().tolist(), self._layers, pixels)
        return self._layers

    def owners(self, x: float, y: float, radius: int) -> list[object]:
        """Owner of each pixel of the frame in the square around a point (pixels), row by row."""
        column, row, owner_at = round(x), round(y), self._owner_at
        across = range(max(0, column - radius), min(self.size, column + radius + 1))
        down = range(max(0, row - radius), min(self.size, row + radius + 1))
        return [owner_at[x, y] for y in down for x in across]
