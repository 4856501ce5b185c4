"""NE against multiply-accumulates: one line a network, one point a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """One network with 1, 2, ... of its stages; one point where it has none.

    Attributes:
        name: as in the legend.
        gmac: what a picture costs with so many stages, 1e9 multiply-accumulates.
        ne: mean NE with so many stages.
    """

    name: str
    gmac: Sequence[float]
    ne: Sequence[float]


def draw_curve(lines: Sequence[Line], title: str, path: Path) -> None:
    """Write the picture (PNG)."""
    figure = Figure(figsize=(7.5, 4.5), dpi=130)
    axes = figure.subplots()
    markers = "osD^vPX<>"
    for number, line in enumerate(lines):
        axes.plot(line.gmac, line.ne, marker=markers[number % len(markers)], label=line.name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.legend(fontsize=8)
    axes.set_xlabel("GMAC a picture (logarithmic); one point a stage")
    axes.set_ylabel("NE by width and height")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3, which="both")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
