"""A simple articulated body: proportions, pose, and joints, in units of the person's height.

The frame has y downwards from 0 at the top of the head to 1 at the soles and x to the viewer's right
from the middle of the body. `side` is -1 for the viewer's left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fpm_edge.render._curve import Points
from fpm_edge.render._dice import Dice

SHOULDER_Y = 0.185
WAIST_Y = 0.375
HIP_Y = 0.47
CROTCH_Y = 0.512
SIDES = (-1.0, 1.0)
_UPPER_ARM, _FOREARM = 0.165, 0.15
_THIGH, _SHANK = 0.235, 0.225


@dataclass(frozen=True)
class Arm:
    """`joints` (3, 2): shoulder, elbow, wrist. `behind`: hidden by the torso, not in front of it."""

    side: float
    joints: Points
    behind: bool


@dataclass(frozen=True)
class Leg:
    """`joints` (3, 2): hip, knee, ankle."""

    side: float
    joints: Points


@dataclass(frozen=True)
class Body:
    """Half widths of shoulders, chest, waist and hips, the attitude of the torso, and the limbs."""

    shoulder: float
    chest: float
    waist: float
    hip: float
    turn: float
    lean: float
    tilt: float
    sway: float
    arms: tuple[Arm, Arm]
    legs: tuple[Leg, Leg]
    front_leg: int

    def torso(self, points: Points) -> Points:
        """Where points of the upright torso seen from the front come to lie."""
        return _pose(points, self.turn, self.lean, self.tilt, self.sway)

    def half_width(self, y: float) -> float:
        """Half the width of the upright torso at that height."""
        levels = (0.27, WAIST_Y, HIP_Y)
        return float(np.interp(y, levels, (self.chest, self.waist, self.hip)))


def _pose(points: Points, turn: float, lean: float, tilt: float, sway: float) -> Points:
    x, y = points[:, 0], points[:, 1]
    above = HIP_Y - y
    posed = np.empty_like(points)
    # A turned torso is narrower, and its front, which stands out, shifts to one side.
    depth = math.sin(turn) * 0.06 * np.maximum(0.0, 1 - (x / 0.12) ** 2)
    posed[:, 0] = math.cos(turn) * x + depth + lean * above + sway * above * (7 - 40 * above**2)
    posed[:, 1] = y + tilt * x * np.minimum(np.maximum(above * 4, -0.5), 1.0)
    return posed


def _along(start: Points, lengths: tuple[float, ...], angles: tuple[float, ...], side: float) -> Points:
    """Joints of a limb; an angle is from straight down, positive away from the body."""
    joints = [start]
    for length, angle in zip(lengths, angles, strict=True):
        step = np.array([side * math.sin(angle), math.cos(angle)]) * length
        joints.append(joints[-1] + step)
    return np.array(joints)


def _arm_angles(dice: Dice, worn: bool) -> tuple[float, float]:
    """Upper arm and forearm, in degrees from straight down."""
    if not worn:
        upper = dice.weighted(((dice.uniform(8, 30), 3.0), (dice.uniform(30, 75), 2.0), (dice.uniform(75, 95), 0.6)))
        return upper, upper + dice.uniform(-14, 8)
    return dice.weighted(
        (
            ((dice.uniform(4, 22), dice.uniform(-10, 18)), 5.0),
            ((dice.uniform(14, 30), dice.uniform(-28, -8)), 2.0),
            ((dice.uniform(32, 58), dice.uniform(-60, -28)), 1.8),
            ((dice.uniform(4, 26), dice.uniform(-115, -50)), 1.6),
            ((dice.uniform(20, 50), dice.uniform(20, 75)), 0.7),
            ((dice.uniform(5, 40), dice.uniform(130, 175)), 0.6),
            ((dice.uniform(70, 130), dice.uniform(165, 225)), 0.5),
            ((dice.uniform(130, 172), dice.uniform(150, 200)), 0.5),
        )
    )


def _leg_angles(dice: Dice, worn: bool) -> tuple[tuple[float, float], tuple[float, float], float, float]:
    """Thigh and shank of both legs in degrees, and how much each leg is foreshortened."""
    if not worn:
        spread = dice.uniform(0, 9)
        return (spread, spread + dice.centred(2)), (spread, spread + dice.centred(2)), 1.0, 1.0
    stance = dice.weighted((("stand", 4.0), ("apart", 1.8), ("walk", 2.0), ("cross", 1.4), ("bent", 1.0)))
    if stance == "apart":
        spread = dice.uniform(5, 17)
        return (spread, spread + dice.centred(4)), (spread, spread + dice.centred(6)), 1.0, 1.0
    if stance == "walk":
        ahead = (dice.uniform(-4, 6), dice.uniform(-6, 6))
        back = (dice.uniform(-8, 8), dice.uniform(-16, 10))
        return ahead, back, dice.uniform(0.95, 1.02), dice.uniform(0.82, 0.97)
    if stance == "cross":
        return (
            (dice.uniform(-9, -3), dice.uniform(-10, -3)),
            (dice.uniform(-8, -1), dice.uniform(-10, -1)),
            1.0,
            dice.uniform(0.95, 1.0),
        )
    if stance == "bent":
        return (dice.uniform(-2, 5), dice.centred(4)), (dice.uniform(6, 18), dice.uniform(-16, 4)), 1.0, 0.97
    spread = dice.uniform(-1.5, 5)
    return (spread, spread + dice.centred(3)), (spread, spread + dice.centred(3)), 1.0, 1.0


def sample_body(dice: Dice, *, worn: bool) -> Body:
    """A random body; with `worn` false, the flat, straight attitude of clothing without a person."""
    build = dice.uniform(0.88, 1.16)
    shoulder = dice.uniform(0.096, 0.114) * build
    chest = dice.uniform(0.078, 0.09) * build
    waist = chest * dice.uniform(0.72, 0.98)
    hip = dice.uniform(0.08, 0.096) * build
    free = 1.0 if worn else 0.2
    turn = dice.weighted(((dice.centred(0.25), 3.0), (dice.centred(0.85), 1.2))) * free
    lean, tilt, sway = dice.centred(0.16) * free, dice.centred(0.16) * free, dice.centred(0.012) * free
    mirrored = dice.chance(0.5)

    both = _arm_angles(dice, worn)
    other = both if dice.chance(0.45 if worn else 0.9) else _arm_angles(dice, worn)
    behind = dice.chance(0.06) and worn
    roots = np.array([[shoulder - 0.006, SHOULDER_Y + 0.02], [hip * 0.52, HIP_Y + 0.02]])
    posed = _pose(np.concatenate([roots * (-1, 1), roots]), turn, lean, tilt, sway)
    arms = []
    for side, (upper, fore) in zip(SIDES, (both, other) if mirrored else (other, both), strict=True):
        start = posed[0 if side < 0 else 2]
        lengths = (_UPPER_ARM * dice.uniform(0.88, 1.05), _FOREARM * dice.uniform(0.78, 1.05))
        bend = (math.radians(upper + dice.centred(4)), math.radians(fore + dice.centred(4)))
        arms.append(Arm(side, _along(start, lengths, bend, side), behind))

    first, second, near, far = _leg_angles(dice, worn)
    straight = (1.0 + dice.centred(0.05)) if worn else 1.0
    legs = []
    for side, (angles, reach) in zip(
        SIDES, ((first, near), (second, far)) if mirrored else ((second, far), (first, near)), strict=True
    ):
        start = posed[1 if side < 0 else 3]
        bend = (math.radians(angles[0]), math.radians(angles[1]))
        legs.append(Leg(side, _along(start, (_THIGH * reach * straight, _SHANK * reach * straight), bend, side)))
    return Body(
        shoulder=shoulder,
        chest=chest,
        waist=waist,
        hip=hip,
        turn=turn,
        lean=lean,
        tilt=tilt,
        sway=sway,
        arms=(arms[0], arms[1]),
        legs=(legs[0], legs[1]),
        front_leg=0 if mirrored else 1,
    )
