"""A bar for each of many named values, as an SVG file that stands by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from fpm_edge.report.axes import ticks

__all__ = ["Bar", "bar_chart"]

_WIDTH, _LABEL, _VALUE, _MARGIN = 860, 190, 96, 16
_TOP, _ROW, _BAR, _BOTTOM = 64, 22, 12, 44
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2430}.title{font-size:14px;font-weight:600}"
    ".quiet{fill:#5b6675}.grid{stroke:#dfe4ea}.axis{stroke:#8a94a3}.bar{fill:#2f6fb3}.range{stroke:#1c2430}"
    ".kernel{fill:#e08a1e}.output{fill:#7a4fb5}"
)


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes:
        label: on its left.
        value: length of the bar; not below 0.
        low, high: ends of the line through its end; None for no line.
        marks: style class (``kernel``, ``output``) → where a dot stands.
        text: on its right.
    """

    label: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    marks: tuple[tuple[str, float], ...] = ()


def bar_chart(bars: Sequence[Bar], title: str, unit: str, subtitle: str = "") -> str:
    """The picture as SVG text, the bars from top to bottom as given.

    Args:
        bars: at least one.
        title, subtitle: above.
        unit: what the values are, under the axis.
    """
    most = max(max(bar.value, bar.high or 0.0, *(at for _, at in bar.marks), 0.0) for bar in bars) or 1.0
    left, right = _LABEL, _WIDTH - _VALUE
    bottom = _TOP + _ROW * len(bars)

    def x(value: float) -> float:
        return left + (right - left) * max(0.0, min(value / most, 1.0))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + _BOTTOM}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{bottom + _BOTTOM}" fill="#fff"/>',
        f'<text class="title" x="{_MARGIN}" y="24">{escape(title)}</text>',
        f'<text class="quiet" x="{_MARGIN}" y="44">{escape(subtitle)}</text>',
    ]
    for value in ticks(0.0, most):
        parts.append(f'<line class="grid" x1="{x(value):.1f}" y1="{_TOP}" x2="{x(value):.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="quiet" x="{x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
    for number, bar in enumerate(bars):
        middle = _TOP + _ROW * number + _ROW / 2
        at_middle = f'y1="{middle:.1f}" y2="{middle:.1f}"'
        parts.append(f'<text x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(bar.label)}</text>')
        parts.append(
            f'<rect class="bar" x="{left}" y="{middle - _BAR / 2:.1f}" width="{x(bar.value) - left:.1f}" '
            f'height="{_BAR}"/>'
        )
        if bar.low is not None and bar.high is not None:
            parts.append(f'<line class="range" x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" {at_middle}/>')
        parts += [f'<circle class="{kind}" cx="{x(at):.1f}" cy="{middle:.1f}" r="4"/>' for kind, at in bar.marks]
        parts.append(f'<text x="{right + 8}" y="{middle + 4:.1f}">{escape(bar.text)}</text>')
    centre = (left + right) / 2
    return "\n".join(
        [
            *parts,
            f'<line class="axis" x1="{left}" y1="{_TOP}" x2="{left}" y2="{bottom}"/>',
            f'<text class="quiet" x="{centre}" y="{bottom + 34}" text-anchor="middle">{escape(unit)}</text>',
            "</svg>\n",
        ]
    )
