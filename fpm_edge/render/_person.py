"""The person inside the clothes: skin, hair, shoes, bags and other things that cover garments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpm_edge.render._body import Arm, Body, Leg
from fpm_edge.render._canvas import Canvas, Colour, Flat, Paint
from fpm_edge.render._curve import Points, ellipse, smooth, tube
from fpm_edge.render._dice import Dice
from fpm_edge.render._fabric import sample_fabric, shade, worn_colour

_SKIN: tuple[Colour, ...] = (
    (246, 217, 198),
    (234, 196, 170),
    (219, 170, 138),
    (188, 134, 100),
    (141, 92, 64),
    (94, 60, 44),
)
_HAIR: tuple[Colour, ...] = (
    (22, 18, 18),
    (46, 32, 26),
    (84, 56, 38),
    (128, 88, 54),
    (196, 160, 104),
    (226, 200, 150),
    (130, 62, 36),
    (120, 118, 116),
)
_ARM_WIDTHS = (0.026, 0.024, 0.021, 0.015)
_ONLY_HAND = 0.86
_LEG_WIDTHS = (0.05, 0.044, 0.032, 0.033, 0.02)


@dataclass(frozen=True)
class Looks:
    """What is fixed for one person."""

    skin: Colour
    hair: Colour
    hair_length: float
    in_front: bool
    from_behind: bool
    shoe: Colour
    boot: float


def sample_looks(dice: Dice) -> Looks:
    gain = dice.uniform(0.85, 1.02)
    return Looks(
        skin=shade(dice.choice(_SKIN), gain),
        hair=shade(dice.choice(_HAIR), dice.uniform(0.8, 1.2)),
        hair_length=dice.weighted(((0.0, 2.0), (dice.uniform(0.15, 0.2), 1.2), (dice.uniform(0.21, 0.36), 1.8))),
        in_front=dice.chance(0.5),
        from_behind=dice.chance(0.05),
        shoe=worn_colour(dice),
        boot=dice.weighted(((0.0, 4.0), (dice.uniform(0.03, 0.08), 1.5), (dice.uniform(0.1, 0.2), 0.7))),
    )


def draw_legs(canvas: Canvas, body: Body, paint: Paint, dark: Colour) -> None:
    for leg in (body.legs[1 - body.front_leg], body.legs[body.front_leg]):
        if not canvas.sees(leg.joints, 0.06):
            continue
        hip, knee, ankle = leg.joints
        calf = knee * 0.7 + ankle * 0.3 + np.array([leg.side * 0.004, 0.0])
        line = np.array([hip, hip * 0.5 + knee * 0.5, knee, calf, ankle])
        outline = tube(line, _LEG_WIDTHS, 4)
        canvas.fill(outline, paint)
        canvas.line(outline, dark, width=0.003, alpha=70)


def draw_shoe(canvas: Canvas, leg: Leg, looks: Looks, dice: Dice) -> None:
    if not canvas.sees(leg.joints[2:], 0.06 + looks.boot):
        return
    _, knee, ankle = leg.joints
    toe = ankle + np.array([leg.side * 0.018 + dice.centred(0.014), 0.042])
    top = ankle + (knee - ankle) * (looks.boot / 0.225)
    line = np.array([top, ankle, ankle * 0.3 + toe * 0.7, toe])
    outline = tube(line, (0.026 if looks.boot else 0.016, 0.023, 0.024, 0.014), 3)
    canvas.fill(outline, Flat(looks.shoe))
    canvas.line(outline[-8:], shade(looks.shoe, 0.6), width=0.004, alpha=150)


def draw_neck(canvas: Canvas, body: Body, looks: Looks) -> None:
    """Neck and the skin that a low neckline shows."""
    chest = body.chest * 0.92
    outline = np.array([[-0.028, 0.11], [-0.03, 0.155], [-body.shoulder * 0.92, 0.19], [-chest, 0.27], [-chest, 0.3]])
    canvas.fill(body.torso(np.concatenate([outline, (outline * (-1, 1))[::-1]])), Flat(shade(looks.skin, 0.93)))


def draw_arm(canvas: Canvas, arm: Arm, looks: Looks, *, bare_from: float = 0.0) -> None:
    """Arm and hand; `bare_from` is the share of the arm that a sleeve hides."""
    if not canvas.sees(arm.joints, 0.06):
        return
    _, elbow, wrist = arm.joints
    if bare_from < _ONLY_HAND:
        _draw_bare_arm(canvas, arm, looks, bare_from)
    palm = wrist + (wrist - elbow) * np.array([[-0.1], [0.09], [0.28]])
    canvas.fill(tube(palm, (0.013, 0.019, 0.009), 3), Flat(looks.skin))


def _draw_bare_arm(canvas: Canvas, arm: Arm, looks: Looks, bare_from: float) -> None:
    shoulder, elbow, wrist = arm.joints
    start = shoulder + (elbow - shoulder) * min(2 * bare_from, 0.9)
    line = np.array([start, start * 0.5 + elbow * 0.5, elbow, wrist])
    if bare_from > 0.6:
        line[:3] = elbow + (wrist - elbow) * np.array([[0.1], [0.4], [0.7]])
    outline = tube(line, _ARM_WIDTHS, 4)
    if bare_from == 0.0:
        canvas.fill(ellipse(shoulder[0] - arm.side * 0.004, shoulder[1] + 0.003, 0.03, 0.027, 12), Flat(looks.skin))
    canvas.fill(outline, Flat(looks.skin))
    for edge in (outline[: len(outline) // 2], outline[len(outline) // 2 :]):
        canvas.line(edge, shade(looks.skin, 0.7), width=0.0025, alpha=120)


def draw_back_hair(canvas: Canvas, body: Body, looks: Looks, dice: Dice) -> None:
    if looks.hair_length == 0.0:
        return
    width = dice.uniform(0.05, 0.075)
    left = smooth(
        [(-0.03, 0.0), (-0.055, 0.05), (-width, looks.hair_length * 0.7), (-width * 0.8, looks.hair_length)],
        4,
    )
    canvas.fill(body.torso(np.concatenate([left, (left * (-1, 1))[::-1]])), Flat(shade(looks.hair, 0.8)))


def draw_head(canvas: Canvas, body: Body, looks: Looks, dice: Dice) -> None:
    """Face, hair, and what is worn there."""
    centre = body.torso(np.array([[0.0, 0.075]]))[0] + np.array([dice.centred(0.012), 0.0])
    if not canvas.sees(centre[None], 0.09):
        return
    x, y = float(centre[0]), float(centre[1])
    glance = dice.centred(0.016)
    canvas.fill(ellipse(x, y, 0.046, 0.066), Flat(looks.hair if looks.from_behind else looks.skin))
    if not looks.from_behind:
        canvas.tint(ellipse(x + 0.02 - glance, y + 0.012, 0.024, 0.045), shade(looks.skin, 0.8), 60)
        for side in (-1, 1):
            canvas.tint(ellipse(x + glance + side * 0.017, y, 0.007, 0.0035, 8), (45, 35, 32), 230)
        canvas.tint(ellipse(x + glance, y + 0.036, 0.013, 0.004, 8), (165, 75, 75), 220)
        if dice.chance(0.2):
            for side in (-1, 1):
                canvas.tint(ellipse(x + glance + side * 0.018, y, 0.016, 0.011, 10), (20, 20, 24), 255)
    line = dice.uniform(-0.035, -0.015)
    cap = smooth(
        [
            (-0.048, 0.02),
            (-0.05, -0.03),
            (-0.03, -0.068),
            (0.0, -0.076),
            (0.03, -0.068),
            (0.05, -0.03),
            (0.048, 0.02),
        ],
        3,
    )
    fringe = smooth(
        [(0.042, 0.0), (0.03, line - 0.01), (dice.centred(0.02), line), (-0.03, line - 0.01), (-0.042, 0.0)],
        3,
    )
    canvas.fill(np.concatenate([cap, fringe]) + centre, Flat(looks.hair))
    if dice.chance(0.1):
        hat = Flat(worn_colour(dice))
        brim = dice.uniform(0.05, 0.085)
        canvas.fill(np.array([[-0.046, -0.04], [-0.04, -0.085], [0.04, -0.085], [0.046, -0.04]]) + centre, hat)
        canvas.fill(ellipse(x, y - 0.036, brim, 0.012), hat)


def draw_front_hair(canvas: Canvas, body: Body, looks: Looks, dice: Dice) -> None:
    """Strands that fall over the shoulders and hide them, or the neckline."""
    if looks.hair_length < 0.19 or not (looks.in_front or looks.from_behind):
        return
    if looks.from_behind:
        sheet = np.array([[-0.045, 0.03], [-0.055, 0.15], [-0.05, looks.hair_length]])
        outline = np.concatenate([sheet, (sheet * (-1, 1))[::-1]])
        canvas.fill(body.torso(outline), Flat(looks.hair))
        return
    for side in (-1.0, 1.0):
        if dice.chance(0.2):
            continue
        length = looks.hair_length * dice.uniform(0.85, 1.05)
        outer = smooth([(0.048, 0.05), (0.06, 0.13), (0.058 + dice.centred(0.02), length * 0.8), (0.05, length)], 3)
        inner = smooth([(0.04, length * 0.97), (0.032, length * 0.75), (0.036, 0.12), (0.043, 0.05)], 3)
        outline = body.torso(np.concatenate([outer, inner]) * (side, 1.0))
        canvas.fill(outline, Flat(looks.hair))
        canvas.line(outline[3:9], shade(looks.hair, 1.4), width=0.003, alpha=120)


def _bag(canvas: Canvas, place: Points, dice: Dice, paint: Paint) -> None:
    width, height = dice.uniform(0.03, 0.075), dice.uniform(0.035, 0.07)
    shape = np.array([[-0.85, -1], [0.85, -1], [1, 0.8], [0.8, 1], [-0.8, 1], [-1, 0.8]]) * (width, height)
    canvas.fill(shape + place, paint)
    flap = np.array([[-0.85, -1], [0.85, -1], [0.9, 0], [-0.9, 0]]) * (width, height)
    canvas.tint(flap + place, (0, 0, 0), dice.integer(10, 70))


def draw_things(canvas: Canvas, body: Body, dice: Dice) -> None:
    """At most one bag, and now and then something held in the hand."""
    kind = dice.weighted((("none", 5.0), ("hand", 1.4), ("shoulder", 1.4), ("cross", 0.9), ("clutch", 0.7)))
    arm = dice.choice(body.arms)
    colour = worn_colour(dice)
    paint: Paint = sample_fabric(dice, canvas.size) if dice.chance(0.3) else Flat(colour)
    grip = arm.joints[2] + (arm.joints[2] - arm.joints[1]) * 0.2
    if kind == "hand":
        place = grip + np.array([0.0, dice.uniform(0.07, 0.12)])
        loop = np.array([place - np.array([0.025, 0.04]), grip, place + np.array([0.025, -0.04])])
        canvas.line(smooth(loop, 4), colour, width=0.006)
        _bag(canvas, place, dice, paint)
    elif kind == "clutch":
        _bag(canvas, grip + np.array([dice.centred(0.02), 0.01]), dice, paint)
    elif kind in ("shoulder", "cross"):
        side = arm.side if kind == "shoulder" else -arm.side
        start = body.torso(np.array([[side * body.shoulder * 0.8, 0.175]]))[0]
        end = body.torso(np.array([[arm.side * (body.hip + 0.02), dice.uniform(0.38, 0.5)]]))[0]
        canvas.strap(np.array([start, end]), colour, width=dice.uniform(0.005, 0.014))
        _bag(canvas, end + np.array([0.0, 0.04]), dice, paint)
    if dice.chance(0.08):
        other = body.arms[0] if arm.side > 0 else body.arms[1]
        at = other.joints[2] + (other.joints[2] - other.joints[1]) * 0.2
        box = np.array([[-0.012, -0.035], [0.012, -0.035], [0.01, 0.01], [-0.01, 0.01]])
        canvas.fill(box + at, Flat(worn_colour(dice)))


def draw_scarf(canvas: Canvas, body: Body, paint: Paint, dice: Dice) -> None:
    ring = ellipse(0.0, 0.165, 0.062, 0.026)
    tail = np.array([[0.0, 0.17], [0.035, 0.17], [0.045, dice.uniform(0.26, 0.4)], [0.005, dice.uniform(0.26, 0.4)]])
    canvas.fill(body.torso(ring), paint)
    canvas.fill(body.torso(tail * (dice.choice((-1.0, 1.0)), 1.0)), paint)
