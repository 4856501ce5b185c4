"""Which sub-pixel rule finds the top of a heatmap best, on Gaussians whose true place is known.

    python benchmarks/decoding.py            a table
    python benchmarks/decoding.py --json     the same as JSON on standard output

Every map is a Gaussian at a random place, with noise, clipped to 0..1 as the network's output is, and quantized to
int8. The errors are mean distances in heatmap cells (one cell is `stride` input pixels). The textbook rules start
from the first maximum, as they are usually written; `decode_heatmaps` starts from the centroid of the tied maxima.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.decode_maps import decode_batch, decode_heatmaps

Maps = NDArray[np.float32]
Cells = NDArray[np.float64]
Rule = Callable[[Maps], Cells]

SIZE = 32
FINE = 1 / 255
# What post-training quantization gave when unbounded maps stretched the range: a peak in 22 codes.
COARSE = 0.045


@dataclass(frozen=True)
class Case:
    """One kind of map: width and height of the peak, noise, and what disturbs it."""

    name: str
    sigma: float
    height: float
    noise: float
    stretch: float = 1.0
    neighbour: float = 0.0
    border: bool = False


CASES = (
    Case("clean σ1", 1.0, 0.95, 0.0),
    Case("clean σ1.5", 1.5, 0.95, 0.0),
    Case("noise σ1", 1.0, 0.8, 0.02),
    Case("noise σ1.5", 1.5, 0.8, 0.02),
    Case("wide σ2.5", 2.5, 0.8, 0.02),
    Case("faint", 1.2, 0.2, 0.01),
    Case("clipped ×1.3", 1.2, 1.3, 0.02),
    Case("clipped ×2", 1.2, 2.0, 0.02),
    Case("elliptic", 1.2, 0.8, 0.02, stretch=2.0),
    Case("neighbour", 1.2, 0.8, 0.02, neighbour=0.4),
    Case("border", 1.2, 0.8, 0.02, border=True),
)


def make_maps(case: Case, count: int, seed: int = 0) -> tuple[Maps, Cells]:
    """(count, SIZE, SIZE) float32 maps in 0..1 and the (count, 2) places of their peaks."""
    generator = np.random.default_rng(seed)
    place = generator.uniform(8, SIZE - 9, (count, 2))
    if case.border:
        place[:, 0] = generator.uniform(-0.5, 1.0, count)
    y, x = np.mgrid[:SIZE, :SIZE]
    dx, dy = x - place[:, 0, None, None], y - place[:, 1, None, None]
    turn = generator.uniform(0, np.pi, (count, 1, 1))
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    maps = np.exp(-((along / case.stretch) ** 2 + across**2) / (2 * case.sigma**2))
    if case.neighbour:
        apart = 4 * case.sigma
        beside = (dx - apart * np.cos(turn)) ** 2 + (dy - apart * np.sin(turn)) ** 2
        maps += case.neighbour * np.exp(-beside / (2 * case.sigma**2))
    maps = case.height * maps + case.noise * generator.normal(size=maps.shape)
    return np.clip(maps, 0, 1).astype(np.float32), place


def quantize(maps: Maps, scale: float) -> NDArray[np.int8]:
    """Codes with zero point −128: real = scale · (code + 128)."""
    return np.asarray(np.clip(np.rint(maps / scale) - 128, -128, 127), np.int8)


def _window(maps: Maps, radius: int) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """First maximum (count, 2) x, y; values around it with the map's edge repeated; the offsets −radius..radius."""
    first = maps.reshape(len(maps), -1).argmax(axis=1)
    top = np.stack([first % SIZE, first // SIZE], axis=1)
    steps = np.arange(-radius, radius + 1)
    columns = np.clip(top[:, :1] + steps, 0, SIZE - 1)
    rows = np.clip(top[:, 1:] + steps, 0, SIZE - 1)
    values = maps[np.arange(len(maps))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return top, values.astype(np.float64), steps


def first_maximum(maps: Maps) -> Cells:
    """The cell itself."""
    return _window(maps, 0)[0].astype(np.float64)


def quarter_offset(maps: Maps) -> Cells:
    """A quarter cell towards the higher neighbour (the usual rule for stacked hourglasses)."""
    top, v, _ = _window(maps, 1)
    towards = np.stack([np.sign(v[:, 1, 2] - v[:, 1, 0]), np.sign(v[:, 2, 1] - v[:, 0, 1])], axis=1)
    return np.asarray(top + 0.25 * towards)


def _parabola(top: NDArray[np.intp], v: NDArray[np.float64]) -> Cells:
    before = np.stack([v[:, 1, 0], v[:, 0, 1]], axis=1)
    after = np.stack([v[:, 1, 2], v[:, 2, 1]], axis=1)
    bend = before + after - 2 * v[:, 1, 1][:, None]
    curved = bend < -1e-9
    return np.asarray(top + np.where(curved, 0.5 * (before - after) / np.where(curved, bend, 1.0), 0.0))


def parabola(maps: Maps) -> Cells:
    """Top of the parabola through three values, on each axis."""
    top, v, _ = _window(maps, 1)
    return _parabola(top, v)


def log_parabola(maps: Maps) -> Cells:
    """The same on logarithms: exact for a Gaussian without noise."""
    top, v, _ = _window(maps, 1)
    return _parabola(top, np.log(np.maximum(v, FINE / 4)))


def centroid(maps: Maps) -> Cells:
    """Centre of mass of the 5 × 5 cells above their own floor."""
    top, v, steps = _window(maps, 2)
    above = v - v.min(axis=(1, 2), keepdims=True)
    mass = above.sum(axis=(1, 2)) + 1e-12
    return np.asarray(top + np.stack([above.sum(axis=1) @ steps, above.sum(axis=2) @ steps], axis=1) / mass[:, None])


RULES: dict[str, Rule] = {
    "first maximum": first_maximum,
    "quarter offset": quarter_offset,
    "parabola": parabola,
    "log parabola": log_parabola,
    "centroid 5×5": centroid,
}
OURS = "decode_heatmaps"


def measure(count: int) -> dict[str, dict[str, dict[str, float]]]:
    """{scale: {rule: {case: mean error in cells}}}; the case "mean" is the mean over all cases."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for title, scale in (("1/255", FINE), (str(COARSE), COARSE)):
        table: dict[str, dict[str, float]] = {rule: {} for rule in (*RULES, OURS)}
        for case in CASES:
            maps, place = make_maps(case, count)
            codes = quantize(maps, scale)
            real = (scale * (codes.astype(np.float32) + 128)).astype(np.float32)
            for name, rule in RULES.items():
                table[name][case.name] = _distance(rule(real), place)
            batch = np.stack([codes, codes], axis=1)
            cells, _ = decode_batch(batch, layout="NCHW", landmarks=1, scale=scale, zero_point=-128)
            table[OURS][case.name] = _distance(cells[:, 0], place)
        for row in table.values():
            row["mean"] = float(np.mean(list(row.values())))
        results[title] = table
    return results


def _distance(found: NDArray[Any], place: Cells) -> float:
    return float(np.hypot(*(found - place).T).mean())


def time_decoding(repeats: int = 300) -> dict[str, float]:
    """Median milliseconds for 24 landmarks of 64 × 64 int8 codes, by layout."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    places = generator.uniform(2, 61, (25, 2, 1, 1))
    maps = np.exp(-((x - places[:, 0]) ** 2 + (y - places[:, 1]) ** 2) / 4).astype(np.float32)
    codes = quantize(maps, FINE)
    results: dict[str, float] = {}
    layouts: tuple[tuple[Literal["NCHW", "NHWC"], NDArray[np.int8]], ...] = (
        ("NCHW", codes),
        ("NHWC", np.ascontiguousarray(codes.transpose(1, 2, 0))),
    )
    for layout, array in layouts:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            decode_heatmaps(array, layout=layout, landmarks=24, scale=FINE, zero_point=-128)
            times.append(time.perf_counter() - start)
        results[layout] = float(np.median(times)) * 1e3
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Sub-pixel decoding rules on Gaussians of known place.")
    parser.add_argument("--count", type=int, default=2000, help="maps of each kind (default 2000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    errors, times = measure(arguments.count), time_decoding()
    if arguments.json:
        print(json.dumps({"mean_error_cells": errors, "decode_ms": times}, indent=2, ensure_ascii=False))
        return
    for scale, table in errors.items():
        print(f"\nint8 scale {scale}: mean error in cells over {arguments.count} maps")
        print(" " * 16 + "".join(f"{name:>13}" for name in next(iter(table.values()))))
        for rule, row in table.items():
            print(f"{rule:<16}" + "".join(f"{value:13.3f}" for value in row.values()))
    print("\n24 landmarks of 64 × 64 int8: " + ", ".join(f"{k} {v:.2f} ms" for k, v in times.items()))


if __name__ == "__main__":
    main()
