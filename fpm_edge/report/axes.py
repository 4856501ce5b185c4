"""Scales, ticks and axes of the report's inline SVG. Colours are classes that the page's style sheet defines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Area", "Axis", "draw_axes", "error_axis", "ticks", "time_axis"]

# Over this ratio of the slowest to the fastest, time is drawn logarithmically.
_LOG_FROM = 6.0
_PADDING = 0.08
_TICKS = 5


@dataclass(frozen=True)
class Area:
    """Where a plot's points lie inside its picture, in units of the picture."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Axis:
    """Value → place, and the values that are written at it."""

    place: Callable[[float], float]
    ticks: list[float]
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        return self.place(value)


def time_axis(area: Area, times: Sequence[float]) -> Axis:
    """From left to right; logarithmic where the slowest is many times the fastest."""
    span = area.right - area.left
    if max(times) / min(times) > _LOG_FROM:
        margin = (max(times) / min(times)) ** _PADDING
        low, high = min(times) / margin, max(times) * margin

        def place(value: float) -> float:
            return area.left + span * math.log(max(value, low) / low) / math.log(high / low)

        return Axis(place, _log_ticks(low, high), True)
    high = max(times) * (1 + _PADDING)
    return Axis(lambda value: area.left + span * value / high, ticks(0.0, high, 2 * _TICKS))


def error_axis(area: Area, errors: Sequence[float]) -> Axis:
    """From the top down, and not from zero: the differences are what matters, and the page says so."""
    span = area.bottom - area.top
    spread = max(errors) - min(errors)
    # A flat set of points still gets an axis, of a tenth of its height.
    margin = spread * 2 * _PADDING if spread > 0 else max(errors) * 0.05 or 0.01
    low, high = max(0.0, min(errors) - margin), max(errors) + margin
    return Axis(lambda value: area.top + span * (high - value) / (high - low), ticks(low, high))


def draw_axes(area: Area, x: Axis, y: Axis, x_label: str, y_label: str) -> list[str]:
    """Grid, ticks and labels."""
    parts = []
    digits = _digits(y.ticks)
    for value in y.ticks:
        at = y(value)
        parts.append(f'<line class="grid" x1="{area.left}" y1="{at:.1f}" x2="{area.right}" y2="{at:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{area.left - 8}" y="{at + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>'
        )
    for value in x.ticks:
        at = x(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{area.top}" x2="{at:.1f}" y2="{area.bottom}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{area.bottom + 18}" text-anchor="middle">{value:g}</text>')
    scale = ", logarithmic" if x.logarithmic else ""
    middle = (area.top + area.bottom) / 2
    return [
        *parts,
        f'<line class="axis" x1="{area.left}" y1="{area.bottom}" x2="{area.right}" y2="{area.bottom}"/>',
        f'<line class="axis" x1="{area.left}" y1="{area.top}" x2="{area.left}" y2="{area.bottom}"/>',
        f'<text class="label" x="{(area.left + area.right) / 2}" y="{area.bottom + 42}" text-anchor="middle">'
        f"{x_label}{scale}</text>",
        f'<text class="label" x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{y_label}</text>",
    ]


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


def _digits(values: Sequence[float]) -> int:
    """Decimals with which neighbouring ticks read differently."""
    return max(2, 1 - math.floor(math.log10(values[1] - values[0]))) if len(values) > 1 else 4
