"""The reliability curve as inline SVG: of the points of which so much was stated, the share that is right."""

from collections.abc import Sequence
from html import escape

from fpm_edge.accuracy.trust import Trust
from fpm_edge.report.axes import Area, Axis, draw_axes, ticks
from fpm_edge.report.words import share
from fpm_edge_calibration import Bin

__all__ = ["trust_plot"]

_AREA = Area(width=860, height=360, left=84, right=838, top=20, bottom=302)


def trust_plot(trust: Trust) -> str:
    """The plot: dotted for the scores, a full line for the confidences if there are any, dashed where both belong."""
    x = Axis(lambda value: _AREA.left + (_AREA.right - _AREA.left) * value, ticks(0.0, 1.0))
    y = Axis(lambda value: _AREA.bottom - (_AREA.bottom - _AREA.top) * value, ticks(0.0, 1.0))
    parts = [
        f'<svg class="plot" id="trust-plot" viewBox="0 0 {_AREA.width} {_AREA.height}" role="img" '
        'aria-labelledby="trust-title trust-text">',
        '<title id="trust-title">Share of the points that are right, by what was stated of them</title>',
        f'<desc id="trust-text">{escape(_describe(trust))}</desc>',
        *draw_axes(_AREA, x, y, "stated", "share within 0.05"),
        f'<line class="front" x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(1):.1f}" y2="{y(1):.1f}"/>',
        *_curve("score", trust.score.bins, x, y, ' class="late"'),
    ]
    if trust.confidence is not None:
        parts += _curve("confidence", trust.confidence.bins, x, y, "")
    return "\n".join([*parts, "</svg>"])


def _curve(name: str, bins: Sequence[Bin], x: Axis, y: Axis, style: str) -> list[str]:
    known = [(one, one.stated, one.right) for one in bins if one.stated is not None and one.right is not None]
    if not known:
        return []
    path = "L".join(f"{x(stated):.1f} {y(right):.1f}" for _, stated, right in known)
    dots = [
        f'<g class="measured"><title>{name} {one.low:.1f} to {one.high:.1f}: {one.count} points, {share(right)} within '
        f'0.05</title><circle cx="{x(stated):.1f}" cy="{y(right):.1f}" r="4"/></g>'
        for one, stated, right in known
    ]
    return [f'<g class="stairs"><path{style} d="M{path}"/></g>', *dots]


def _describe(trust: Trust) -> str:
    """The plot in words."""
    shown = trust.score if trust.confidence is None else trust.confidence
    return "; ".join(
        f"{one.low:.1f} to {one.high:.1f}: {share(one.right)} of {one.count} points right"
        for one in shown.bins
        if one.right is not None
    )
