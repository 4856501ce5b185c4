"""Small shapes of inline SVG: what stands for an engine, and an interval on a row of a table."""

from fpm_edge_runtime.bundle.manifest import Interval

__all__ = ["interval_bar", "marker"]

_BAR_WIDTH, _BAR_HEIGHT = 132, 16


def marker(engine: str, x: float, y: float, size: float, kind: str = "") -> str:
    """The shape that stands for an engine. All shapes of a size have about the same area.

    Args:
        size: radius of the disc that LiteRT has.
        kind: class of the element.
    """
    named = f' class="{kind}"' if kind else ""
    if engine == "litert":
        return f'<circle{named} cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
    if engine == "onnxruntime":
        side = 1.772 * size
        half = side / 2
        return f'<rect{named} x="{x - half:.1f}" y="{y - half:.1f}" width="{side:.1f}" height="{side:.1f}" rx="1.5"/>'
    reach = 1.2533 * size
    corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    if engine != "openvino":
        reach = 1.3 * size
        corners = [(x, y - reach), (x + reach, y + 0.8 * reach), (x - reach, y + 0.8 * reach)]
    return f'<polygon{named} points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in corners) + '"/>'


def interval_bar(interval: Interval, reach: float) -> str:
    """An estimate and its bounds around zero; the width shows −`reach` to +`reach`, arrows what is beyond."""
    middle, half, y = _BAR_WIDTH / 2, _BAR_WIDTH / 2 - 5, _BAR_HEIGHT / 2

    def place(value: float) -> float:
        return middle + half * max(-1.0, min(1.0, value / reach)) if reach > 0 else middle

    low, estimate, high = place(interval.lower), place(interval.estimate), place(interval.upper)
    worse = "worse" if interval.lower > 0 else "better" if interval.upper < 0 else "same"
    return (
        f'<svg class="bar {worse}" viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" aria-hidden="true">'
        f'<line class="zero" x1="{middle:.0f}" y1="0" x2="{middle:.0f}" y2="{_BAR_HEIGHT}"/>'
        f'<line class="range" x1="{low:.1f}" y1="{y:.0f}" x2="{high:.1f}" y2="{y:.0f}"/>'
        f'<circle cx="{estimate:.1f}" cy="{y:.0f}" r="3.5"/>{_arrows(interval, reach)}</svg>'
    )


def _arrows(interval: Interval, reach: float) -> str:
    """At the ends where bounds are cut off."""
    y, right = _BAR_HEIGHT // 2, _BAR_WIDTH
    left_end = f'<path class="cut" d="M6 {y - 4}L0 {y}L6 {y + 4}z"/>' if interval.lower < -reach else ""
    right_end = f'<path class="cut" d="M{right - 6} {y - 4}L{right} {y}L{right - 6} {y + 4}z"/>'
    return left_end + (right_end if interval.upper > reach else "")
