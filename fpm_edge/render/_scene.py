"""One picture from its number: who wears what, how it is framed, and in which order it is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.render._backdrop import draw_backdrop
from fpm_edge.render._body import Body, sample_body
from fpm_edge.render._bottom import (
    SkirtShape,
    TrousersShape,
    sample_skirt,
    sample_trousers,
    shape_skirt,
    shape_trousers,
)
from fpm_edge.render._canvas import Camera, Canvas
from fpm_edge.render._curve import Points
from fpm_edge.render._dice import Dice
from fpm_edge.render._dress import Outfit, draw_outfit
from fpm_edge.render._photo import develop
from fpm_edge.render._top import TopCut, TopShape, sample_top, shape_top
from fpm_edge.render._truth import Truth

CATEGORIES: tuple[str, ...] = ("blouse", "outwear", "dress", "skirt", "trousers")
"""What can be drawn."""

_SMALLEST = 32
_SOFT = 0.2
# How often the top goes inside the waistband, when the picture is about that category.
_TUCKED = {"blouse": 0.35, "outwear": 0.6, "dress": 0.0, "skirt": 0.72, "trousers": 0.68}


@dataclass(frozen=True)
class RenderedGarment:
    """A picture and its exact ground truth.

    image: (size, size, 3) uint8, RGB.
    landmarks: (24, 2) float32, x and y in pixels; the centre of the top-left pixel is (0, 0); (-1, -1) where
        not labelled.
    visibility: (24,) int8: 1 visible, 0 labelled but covered, -1 not labelled: not of this category, or
        outside the frame.
    """

    image: NDArray[np.uint8]
    category: str
    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]


def _top_points(shape: TopShape) -> Points:
    cuffs = [corner for sleeve in shape.sleeves for corner in (sleeve.cuff_in, sleeve.cuff_out)]
    return np.array([*shape.necks, *shape.shoulders, *shape.hems, *cuffs])


def _over(cut: TopCut, category: str) -> TopCut:
    """A coat that leaves enough of the garment underneath in view."""
    if category == "dress":
        return replace(cut, opening=max(cut.opening, 0.05), hem_y=min(cut.hem_y, 0.56), waisted=False)
    return replace(cut, hem_y=min(cut.hem_y, 0.5)) if cut.opening < 0.03 else cut


def _tuck(cut: TopCut, body: Body, waist_y: float) -> TopCut:
    """A top that ends just inside the waistband."""
    return replace(cut, hem_y=waist_y + 0.003, hem=body.half_width(waist_y) * 1.04, sag=0.006, waisted=False)


def _dress_up(dice: Dice, body: Body, category: str, worn: bool) -> tuple[Outfit, Points]:
    """An outfit with the garment of that category in it, and the extent of this garment in body units."""
    bottom: SkirtShape | TrousersShape | None = None
    top: TopShape | None = None
    coat: TopShape | None = None
    if category == "skirt" or (category in ("blouse", "outwear") and worn and dice.chance(0.35)):
        bottom = shape_skirt(sample_skirt(dice, body), body)
    elif category == "trousers" or (worn and category != "dress"):
        bottom = shape_trousers(sample_trousers(dice), body)
    if category == "outwear":
        coat = shape_top(sample_top(dice, body, "outwear"), body)
    elif worn and category != "blouse" and dice.chance(0.16):
        coat = shape_top(_over(sample_top(dice, body, "outwear"), category), body)
    tucked = bottom is not None and worn and dice.chance(_TUCKED[category])
    if worn or category in ("blouse", "dress"):
        cut = sample_top(dice, body, "dress" if category == "dress" else "blouse")
        top = shape_top(_tuck(cut, body, bottom.waist_y) if tucked and bottom is not None else cut, body)
    if category in ("skirt", "trousers"):
        assert bottom is not None
        outline = bottom.outline if isinstance(bottom, SkirtShape) else np.concatenate(bottom.outlines)
        extent = outline
    elif category == "outwear":
        assert coat is not None
        extent = _top_points(coat)
    else:
        assert top is not None
        extent = _top_points(top)
    return Outfit(category, body, worn, top, bottom, coat, tucked), extent


def _frame(dice: Dice, size: int, extent: Points, worn: bool) -> Camera:
    """Where the camera stands: the whole person, the garment, or a piece of it."""
    stretch = dice.uniform(0.88, 1.3) if dice.chance(0.5) else 1.0
    roll = dice.centred(0.09) if worn else dice.centred(0.35)
    turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    shape = turn @ np.diag([stretch, 1.0])
    low, high = extent.min(axis=0), extent.max(axis=0)
    if worn and dice.chance(0.5):
        scale = size * dice.uniform(0.72, 1.0)
        centre, wander = np.array([(low[0] + high[0]) / 2 * 0.5, 0.5]), 0.06
    else:
        span = (high - low) * (stretch, 1.0)
        share = dice.weighted(((dice.uniform(0.6, 0.95), 6.0), (dice.uniform(0.95, 1.15), 0.8)))
        scale = min(size * share / float(span.max()), size * 3.2)
        centre, wander = (low + high) / 2, 0.09
    target = np.array([dice.centred(wander) + 0.5, dice.centred(wander) + 0.5]) * size
    matrix = np.ascontiguousarray(shape.T) * scale
    return Camera(matrix, target - centre @ matrix, scale)


def render_garment(seed: int, index: int, *, size: int = 256, category: str | None = None) -> RenderedGarment:
    """Draw picture `index` of the endless collection `seed`.

    The same arguments give the same bytes, in any order and any process, on the same versions of numpy and
    Pillow.

    Args:
        seed: collection, not negative.
        index: number of the picture in it, not negative.
        size: width and height in pixels, at least 32.
        category: one of `CATEGORIES`; without it, one is drawn with equal chances.

    Raises:
        ValueError: the category is unknown, the size too small, or a number negative.
    """
    if category is not None and category not in CATEGORIES:
        raise ValueError(f"unknown category {category!r}: expected one of {', '.join(CATEGORIES)}, or None")
    dice = _dice(seed, index, size)
    drawn = dice.choice(CATEGORIES)
    kind = category or drawn
    worn = dice.chance(0.82)
    body = sample_body(dice, worn=worn)
    outfit, extent = _dress_up(dice, body, kind, worn)
    # A photograph that is not sharp: drawn smaller, then enlarged.
    sharpness = dice.uniform(0.5, 0.85) if dice.chance(_SOFT) else 1.0
    drawn_size = round(size * sharpness)
    camera = _frame(dice, drawn_size, extent, worn)
    foot = float(camera.project(np.array([[0.0, 0.98]]))[0, 1])
    canvas = Canvas(draw_backdrop(dice, drawn_size, worn=worn, foot=foot, sharp=sharpness == 1.0), camera)
    truth = Truth(canvas)
    draw_outfit(canvas, outfit, truth, dice)
    landmarks, visibility = truth.judge(size)
    image = canvas.image
    if drawn_size != size:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return RenderedGarment(np.array(develop(image, dice)), kind, landmarks, visibility)


def render_backdrop(seed: int, index: int, *, size: int = 256) -> NDArray[np.uint8]:
    """Picture `index` of the endless collection `seed` of places without a garment: floors, walls, shops, streets.

    The same arguments give the same bytes, as with `render_garment`.

    Args:
        seed: collection, not negative.
        index: number of the picture in it, not negative.
        size: width and height in pixels, at least 32.

    Returns:
        (size, size, 3) uint8, RGB.

    Raises:
        ValueError: the size is too small, or a number negative.
    """
    dice = _dice(seed, index, size)
    foot = dice.uniform(0.6, 1.0) * size
    image = draw_backdrop(dice, size, worn=dice.chance(0.5), foot=foot, sharp=not dice.chance(_SOFT))
    return np.array(develop(image, dice))


def _dice(seed: int, index: int, size: int) -> Dice:
    if size < _SMALLEST:
        raise ValueError(f"size is {size} pixels: expected at least {_SMALLEST}")
    if seed < 0 or index < 0:
        raise ValueError(f"seed is {seed} and index is {index}: expected numbers that are not negative")
    return Dice(seed, index)
