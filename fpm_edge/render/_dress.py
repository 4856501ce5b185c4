"""Drawing a dressed person, or a garment without one, from back to front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpm_edge.render import _person
from fpm_edge.render._body import Arm, Body
from fpm_edge.render._bottom import SkirtShape, TrousersShape
from fpm_edge.render._canvas import Canvas, Flat, Paint
from fpm_edge.render._curve import ellipse, smooth
from fpm_edge.render._dice import Dice
from fpm_edge.render._fabric import Fabric, sample_fabric, sample_tights, shade
from fpm_edge.render._sew import draw_skirt, draw_sleeve, draw_top, draw_trousers
from fpm_edge.render._top import TopShape
from fpm_edge.render._truth import Truth


@dataclass(frozen=True)
class Outfit:
    """Everything worn; `category` names the garment the picture is about."""

    category: str
    body: Body
    worn: bool
    top: TopShape | None
    bottom: SkirtShape | TrousersShape | None
    coat: TopShape | None
    tucked: bool

    @property
    def subject(self) -> TopShape | SkirtShape | TrousersShape | None:
        if self.category in ("skirt", "trousers"):
            return self.bottom
        return self.coat if self.category == "outwear" else self.top


class _Wardrobe:
    """Draws garments, each with its fabric and layers, and marks those of the subject."""

    def __init__(self, canvas: Canvas, outfit: Outfit, truth: Truth, dice: Dice) -> None:
        self._canvas, self._outfit, self._truth, self._dice = canvas, outfit, truth, dice
        self._layers: dict[int, set[int]] = {}
        self._fabrics: dict[int, Fabric] = {}

    def _of(self, shape: object) -> tuple[Fabric, set[int], Truth | None]:
        key = id(shape)
        if key not in self._fabrics:
            self._fabrics[key] = sample_fabric(self._dice, self._canvas.size)
            self._layers[key] = set()
        truth = self._truth if shape is self._outfit.subject else None
        return self._fabrics[key], self._layers[key], truth

    def top(self, shape: TopShape) -> None:
        fabric, layers, truth = self._of(shape)
        draw_top(self._canvas, shape, self._outfit.body, fabric, self._dice, layers, truth)

    def sleeve(self, shape: TopShape, arm: Arm) -> None:
        fabric, layers, truth = self._of(shape)
        for sleeve in shape.sleeves:
            if sleeve.arm is arm:
                draw_sleeve(self._canvas, sleeve, fabric, self._dice, layers, truth)

    def bottom(self, shape: SkirtShape | TrousersShape) -> None:
        fabric, layers, truth = self._of(shape)
        if isinstance(shape, SkirtShape):
            draw_skirt(self._canvas, shape, fabric, self._dice, layers, truth)
        else:
            draw_trousers(self._canvas, shape, fabric, self._dice, layers, truth)

    def lining(self, shape: TopShape) -> None:
        """The inside of the back, seen through the neck of an empty garment."""
        fabric, layers, _ = self._of(shape)
        left, right = shape.necks
        back = (left + right) / 2 + np.array([0.0, self._dice.uniform(-0.006, 0.01)])
        outline = np.concatenate([smooth(np.array([left, back, right]), 5), shape.neckline[::-1]])
        layers.add(self._canvas.fill(outline, Flat(shade(fabric.colour, self._dice.uniform(0.5, 0.85)))))


def draw_outfit(canvas: Canvas, outfit: Outfit, truth: Truth, dice: Dice) -> None:
    """Draw everything in front of the background."""
    wardrobe = _Wardrobe(canvas, outfit, truth, dice)
    if outfit.worn:
        _draw_person(canvas, outfit, wardrobe, dice)
    else:
        _draw_empty(canvas, outfit, wardrobe, dice)


def _draw_empty(canvas: Canvas, outfit: Outfit, wardrobe: _Wardrobe, dice: Dice) -> None:
    shape = outfit.subject
    if isinstance(shape, TopShape):
        _draw_hanger(canvas, shape, dice)
        wardrobe.lining(shape)
        behind = dice.chance(0.5)
        if not behind:
            wardrobe.top(shape)
        for arm in outfit.body.arms:
            wardrobe.sleeve(shape, arm)
        if behind:
            wardrobe.top(shape)
    elif shape is not None:
        wardrobe.bottom(shape)


def _draw_hanger(canvas: Canvas, shape: TopShape, dice: Dice) -> None:
    if dice.chance(0.5):
        return
    middle = (shape.necks[0] + shape.necks[1]) / 2
    hook = smooth(middle + np.array([[0.0, 0.02], [0.0, -0.03], [0.012, -0.045]]), 4)
    colour = dice.choice(((150, 110, 70), (40, 40, 40), (210, 210, 210)))
    canvas.line(hook, colour, width=0.005)
    canvas.line(np.array([shape.shoulders[0], middle, shape.shoulders[1]]), colour, width=0.008)


def _draw_person(canvas: Canvas, outfit: Outfit, wardrobe: _Wardrobe, dice: Dice) -> None:
    body, looks = outfit.body, _person.sample_looks(dice)
    if dice.chance(0.6):
        foot = (body.legs[0].joints[2] + body.legs[1].joints[2]) / 2 + np.array([dice.centred(0.08), 0.035])
        canvas.tint(ellipse(foot[0], foot[1], dice.uniform(0.1, 0.2), 0.02), (20, 20, 24), dice.integer(30, 110))
    _person.draw_back_hair(canvas, body, looks, dice)
    skin: Paint = Flat(looks.skin)
    dark = shade(looks.skin, 0.6)
    if dice.chance(0.25):
        tights = sample_tights(dice, canvas.size)
        skin, dark = tights, tights.dark
    hidden = isinstance(outfit.bottom, TrousersShape) and outfit.bottom.bottoms[0][0][1] > 0.88
    if not hidden:
        _person.draw_legs(canvas, body, skin, dark)
    over = looks.boot > 0.08 and dice.chance(0.5)
    if not over:
        for leg in body.legs:
            _person.draw_shoe(canvas, leg, looks, dice)
    _person.draw_neck(canvas, body, looks)

    covering = outfit.coat or outfit.top
    sleeve = covering.cut.sleeve if covering is not None else 0.0
    for arm in body.arms:
        if arm.behind or sleeve == 0.0:
            _person.draw_arm(canvas, arm, looks, bare_from=max(0.0, sleeve - 0.08))
        if arm.behind and covering is not None:
            wardrobe.sleeve(covering, arm)
    if outfit.top is not None and outfit.tucked:
        wardrobe.top(outfit.top)
    if outfit.bottom is not None:
        wardrobe.bottom(outfit.bottom)
    if over:
        for leg in body.legs:
            _person.draw_shoe(canvas, leg, looks, dice)
    if outfit.top is not None and not outfit.tucked:
        wardrobe.top(outfit.top)
    if outfit.coat is not None:
        wardrobe.top(outfit.coat)
    for arm in body.arms:
        if not arm.behind:
            # The shoulder of a bare arm lies under the garment, the rest over it.
            _person.draw_arm(canvas, arm, looks, bare_from=max(0.25, sleeve - 0.08))
            if covering is not None:
                wardrobe.sleeve(covering, arm)
    _person.draw_head(canvas, body, looks, dice)
    if dice.chance(0.06):
        _person.draw_scarf(canvas, body, sample_fabric(dice, canvas.size), dice)
    _person.draw_front_hair(canvas, body, looks, dice)
    _person.draw_things(canvas, body, dice)
