"""NE against the deadline as inline SVG: a staircase for each variant, and what was measured with deadlines as dots."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from fpm_edge.report.axes import Area, Axis, draw_axes, error_axis, time_axis
from fpm_edge.report.parts import Anytime
from fpm_edge.report.points import Point
from fpm_edge.report.words import milliseconds, ne, share

__all__ = ["deadline_plot", "due"]

_AREA = Area(width=860, height=360, left=84, right=838, top=20, bottom=302)


def due(point: Point) -> float:
    """The shortest deadline, ms, by which so many stages are ready in nine of ten calls: resizing and the 90 % time."""
    return point.preprocess + point.p90


def deadline_plot(points: Sequence[Point], anytime: Anytime | None) -> str:
    """The plot. A staircase begins where stage 1 is ready; before that it answers too, but late (dotted)."""
    measured = () if anytime is None else anytime.points
    times = [due(point) for point in points] + [point.deadline_ms for point in measured]
    x = time_axis(_AREA, [*times, max(times) * 1.1])
    y = error_axis(_AREA, [point.ne for point in points] + [point.ne.estimate for point in measured])
    parts = [
        f'<svg class="plot" id="deadlines-plot" viewBox="0 0 {_AREA.width} {_AREA.height}" role="img" '
        'aria-labelledby="deadlines-title deadlines-text">',
        '<title id="deadlines-title">NE against the deadline</title>',
        f'<desc id="deadlines-text">{escape(_describe(points))}</desc>',
        *draw_axes(_AREA, x, y, "deadline, ms", "NE of the answer"),
    ]
    for _, group in groupby(points, key=lambda point: (point.variant, point.device, point.threads)):
        parts.append(_stairs(sorted(group, key=lambda point: point.stages), x, y))
    for point in measured:
        at_x, at_y = x(point.deadline_ms), y(point.ne.estimate)
        top, bottom = (min(max(y(bound), _AREA.top), _AREA.bottom) for bound in (point.ne.upper, point.ne.lower))
        said = f"{milliseconds(point.deadline_ms)} ms: NE {ne(point.ne.estimate)}, {point.stages:.2f} stages"
        said += f", {share(point.late)} late"
        parts.append(
            f'<g class="measured"><title>{escape(said)}</title><line x1="{at_x:.1f}" x2="{at_x:.1f}" y1="{top:.1f}" '
            f'y2="{bottom:.1f}"/><circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="5.5"/></g>'
        )
    return "\n".join([*parts, "</svg>"])


def _stairs(ladder: Sequence[Point], x: Axis, y: Axis) -> str:
    first = ladder[0]
    path = f"M{x(due(first)):.1f} {y(first.ne):.1f}"
    for point in ladder[1:]:
        path += f"H{x(due(point)):.1f}V{y(point.ne):.1f}"
    late = f"M{_AREA.left} {y(first.ne):.1f}H{x(due(first)):.1f}"
    return (
        f'<g class="stairs {first.precision} {first.engine}" data-precision="{first.precision}" '
        f'data-engine="{first.engine}" data-threads="{first.threads}" data-device="{escape(first.device)}">'
        f"<title>{escape(first.variant)}, {escape(first.device)}</title>"
        f'<path class="late" d="{late}"/><path d="{path}H{_AREA.right}"/></g>'
    )


def _describe(points: Sequence[Point]) -> str:
    """The plot in words."""
    return "; ".join(
        f"{point.variant} on {point.device}: NE {ne(point.ne)} from {milliseconds(due(point))} ms on"
        for point in points
    )
