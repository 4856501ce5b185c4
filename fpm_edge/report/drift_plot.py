"""A drift log as a picture: estimate, bounds and limit, and what the verdict was, over compared frames."""

from collections.abc import Sequence
from io import BytesIO

from matplotlib.figure import Figure

from fpm_edge_runtime.drift.log import LogEntry

__all__ = ["drift_plot"]

_COLOURS = {"ok": "#2a9d4a", "warning": "#e0a000", "drifted": "#d03030"}


def drift_plot(entries: Sequence[LogEntry], title: str) -> bytes:
    """A PNG of at least one entry. Compared frames are counted on where a monitor started anew.

    Steps of a policy that were taken are upright lines.
    """
    figure = Figure(figsize=(8.5, 5.5), dpi=130)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    samples = _counted_on(entries)
    known = [(x, e) for x, e in zip(samples, entries, strict=True) if e.estimate is not None]
    places = [x for x, _ in known]
    above.fill_between(
        places, [e.lower for _, e in known], [e.upper for _, e in known], alpha=0.2, linewidth=0, label="bounds"
    )
    above.plot(places, [e.estimate for _, e in known], label="mean disagreement")
    above.plot(samples, [e.limit for e in entries], color="0.4", linestyle="--", linewidth=1, label="limit")
    top = max([e.limit for e in entries] + [e.estimate or 0.0 for e in entries])
    # The first bounds are as wide as can be; they would press the rest into a line.
    above.set_ylim(0, 2 * top)
    above.set_ylabel("NE units")
    above.legend(fontsize=8, loc="upper right")
    above.set_title(title, fontsize=10, parse_math=False)
    below.plot(samples, [_shown(e.evidence) for e in entries], color="0.3", linewidth=1)
    for verdict, colour in _COLOURS.items():
        mine = [(x, _shown(e.evidence)) for x, e in zip(samples, entries, strict=True) if e.verdict == verdict]
        if mine:
            below.scatter(*zip(*mine, strict=True), s=14, color=colour, label=verdict, zorder=2)
    below.axhline(1 / entries[-1].alpha, color="0.4", linestyle="--", linewidth=1)
    below.set_yscale("log")
    below.set_ylabel("evidence")
    below.set_xlabel("compared frames")
    below.legend(fontsize=8, loc="lower right")
    for x, entry in zip(samples, entries, strict=True):
        if entry.step is not None and entry.step.after is not None:
            above.axvline(x, color="0.2", linewidth=0.8)
            at_top = above.get_xaxis_transform()
            above.text(
                x, 0.98, f" {entry.step.step}", fontsize=7, rotation=90, va="top", transform=at_top, parse_math=False
            )
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _shown(evidence: float) -> float:
    """Once it is overwhelming, by how much does not matter."""
    return min(max(evidence, 1e-3), 1e6)


def _counted_on(entries: Sequence[LogEntry]) -> list[int]:
    found, before, offset = [], 0, 0
    for entry in entries:
        if entry.samples < before:
            offset += before
        before = entry.samples
        found.append(offset + entry.samples)
    return found
