"""Where the corners of a hem hang: cloth below the hips follows the legs."""

from __future__ import annotations

import numpy as np

from fpm_edge.render._body import HIP_Y, Body
from fpm_edge.render._curve import Points

_LEG_YS = (0.0, 0.235, 0.46)
_LEG_WIDTHS = (0.048, 0.034, 0.022)


def leg_reach(body: Body, y: float, half: float) -> tuple[Points, Points]:
    """Left and right corners of a hem at height `y` with half width `half`, in body units.

    Above the hips the hem sits on the torso. Below, it hangs under the hips, moves with the knees, and is
    wide enough to hold both legs.
    """
    corners = body.torso(np.array([[-half, y], [half, y]]))
    if y <= HIP_Y:
        return corners[0], corners[1]
    hips = body.torso(np.array([[0.0, HIP_Y]]))[0]
    low, high = [], []
    for leg in body.legs:
        x = float(np.interp(y, leg.joints[:, 1], leg.joints[:, 0]))
        width = float(np.interp(y - HIP_Y, _LEG_YS, _LEG_WIDTHS))
        low.append(x - width)
        high.append(x + width)
    legs_middle = (min(low) + max(high)) / 2
    share = min(1.0, (y - HIP_Y) / 0.1)
    middle = hips[0] * (1 - share) + legs_middle * share
    narrowed = half * max(0.75, float(np.cos(body.turn)))
    left = min(middle - narrowed, hips[0] * (1 - share) + (min(low) - 0.004) * share)
    right = max(middle + narrowed, hips[0] * (1 - share) + (max(high) + 0.004) * share)
    level = (corners[:, 1] - y) * 0.5
    return np.array([left, y + level[0]]), np.array([right, y + level[1]])
