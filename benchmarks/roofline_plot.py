"""The roofline plot: what a layer does in a second, over how much it multiplies for each byte that it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from roofline_machine import KINDS, Kind, Machine

_COLOURS = {"litert": "#0072b2", "onnxruntime": "#d55e00"}
_NAMES = {"litert": "LiteRT, each operator by itself", "onnxruntime": "ONNX Runtime, by its profiler"}
_TITLES = {"float32": "float32", "int8": "int8", "int8-7": "int8, kernels of 7 bits"}


@dataclass(frozen=True)
class Point:
    """A layer: what it multiplies and moves, and its time in microseconds."""

    kind: Kind
    engine: str
    macs: int
    bytes: int
    time_us: float


def plot(path: Path, machine: Machine, points: Sequence[Point]) -> None:
    """One picture for each kind of number, side by side; layers that multiply nothing are in none."""
    figure = Figure(figsize=(15, 4.8), layout="constrained")
    all_axes = figure.subplots(1, 3, sharey=True)
    for axes, kind in zip(all_axes, KINDS, strict=True):
        peak = machine.rates[kind][machine.chosen[kind][0].title]
        x = np.geomspace(0.5, 400, 200)
        for name, dashes in (("second-level cache", "-"), ("memory, copy", "--")):
            bandwidth = machine.bandwidth[name]
            label = f"{name.split(',')[0]}, {bandwidth:.0f} GB/s"
            axes.plot(x, np.minimum(peak, x * bandwidth), dashes, color="#444444", linewidth=1.2, label=label)
        axes.plot(
            x, np.minimum(peak, x * machine.bandwidth["second-level cache"]) / 2, ":", color="#888888", label="half"
        )
        fastest = max(machine.rates[kind], key=lambda title: machine.rates[kind][title])
        if fastest != machine.chosen[kind][0].title:
            top = machine.rates[kind][fastest]
            axes.axhline(top, color="#cc3311", linewidth=1, linestyle="-.")
            axes.text(
                0.55,
                top * 1.05,
                f"{top:.0f} GMAC/s: {fastest.split(',')[0]}, wrong products",
                color="#cc3311",
                fontsize=8,
            )
        axes.text(390, peak * 1.05, f"{peak:.0f} GMAC/s", ha="right", fontsize=8)
        for engine, colour in _COLOURS.items():
            mine = [point for point in points if (point.kind, point.engine) == (kind, engine) and point.macs]
            axes.scatter(
                [point.macs / point.bytes for point in mine],
                [point.macs / point.time_us / 1e3 for point in mine],
                s=22,
                alpha=0.65,
                color=colour,
                edgecolor="none",
                label=_NAMES[engine],
            )
        axes.set(
            xscale="log",
            yscale="log",
            xlim=(0.5, 400),
            ylim=(4, 150),
            xlabel="MACs for each byte that a convolution moves",
        )
        axes.set_title(_TITLES[kind])
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
    all_axes[0].set_ylabel("GMAC/s, one thread")
    all_axes[0].set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    all_axes[0].legend(fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
