"""Lower garments — skirt, trousers: their cut, and the shape they take on a body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpm_edge.render._body import CROTCH_Y, HIP_Y, Body
from fpm_edge.render._curve import Points, edges, smooth
from fpm_edge.render._dice import Dice
from fpm_edge.render._hem import leg_reach


@dataclass(frozen=True)
class SkirtCut:
    """Sizes in body units before posing."""

    waist_y: float
    ease: float
    hem_y: float
    hem: float
    sag: float
    waves: int


@dataclass(frozen=True)
class TrousersCut:
    """Sizes in body units; `length` is the share of hip to ankle, `widths` at thigh, knee and end."""

    waist_y: float
    ease: float
    drop: float
    length: float
    widths: tuple[float, float, float]


@dataclass(frozen=True)
class SkirtShape:
    """Pairs are (viewer's left, viewer's right)."""

    waistbands: tuple[Points, Points]
    hems: tuple[Points, Points]
    outline: Points
    hem_line: Points
    waist_y: float


@dataclass(frozen=True)
class TrousersShape:
    """Pairs are (viewer's left, viewer's right); a bottom is (in, out)."""

    waistbands: tuple[Points, Points]
    crotch: Points
    bottoms: tuple[tuple[Points, Points], tuple[Points, Points]]
    outlines: tuple[Points, Points]
    front_leg: int
    waist_y: float


def _waist_y(dice: Dice) -> float:
    return dice.weighted(((dice.uniform(0.365, 0.395), 2.0), (dice.uniform(0.395, 0.445), 3.0)))


def sample_skirt(dice: Dice, body: Body) -> SkirtCut:
    flare = dice.weighted(((dice.uniform(0.9, 1.1), 2.0), (dice.uniform(1.1, 1.6), 3.0), (dice.uniform(1.6, 2.5), 1.4)))
    return SkirtCut(
        waist_y=_waist_y(dice),
        ease=dice.uniform(1.0, 1.08),
        hem_y=dice.weighted(((dice.uniform(0.56, 0.7), 2.4), (dice.uniform(0.7, 0.94), 2.4))),
        hem=body.hip * flare,
        sag=dice.uniform(0.0, 0.02),
        waves=dice.integer(3, 8) if flare > 1.3 else 0,
    )


def sample_trousers(dice: Dice) -> TrousersCut:
    length = dice.weighted(
        (
            (dice.uniform(0.2, 0.42), 1.6),
            (dice.uniform(0.45, 0.6), 0.6),
            (dice.uniform(0.65, 0.9), 1.2),
            (dice.uniform(0.92, 1.04), 5.0),
        )
    )
    style = dice.weighted((("skinny", 3.0), ("straight", 3.0), ("flared", 1.0), ("wide", 1.2), ("tapered", 1.2)))
    thigh, knee, end = {
        "skinny": (1.0, 1.05, 1.15),
        "straight": (1.06, 1.25, 1.6),
        "flared": (1.04, 1.2, 2.4),
        "wide": (1.2, 1.7, 2.6),
        "tapered": (1.3, 1.45, 1.2),
    }[style]
    spread = dice.uniform(0.94, 1.1)
    return TrousersCut(
        waist_y=_waist_y(dice),
        ease=dice.uniform(1.0, 1.06),
        drop=dice.uniform(0.0, 0.042) + (dice.uniform(0.0, 0.05) if style == "tapered" else 0.0),
        length=length,
        widths=(0.05 * thigh * spread, 0.033 * knee * spread, 0.023 * end * spread),
    )


def _waistband(body: Body, y: float, ease: float) -> tuple[Points, Points]:
    half = body.half_width(y) * ease
    left, right = body.torso(np.array([[-half, y], [half, y]]))
    return left, right


def shape_skirt(cut: SkirtCut, body: Body) -> SkirtShape:
    left, right = _waistband(body, cut.waist_y, cut.ease)
    hip = max(body.hip * 1.03, cut.hem * 0.62)
    hips = body.torso(np.array([[-hip, HIP_Y + 0.01], [hip, HIP_Y + 0.01]]))
    hem_left, hem_right = leg_reach(body, cut.hem_y, cut.hem)
    share = np.linspace(0.0, 1.0, 25)[:, None]
    hem_line = hem_left * (1 - share) + hem_right * share
    bow = 4 * share[:, 0] * (1 - share[:, 0])
    hem_line[:, 1] += cut.sag * bow + 0.006 * np.sin(share[:, 0] * np.pi * 2 * cut.waves) * (bow > 0)
    sides = (
        smooth(np.array([left, hips[0], hem_left])),
        smooth(np.array([right, hips[1], hem_right])),
    )
    outline = np.concatenate([sides[0], hem_line[1:-1], sides[1][::-1]])
    return SkirtShape((left, right), (hem_left, hem_right), outline, hem_line, cut.waist_y)


def shape_trousers(cut: TrousersCut, body: Body) -> TrousersShape:
    left, right = _waistband(body, cut.waist_y, cut.ease)
    crotch = body.torso(np.array([[0.0, CROTCH_Y + cut.drop]]))[0]
    middle = (left + right) / 2
    outlines, bottoms = [], []
    for leg, band in zip(body.legs, (left, right), strict=True):
        hip, knee, ankle = leg.joints
        stops = [0.0, 0.5, cut.length] if cut.length > 0.6 else [0.0, cut.length * 0.55, cut.length]
        centres = np.array(
            [hip + (knee - hip) * 2 * s if s <= 0.5 else knee + (ankle - knee) * (2 * s - 1) for s in stops]
        )
        outer, inner = edges(centres, np.interp(stops, (0.0, 0.5, 1.0), cut.widths).tolist(), leg.side)
        side_hip = body.torso(np.array([[leg.side * body.hip * cut.ease * 1.02, HIP_Y]]))[0]
        # Cloth starts at the crotch, not at the hip joint, so the inner edge is re-anchored there.
        inner[0] = crotch
        outer_line = smooth(np.array([band, side_hip, *outer[1:]]), 5)
        inner_line = smooth(inner, 5)
        outlines.append(np.concatenate([outer_line, inner_line[::-1], middle[None]]))
        bottoms.append((inner[-1], outer[-1]))
    return TrousersShape(
        (left, right),
        crotch,
        (bottoms[0], bottoms[1]),
        (outlines[0], outlines[1]),
        body.front_leg,
        cut.waist_y,
    )
