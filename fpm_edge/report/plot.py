"""Inline SVG, drawn by hand: accuracy against latency, and an interval on a row of a table.

Colours are classes (the precisions, such as ``int8``) that the page's style sheet defines for light and dark.
"""

import math
from collections.abc import Callable, Sequence
from html import escape

from fpm_edge.report.data import StageRow, Variant
from fpm_edge.report.words import counted, milliseconds, ne
from fpm_edge_runtime.manifest import Interval

__all__ = ["interval_bar", "latency_plot", "ticks"]

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 22, 20, 52
# Over this ratio of the slowest to the fastest, time is drawn logarithmically.
_LOG_FROM = 6.0
_PADDING = 0.08
_TICKS = 5
_MARK = 6.5

_BAR_WIDTH, _BAR_HEIGHT = 132, 16

_Scale = Callable[[float], float]


def latency_plot(variants: Sequence[Variant]) -> str:
    """NE over median inference time: a ladder from 1 to T stages for each variant."""
    rows = [row for variant in variants for row in variant.stages]
    times = [row.latency.inference.median for row in rows]
    logarithmic = max(times) / min(times) > _LOG_FROM
    x, x_ticks = _time_axis(times, logarithmic)
    y, y_ticks = _error_axis([row.ne for row in rows])
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="plot-title plot-text">',
        '<title id="plot-title">Accuracy against latency</title>',
        f'<desc id="plot-text">{escape(_describe(variants))}</desc>',
        *_axes(x, x_ticks, y, y_ticks, logarithmic),
    ]
    for variant in variants:
        points = [(x(row.latency.inference.median), y(row.ne)) for row in variant.stages]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline class="ladder {variant.precision}" points="{path}"/>')
    for variant in variants:
        for row in variant.stages:
            parts.append(_point(variant, row, x(row.latency.inference.median), y(row.ne)))
    return "\n".join([*parts, "</svg>"])


def marker(engine: str, x: float, y: float, size: float = _MARK) -> str:
    """The shape that stands for an engine."""
    if engine == "litert":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
    if engine == "onnxruntime":
        side = 1.8 * size
        return f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}" rx="1"/>'
    reach = 1.3 * size
    if engine == "openvino":
        corners: tuple[tuple[float, float], ...] = (
            (x, y - reach),
            (x + reach, y),
            (x, y + reach),
            (x - reach, y),
        )
    else:
        corners = ((x, y - reach), (x + reach, y + 0.8 * reach), (x - reach, y + 0.8 * reach))
    return '<polygon points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in corners) + '"/>'


def interval_bar(interval: Interval, reach: float) -> str:
    """An estimate and its bounds around zero; the width shows −`reach` to +`reach`, what is beyond is cut off."""
    middle, half, y = _BAR_WIDTH / 2, _BAR_WIDTH / 2 - 5, _BAR_HEIGHT / 2

    def place(value: float) -> float:
        return middle + half * max(-1.0, min(1.0, value / reach)) if reach > 0 else middle

    low, estimate, high = place(interval.lower), place(interval.estimate), place(interval.upper)
    worse = "worse" if interval.lower > 0 else "better" if interval.upper < 0 else "same"
    return (
        f'<svg class="bar {worse}" viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" aria-hidden="true">'
        f'<line class="zero" x1="{middle:.0f}" y1="0" x2="{middle:.0f}" y2="{_BAR_HEIGHT}"/>'
        f'<line class="range" x1="{low:.1f}" y1="{y:.0f}" x2="{high:.1f}" y2="{y:.0f}"/>'
        f'<circle cx="{estimate:.1f}" cy="{y:.0f}" r="3.5"/></svg>'
    )


def ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """About `count` round numbers (1, 2, 2.5 or 5 times a power of ten apart) from `low` to `high`."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten from `low` to `high`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]


def _time_axis(times: Sequence[float], logarithmic: bool) -> tuple[_Scale, list[float]]:
    span = _WIDTH - _LEFT - _RIGHT
    if logarithmic:
        margin = (max(times) / min(times)) ** _PADDING
        low, high = min(times) / margin, max(times) * margin
        return lambda value: _LEFT + span * math.log(value / low) / math.log(high / low), _log_ticks(low, high)
    high = max(times) * (1 + _PADDING)
    return lambda value: _LEFT + span * value / high, ticks(0.0, high)


def _error_axis(errors: Sequence[float]) -> tuple[_Scale, list[float]]:
    """Not from zero: the differences are what matters, and the axis says so."""
    span = _HEIGHT - _TOP - _BOTTOM
    spread = max(errors) - min(errors)
    # A flat set of points still gets an axis, of a tenth of its height.
    margin = spread * 2 * _PADDING if spread > 0 else max(errors) * 0.05 or 0.01
    low, high = max(0.0, min(errors) - margin), max(errors) + margin
    return lambda value: _TOP + span * (high - value) / (high - low), ticks(low, high)


def _axes(x: _Scale, x_ticks: list[float], y: _Scale, y_ticks: list[float], logarithmic: bool) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    digits = max(2, 1 - math.floor(math.log10(y_ticks[1] - y_ticks[0]))) if len(y_ticks) > 1 else 4
    for value in y_ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y(value):.1f}" x2="{right}" y2="{y(value):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>'
        )
    for value in x_ticks:
        parts.append(f'<line class="grid" x1="{x(value):.1f}" y1="{_TOP}" x2="{x(value):.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>')
    scale = ", logarithmic" if logarithmic else ""
    middle = (_TOP + bottom) / 2
    return [
        *parts,
        f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>',
        f'<line class="axis" x1="{_LEFT}" y1="{_TOP}" x2="{_LEFT}" y2="{bottom}"/>',
        f'<text class="label" x="{(_LEFT + right) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">'
        f"inference, median ms{scale} (less is better)</text>",
        f'<text class="label" x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        "NE (less is better)</text>",
    ]


def _point(variant: Variant, row: StageRow, x: float, y: float) -> str:
    spread = row.latency.inference
    tip = (
        f"{variant.name}, {counted(row.stages, 'stage')}: NE {ne(row.ne)}, "
        f"{milliseconds(spread.median)} ms (90 %: {milliseconds(spread.p90)} ms)"
    )
    return (
        f'<g class="point {variant.precision}"><title>{escape(tip)}</title>{marker(variant.engine, x, y)}'
        f'<text x="{x + 10:.1f}" y="{y - 7:.1f}">{row.stages}</text></g>'
    )


def _describe(variants: Sequence[Variant]) -> str:
    """The plot in words, for those who do not see it."""
    return "; ".join(
        f"{variant.name}: from NE {ne(variant.stages[0].ne)} in "
        f"{milliseconds(variant.stages[0].latency.inference.median)} ms with 1 stage to NE {ne(variant.last.ne)} in "
        f"{milliseconds(variant.last.latency.inference.median)} ms with {variant.last.stages}"
        for variant in variants
    )
