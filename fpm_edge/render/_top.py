"""Upper garments — blouse, outwear, dress: their cut, and the shape they take on a body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpm_edge.render._body import HIP_Y, WAIST_Y, Arm, Body
from fpm_edge.render._curve import Points, edges, mirror_x, smooth
from fpm_edge.render._dice import Dice
from fpm_edge.render._hem import leg_reach

NECKLINES = ("round", "vee", "boat", "high", "collar")
_NECK_SLOPE = 0.36
_ARM_WIDTHS = (0.026, 0.023, 0.019, 0.016)


@dataclass(frozen=True)
class TopCut:
    """Sizes in body units before posing; `sleeve` is the share of the arm that is covered."""

    kind: str
    neckline: str
    neck: float
    front_y: float
    shoulder: float
    armpit: float
    armpit_y: float
    waist: float
    hem: float
    hem_y: float
    sag: float
    sleeve: float
    sleeve_ease: float
    cuff_ease: float
    opening: float
    strap: bool
    waisted: bool


@dataclass(frozen=True)
class Sleeve:
    """`outline` closed; `cuff_in` and `cuff_out` are two of its corners."""

    arm: Arm
    outline: Points
    cuff_in: Points
    cuff_out: Points


@dataclass(frozen=True)
class TopShape:
    """A cut on a body. Pairs are (viewer's left, viewer's right)."""

    cut: TopCut
    necks: tuple[Points, Points]
    center: Points
    neckline: Points
    shoulders: tuple[Points, Points]
    armpits: tuple[Points, Points]
    waists: tuple[Points, Points]
    hems: tuple[Points, Points]
    panels: tuple[Points, ...]
    hem_line: Points
    sleeves: tuple[Sleeve, ...]


def sample_top(dice: Dice, body: Body, kind: str) -> TopCut:
    """A random cut for `kind` in blouse, outwear, dress."""
    outer = kind == "outwear"
    ease = dice.uniform(1.06, 1.3) if outer else dice.weighted(((1.02, 2.0), (dice.uniform(1.02, 1.3), 3.0)))
    neckline = dice.choice(("collar", "collar", "vee", "round") if outer else NECKLINES)
    neck, front = {
        "round": (dice.uniform(0.04, 0.058), dice.uniform(0.012, 0.04)),
        "vee": (dice.uniform(0.036, 0.052), dice.uniform(0.045, 0.11)),
        "boat": (dice.uniform(0.062, 0.082), dice.uniform(0.008, 0.022)),
        "high": (dice.uniform(0.03, 0.036), dice.uniform(0.0, 0.012)),
        "collar": (dice.uniform(0.032, 0.045), dice.uniform(0.02, 0.07)),
    }[neckline]
    sleeve = dice.weighted(
        (
            (0.0, 0.2 if outer else 1.6),
            (dice.uniform(0.18, 0.45), 0.3 if outer else 2.2),
            (dice.uniform(0.45, 0.85), 1.0),
            (dice.uniform(0.9, 1.04), 5.0 if outer else 2.5),
        )
    )
    bare = sleeve == 0.0
    strap = bare and kind == "dress" and dice.chance(0.4)
    shoulder = body.shoulder * (dice.uniform(0.74, 0.95) if bare else dice.uniform(0.97, 1.12))
    if strap:
        neck, front = dice.uniform(0.05, 0.06), dice.uniform(0.05, 0.08)
    neck = min(neck, shoulder - 0.012)
    if kind == "dress":
        hem_y = dice.weighted(((dice.uniform(0.58, 0.72), 3.0), (dice.uniform(0.72, 0.93), 1.6)))
        hem = body.hip * dice.weighted(((dice.uniform(0.95, 1.25), 2.0), (dice.uniform(1.25, 2.4), 2.0)))
    elif outer:
        hem_y = dice.weighted(((dice.uniform(0.4, 0.52), 3.0), (dice.uniform(0.52, 0.82), 2.0)))
        hem = body.half_width(hem_y) * ease * dice.uniform(0.95, 1.3)
    else:
        hem_y = dice.weighted(((dice.uniform(0.37, 0.42), 1.0), (dice.uniform(0.42, 0.54), 3.0)))
        hem = body.half_width(hem_y) * ease * dice.uniform(0.95, 1.25)
    waisted = dice.chance({"dress": 0.7, "outwear": 0.25, "blouse": 0.35}[kind])
    hang = (ease * body.chest + hem) / 2 if kind != "dress" else ease * body.chest * 1.02
    return TopCut(
        kind=kind,
        neckline=neckline,
        neck=neck,
        front_y=front,
        shoulder=shoulder,
        armpit=body.chest * ease,
        armpit_y=0.268 + dice.uniform(-0.006, 0.018) + (ease - 1) * 0.06,
        waist=body.waist * dice.uniform(1.0, 1.1) * (1 + (ease - 1) / 2) if waisted else hang,
        hem=hem,
        hem_y=hem_y,
        sag=dice.uniform(-0.004, 0.02),
        sleeve=sleeve,
        sleeve_ease=dice.uniform(1.1, 1.7) * (1.12 if outer else 1.0),
        cuff_ease=dice.weighted(((dice.uniform(1.1, 1.6), 3.0), (dice.uniform(1.6, 3.0), 1.0))),
        opening=dice.uniform(0.008, 0.07) if outer and dice.chance(0.55) else 0.0,
        strap=strap,
        waisted=waisted,
    )


def _sleeve(cut: TopCut, arm: Arm, shoulder: Points, armpit: Points) -> Sleeve:
    start, elbow, wrist = arm.joints
    stops = (0.0, 0.25, 0.5, 0.75, cut.sleeve) if cut.sleeve > 0.8 else (0.0, 0.5 * cut.sleeve, cut.sleeve)
    centres = np.array(
        [
            start + (elbow - start) * 2 * stop if stop <= 0.5 else elbow + (wrist - elbow) * (2 * stop - 1)
            for stop in stops
        ]
    )
    widths = np.interp(stops, (0.0, 0.5, 0.75, 1.0), _ARM_WIDTHS)
    ease = np.interp(stops, (0.0, 1.0), (cut.sleeve_ease, cut.cuff_ease))
    outer, inner = edges(centres, (widths * ease).tolist(), arm.side)
    outer[0], inner[0] = shoulder, armpit
    outline = np.concatenate([smooth(outer, 5), smooth(inner, 5)[::-1]])
    return Sleeve(arm, outline, inner[-1], outer[-1])


def _neckline(cut: TopCut, neck_y: float) -> Points:
    """Left to right along the front, upright body."""
    low = neck_y + cut.front_y
    if cut.neckline in ("vee", "collar"):
        left = np.array([[-cut.neck, neck_y], [-cut.neck * 0.45, neck_y + cut.front_y * 0.55], [0, low]])
        return np.concatenate([left, mirror_x(left[:2])[::-1]])
    return smooth([(-cut.neck, neck_y), (-cut.neck * 0.7, low - cut.front_y * 0.3), (0, low)], 4)


def shape_top(cut: TopCut, body: Body) -> TopShape:
    """The outline of the garment on that body, in body units."""
    neck_y = 0.154 + (cut.neck - 0.035) * _NECK_SLOPE
    shoulder_y = 0.154 + (cut.shoulder - 0.035) * _NECK_SLOPE
    front = _neckline(cut, neck_y)
    if len(front) != 5:
        front = np.concatenate([front, mirror_x(front[:-1])[::-1]])
    middle = len(front) // 2
    hip = max(body.hip * 1.04, cut.waist)
    chords = np.array(
        [
            [-cut.neck, neck_y],
            [-cut.shoulder, shoulder_y],
            [-cut.armpit, cut.armpit_y],
            [-cut.waist, WAIST_Y],
            [-hip, HIP_Y - 0.005],
        ]
    )
    # Posed in one call: the cost is in the calls, not in the points.
    posed = body.torso(np.concatenate([chords, mirror_x(chords), front]))
    left_top, right_top, neckline = posed[:5], posed[5:10], posed[10:]
    hem_left, hem_right = leg_reach(body, cut.hem_y, cut.hem)
    sides = []
    for chain, corner in ((left_top, hem_left), (right_top, hem_right)):
        _, _, under_arm, waist, at_hip = chain
        path = [under_arm, waist, corner]
        if cut.hem_y < WAIST_Y + 0.03:
            path = [under_arm, under_arm * 0.4 + corner * 0.6, corner]
        elif cut.hem_y > 0.56:
            path = [under_arm, waist, at_hip, corner]
        sides.append(smooth(np.array(path), 6))
    waists = tuple(side[6] for side in sides)
    hem_line = _hem(hem_left, hem_right, cut.sag)
    arms = [arm for arm in body.arms if cut.sleeve > 0]
    pairs = {-1.0: left_top, 1.0: right_top}
    sleeves = tuple(_sleeve(cut, arm, pairs[arm.side][1], pairs[arm.side][2]) for arm in arms)
    panels = _panels(cut, body, left_top, right_top, sides, neckline, hem_line)
    return TopShape(
        cut=cut,
        necks=(neckline[0], neckline[-1]),
        center=neckline[middle],
        neckline=neckline,
        shoulders=(left_top[1], right_top[1]),
        armpits=(left_top[2], right_top[2]),
        waists=(waists[0], waists[1]),
        hems=(hem_left, hem_right),
        panels=panels,
        hem_line=hem_line,
        sleeves=sleeves,
    )


def _hem(left: Points, right: Points, sag: float) -> Points:
    lowered = np.array([0.0, sag])
    return smooth(np.array([left, left * 0.7 + right * 0.3 + lowered, left * 0.3 + right * 0.7 + lowered, right]), 4)


def _panels(
    cut: TopCut,
    body: Body,
    left_top: Points,
    right_top: Points,
    sides: list[Points],
    neckline: Points,
    hem_line: Points,
) -> tuple[Points, ...]:
    """One closed outline, or two for a coat that stands open."""
    if cut.opening == 0.0:
        parts = [left_top[:2], sides[0], hem_line, sides[1][::-1], right_top[:2][::-1], neckline[::-1]]
        return (np.concatenate(parts),)
    count = len(hem_line)
    # Where the front edges meet the hem; they fall apart towards it.
    gap = min(0.3, cut.opening / max(2 * cut.hem, 1e-6))
    cut_left, cut_right = int(count * (0.5 - gap)), int(count * (0.5 + gap)) + 1
    cut_left, cut_right = max(1, cut_left), min(count - 2, cut_right)
    chest = body.torso(np.array([[-cut.opening * 0.6, 0.3], [cut.opening * 0.6, 0.3]]))
    left = [left_top[:2], sides[0], hem_line[: cut_left + 1], chest[:1]]
    right = [right_top[:2], sides[1], hem_line[cut_right:][::-1], chest[1:]]
    return np.concatenate(left), np.concatenate(right)
