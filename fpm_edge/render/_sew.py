"""Drawing garments on the canvas, and marking their landmarks if they are the subject of the picture."""

from __future__ import annotations

import math

import numpy as np

from fpm_edge.render._body import Body
from fpm_edge.render._bottom import SkirtShape, TrousersShape
from fpm_edge.render._canvas import Canvas, Flat
from fpm_edge.render._curve import Points, ellipse, smooth
from fpm_edge.render._dice import Dice
from fpm_edge.render._fabric import Fabric, shade, worn_colour
from fpm_edge.render._top import Sleeve, TopShape
from fpm_edge.render._truth import Truth


def _direction(start: Points, end: Points) -> float:
    """Turn, in radians, that lays a pattern's vertical along start → end."""
    return math.atan2(float(end[0] - start[0]), float(end[1] - start[1])) * -1.0


def _fold_lines(canvas: Canvas, fabric: Fabric, dice: Dice, start: Points, end: Points, spread: float) -> None:
    """A few creases from one place towards another, dark beside light."""
    for _ in range(dice.integer(1, 4)):
        offset = np.array([dice.centred(spread), dice.centred(0.01)])
        reach = start + (end - start) * dice.uniform(0.3, 0.9)
        bend = (start + reach) / 2 + offset + dice.centred(0.01)
        line = smooth(np.array([start + offset, bend, reach + offset * dice.uniform(0.4, 1.2)]), 4)
        canvas.line(line, fabric.dark, width=dice.uniform(0.002, 0.007), alpha=dice.integer(30, 90))
        if dice.chance(0.4):
            canvas.line(line + 0.005, shade(fabric.colour, 1.3), width=0.003, alpha=50)


def draw_sleeve(
    canvas: Canvas, sleeve: Sleeve, fabric: Fabric, dice: Dice, layers: set[int], truth: Truth | None
) -> None:
    if not canvas.sees(sleeve.outline, 0.0):
        return
    start, elbow, wrist = sleeve.arm.joints
    end = (sleeve.cuff_in + sleeve.cuff_out) / 2
    past_elbow = float(np.dot(end - elbow, wrist - elbow)) > 0
    layer = canvas.fill(sleeve.outline, fabric, angle=_direction(start, end))
    layers.add(layer)
    canvas.line(sleeve.outline, fabric.dark, width=0.003, alpha=110)
    if past_elbow and dice.chance(0.6):
        _fold_lines(canvas, fabric, dice, elbow, end, 0.01)
    if dice.chance(0.3):
        band = (end - start) * 0.04
        canvas.line(np.array([sleeve.cuff_in - band, sleeve.cuff_out - band]), fabric.dark, width=0.003, alpha=140)
    if truth is not None:
        first = 9 if sleeve.arm.side < 0 else 11
        truth.mark(first, sleeve.cuff_in, {layer})
        truth.mark(first + 1, sleeve.cuff_out, {layer})


def draw_top(
    canvas: Canvas,
    shape: TopShape,
    body: Body,
    fabric: Fabric,
    dice: Dice,
    layers: set[int],
    truth: Truth | None,
) -> None:
    """The trunk of the garment; its sleeves are drawn by `draw_sleeve`, before or after it."""
    cut = shape.cut
    angle = _direction(shape.center, (shape.hems[0] + shape.hems[1]) / 2)
    trunk = {canvas.fill(panel, fabric, angle=angle) for panel in shape.panels}
    layers |= trunk
    for panel in shape.panels:
        canvas.line(panel, fabric.dark, width=0.0025, alpha=90)
    if truth is not None:
        _mark_top(shape, layers, trunk, truth)
    for armpit, waist in zip(shape.armpits, shape.waists, strict=True):
        if dice.chance(0.5):
            _fold_lines(canvas, fabric, dice, armpit, (waist + shape.center) / 2, 0.02)
    if cut.kind == "dress" and cut.hem > body.hip * 1.2:
        _pleats(canvas, fabric, dice, shape.waists, shape.hem_line)
    if cut.waisted and dice.chance(0.5):
        colour = worn_colour(dice) if dice.chance(0.5) else fabric.dark
        middle = (shape.waists[0] + shape.waists[1]) / 2 + np.array([0.0, 0.006])
        belt = smooth(np.array([shape.waists[0], middle, shape.waists[1]]), 4)
        canvas.line(belt, colour, width=dice.uniform(0.006, 0.022), alpha=230)
    _trim_front(canvas, shape, fabric, dice, layers)


def _mark_top(shape: TopShape, layers: set[int], trunk: set[int], truth: Truth) -> None:
    cut = shape.cut
    for side in (0, 1):
        truth.mark(0 + side, shape.necks[side], layers)
        if not cut.strap:
            truth.mark(3 + side, shape.shoulders[side], layers)
        # The sleeve starts at the armpit, so look at the trunk just beside it.
        inward = (shape.center - shape.armpits[side]) * 0.12 + np.array([0.0, 0.012])
        truth.mark(5 + side, shape.armpits[side], trunk, look=shape.armpits[side] + inward)
        if cut.waisted and cut.kind != "blouse" and cut.hem_y > 0.41:
            truth.mark(7 + side, shape.waists[side], trunk)
        truth.mark((17 if cut.kind == "dress" else 13) + side, shape.hems[side], trunk)
    if cut.kind != "outwear":
        truth.mark(2, shape.center, layers)


def _trim_front(canvas: Canvas, shape: TopShape, fabric: Fabric, dice: Dice, layers: set[int]) -> None:
    """Collar or neck binding, button row, pockets, print."""
    cut = shape.cut
    bottom = (shape.hems[0] + shape.hems[1]) / 2
    trim = fabric.dark if dice.chance(0.7) else worn_colour(dice)
    if cut.neckline == "collar":
        flap = dice.uniform(0.025, 0.045)
        for neck, shoulder in zip(shape.necks, shape.shoulders, strict=True):
            tip = shape.center * 0.5 + neck * 0.5 + (shoulder - neck) * flap * 10 + np.array([0.0, 0.012])
            collar = np.array([neck + np.array([0.0, -0.008]), tip, shape.center])
            layers.add(canvas.fill(collar, Flat(shade(fabric.colour, dice.uniform(0.8, 1.15)))))
            canvas.line(np.concatenate([collar, collar[:1]]), fabric.dark, width=0.002, alpha=160)
    elif dice.chance(0.7):
        canvas.line(shape.neckline, trim, width=dice.uniform(0.003, 0.008), alpha=200)
    if len(shape.panels) == 1 and dice.chance(0.9 if cut.kind == "outwear" else 0.35):
        canvas.line(np.array([shape.center, bottom]), fabric.dark, width=0.003, alpha=170)
        button = shade(fabric.colour, 0.4) if dice.chance(0.6) else (225, 220, 210)
        for step in range(dice.integer(3, 8)):
            place = shape.center + (bottom - shape.center) * (step + 0.5) / 8
            canvas.tint(ellipse(place[0] + 0.004, place[1], 0.004, 0.004, 8), button, 255)
    elif cut.kind != "outwear" and dice.chance(0.15):
        middle = shape.center * 0.65 + bottom * 0.35
        logo = ellipse(middle[0], middle[1], dice.uniform(0.015, 0.035), dice.uniform(0.012, 0.03), 7)
        canvas.tint(logo, worn_colour(dice), 220)
    if dice.chance(0.35 if cut.kind == "outwear" else 0.1):
        for armpit, hem in zip(shape.armpits, shape.hems, strict=True):
            place = (armpit * 0.3 + hem * 0.7) * 0.6 + (shape.center * 0.3 + bottom * 0.7) * 0.4
            line = np.array([place - np.array([0.018, 0.0]), place + np.array([0.018, 0.0])])
            canvas.line(line, fabric.dark, width=0.004, alpha=150)
    canvas.line(shape.hem_line, fabric.dark, width=0.003, alpha=120)


def _pleats(canvas: Canvas, fabric: Fabric, dice: Dice, top: tuple[Points, Points], hem_line: Points) -> None:
    """Lines that fan out from the waist to the hem."""
    alpha = dice.integer(25, 110)
    for index in range(1, len(hem_line) - 1, dice.integer(1, 4)):
        share = index / (len(hem_line) - 1)
        start = top[0] * (1 - share) + top[1] * share
        end = hem_line[index]
        start = start + (end - start) * dice.uniform(0.05, 0.5)
        canvas.line(np.array([start, end]), fabric.dark, width=dice.uniform(0.002, 0.006), alpha=alpha)


def draw_skirt(
    canvas: Canvas, shape: SkirtShape, fabric: Fabric, dice: Dice, layers: set[int], truth: Truth | None
) -> None:
    left, right = shape.waistbands
    angle = _direction((left + right) / 2, (shape.hems[0] + shape.hems[1]) / 2)
    layers.add(canvas.fill(shape.outline, fabric, angle=angle))
    canvas.line(shape.outline, fabric.dark, width=0.0025, alpha=90)
    if dice.chance(0.65):
        _pleats(canvas, fabric, dice, shape.waistbands, shape.hem_line)
    _waist_seam(canvas, fabric, dice, left, right)
    canvas.line(shape.hem_line, fabric.dark, width=0.003, alpha=120)
    if truth is not None:
        for side in (0, 1):
            truth.mark(15 + side, shape.waistbands[side], layers)
            truth.mark(17 + side, shape.hems[side], layers)


def draw_trousers(
    canvas: Canvas, shape: TrousersShape, fabric: Fabric, dice: Dice, layers: set[int], truth: Truth | None
) -> None:
    left, right = shape.waistbands
    legs = [0, 0]
    for side in (1 - shape.front_leg, shape.front_leg):
        inside, outside = shape.bottoms[side]
        end = (inside + outside) / 2
        legs[side] = canvas.fill(shape.outlines[side], fabric, angle=_direction((shape.crotch + left) / 2, end) * 0.8)
        layers.add(legs[side])
        canvas.line(shape.outlines[side][:-1], fabric.dark, width=0.0025, alpha=100)
        knee = (shape.crotch + end) / 2
        if dice.chance(0.7):
            _fold_lines(canvas, fabric, dice, knee, end, 0.014)
        if dice.chance(0.25):
            cuff = (end - shape.crotch) * dice.uniform(0.03, 0.08)
            canvas.line(np.array([inside - cuff, outside - cuff]), fabric.dark, width=0.003, alpha=140)
        # Marked before the other leg is drawn, which may cross in front.
        if truth is not None:
            first = 20 if side == 0 else 22
            truth.mark(first, inside, {legs[side]})
            truth.mark(first + 1, outside, {legs[side]})
    middle = (left + right) / 2
    if dice.chance(0.7):
        _fold_lines(canvas, fabric, dice, shape.crotch, (left + shape.crotch) / 2 + np.array([0, 0.02]), 0.02)
    canvas.line(np.array([middle, shape.crotch]), fabric.dark, width=0.0025, alpha=140)
    if dice.chance(0.6):
        for band in (left, right):
            pocket = np.array([band * 0.6 + middle * 0.4, band * 0.92 + shape.crotch * 0.08])
            slant = np.array([0.0, 0.045])
            canvas.line(np.array([pocket[0], pocket[1] + slant]), fabric.dark, width=0.0025, alpha=140)
    _waist_seam(canvas, fabric, dice, left, right)
    if truth is not None:
        truth.mark(15, left, layers)
        truth.mark(16, right, layers)
        truth.mark(19, shape.crotch, layers)


def _waist_seam(canvas: Canvas, fabric: Fabric, dice: Dice, left: Points, right: Points) -> None:
    """Waistband, sometimes a belt with its buckle."""
    drop = (right - left)[::-1] * np.array([-0.12, 0.12])
    if dice.chance(0.3):
        canvas.line(np.array([left + drop * 0.5, right + drop * 0.5]), worn_colour(dice), width=0.016)
        middle = (left + right + drop) / 2
        canvas.tint(ellipse(middle[0], middle[1], 0.01, 0.008, 6), (200, 180, 110), 255)
    else:
        canvas.line(np.array([left + drop, right + drop]), fabric.dark, width=0.0025, alpha=150)
