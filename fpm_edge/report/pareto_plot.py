"""NE against latency as inline SVG: a bubble for each choice, its area the size of the files, rings on the front.

It stands by itself. The page's script adds the tooltip and hides what the filters leave out; for that every point
carries what it shows as ``data-`` attributes.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

import msgspec

from fpm_edge.report.axes import Area, Axis, draw_axes, error_axis, time_axis
from fpm_edge.report.marks import marker
from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge.report.points import Point
from fpm_edge.report.words import bounds, counted, interval, megabytes, milliseconds, ne, percent, ratio

__all__ = ["bubble_radius", "pareto_plot", "tip"]

_AREA = Area(width=860, height=420, left=84, right=838, top=20, bottom=362)
# Of the largest bubble, and the least that its number fits into.
_LARGEST, _SMALLEST = 18.0, 8.0


def pareto_plot(points: Sequence[Point]) -> str:
    """The plot. `points` are those of `points_of`, with the front marked."""
    x = time_axis(_AREA, [point.median for point in points])
    y = error_axis(_AREA, [point.ne for point in points])
    devices = list(dict.fromkeys(point.device for point in points))
    parts = [
        f'<svg class="plot" id="pareto" viewBox="0 0 {_AREA.width} {_AREA.height}" role="group" '
        'aria-labelledby="pareto-title pareto-text">',
        '<title id="pareto-title">NE against latency</title>',
        f'<desc id="pareto-text">{escape(_describe(points))}</desc>',
        *draw_axes(_AREA, x, y, "inference, median ms", "NE (mean distance from the truth)"),
        f'<text class="better" x="{_AREA.left + 10}" y="{_AREA.bottom - 10}">↙ better</text>',
    ]
    for _, ladder in groupby(points, key=_ladder):
        parts.append(_line(list(ladder), x, y))
    for device in devices:
        front = sorted((p for p in points if p.optimal and p.device == device), key=lambda point: point.median)
        parts.append(f'<polyline class="front" data-device="{escape(device)}" points="{_steps(front, x, y)}"/>')
    largest = max(point.bytes for point in points)
    letters = {device: "abcdefghijklmnopqrstuvwxyz"[n % 26] for n, device in enumerate(devices)}
    # The large bubbles lie below the small ones.
    for point in sorted(points, key=lambda point: -point.bytes):
        letter = letters[point.device] if len(devices) > 1 else ""
        parts.append(_bubble(point, x, y, bubble_radius(point.bytes, largest), letter))
    return "\n".join([*parts, "</svg>"])


def bubble_radius(size: int, largest: int) -> float:
    """Area grows with the size in bytes; the smallest bubbles are drawn larger, so that they can be hit."""
    return max(_SMALLEST, _LARGEST * math.sqrt(size / largest))


def tip(point: Point) -> list[tuple[str, str]]:
    """What the tooltip says: the title first, then names and values."""
    rows = [
        (point.variant, counted(point.stages, "stage")),
        ("NE", f"{ne(point.ne)} ({interval(point.ne_interval)})" if point.ne_interval else ne(point.ne)),
    ]
    if point.is_reference:
        rows.append(("drift", "the reference"))
    elif point.relative_drift is not None:
        rows.append(("drift", f"{percent(point.relative_drift.estimate)} ({bounds(point.relative_drift)})"))
    rows.append(("time", f"{milliseconds(point.median)} ms (90 %: {milliseconds(point.p90)} ms)"))
    if point.ratio is not None:
        rows.append(("against float32", f"{ratio(point.ratio)} the time"))
    rows += [
        ("size", f"{megabytes(point.bytes)} MB"),
        ("engine", f"{ENGINE_TITLES.get(point.engine, point.engine)}, {counted(point.threads, 'thread')}"),
        ("device", point.device),
    ]
    return rows


def _bubble(point: Point, x: Axis, y: Axis, radius: float, letter: str) -> str:
    at_x, at_y = x(point.median), y(point.ne)
    rows = tip(point)
    said = f"{rows[0][0]}, {rows[0][1]}: " + ", ".join(f"{name} {value}" for name, value in rows[1:])
    said += "; Pareto-optimal" if point.optimal else ""
    data = {
        "stages": point.stages,
        "precision": point.precision,
        "engine": point.engine,
        "threads": point.threads,
        "device": point.device,
        "ms": f"{point.median:.6g}",
        "due": f"{point.p90 + point.preprocess:.6g}",
        "ne": ne(point.ne),
        "x": f"{at_x:.1f}",
        "y": f"{at_y:.1f}",
        "name": f"{point.variant}, {counted(point.stages, 'stage')}",
        "tip": msgspec.json.encode(rows).decode(),
    }
    attributes = " ".join(f'data-{name}="{escape(str(value))}"' for name, value in data.items())
    return (
        f'<g class="point {point.precision}{" optimal" if point.optimal else ""}" role="img" '
        f'aria-label="{escape(said)}" {attributes}>'
        f"<title>{escape(said)}</title>{''.join(_ranges(point, x, y))}"
        f"{marker(point.engine, at_x, at_y, radius + 4, 'ring')}{marker(point.engine, at_x, at_y, radius, 'dot')}"
        f'<text x="{at_x:.1f}" y="{at_y + 4:.1f}" text-anchor="middle">{letter}{point.stages}</text></g>'
    )


def _ranges(point: Point, x: Axis, y: Axis) -> Iterator[str]:
    """NE's bounds and the way from the median to the 90 % quantile; shown with the tooltip."""
    at_x, at_y = x(point.median), y(point.ne)
    if point.ne_interval is not None:
        top, bottom = (
            max(_AREA.top, min(_AREA.bottom, y(v))) for v in (point.ne_interval.upper, point.ne_interval.lower)
        )
        yield f'<line class="range" x1="{at_x:.1f}" x2="{at_x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
    right = min(_AREA.right, x(point.p90))
    yield f'<line class="range" x1="{at_x:.1f}" x2="{right:.1f}" y1="{at_y:.1f}" y2="{at_y:.1f}"/>'


def _ladder(point: Point) -> tuple[str, str, int]:
    return point.variant, point.device, point.threads


def _line(ladder: Sequence[Point], x: Axis, y: Axis) -> str:
    path = " ".join(f"{x(point.median):.1f},{y(point.ne):.1f}" for point in ladder)
    first = ladder[0]
    return (
        f'<polyline class="ladder {first.precision}" data-precision="{first.precision}" data-engine="{first.engine}" '
        f'data-threads="{first.threads}" data-device="{escape(first.device)}" points="{path}"/>'
    )


def _steps(front: Sequence[Point], x: Axis, y: Axis) -> str:
    """The best NE that there is within a time: level until the next point of the front, then down to it."""
    corners: list[tuple[float, float]] = []
    for point in front:
        if corners:
            corners.append((x(point.median), corners[-1][1]))
        corners.append((x(point.median), y(point.ne)))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)


def _describe(points: Sequence[Point]) -> str:
    """The plot in words, for those who do not see it."""
    told = []
    for _, group in groupby(points, key=_ladder):
        ladder = list(group)
        first, last = ladder[0], ladder[-1]
        told.append(
            f"{first.variant} on {first.device}: from NE {ne(first.ne)} in {milliseconds(first.median)} ms with "
            f"{counted(first.stages, 'stage')} to NE {ne(last.ne)} in {milliseconds(last.median)} ms with {last.stages}"
        )
    return "; ".join(told)
