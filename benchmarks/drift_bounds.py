"""Which confidence sequence the drift monitor should use: width by number of samples, and whether it holds.

    benchmarks/drift_bounds.py runs/drift-alarm/disagreements.npz [--coverage 10000]

Draws from the last stage's disagreements (`drift_alarm.py` measures them). Prints the bounds of: the mixture of fixed
bets that the runtime has, the hedged capital process with predictable plug-in bets, and the closed-form empirical
Bernstein sequence with the same bets (theorems 3 and 2 of Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", JRSS-B 86, 2024); means over 20 streams. Then the share of streams in which the runtime's bounds
ever excluded the true mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.drift.betting import BETS, MeanBounds, capital_above, capital_below
from fpm_edge_runtime.drift.monitor import CAP

ALPHA = 0.01
SIZES = (100, 300, 1000, 3000, 10_000)
STREAMS = 20
CAPS = (0.1, CAP, float(np.sqrt(2)))

Floats = NDArray[np.float64]
# (lower, upper) after each of SIZES
Bounds = list[tuple[float, float]]


def mixture(values: Floats, cap: float) -> Bounds:
    bounds, found = MeanBounds(cap, ALPHA), []
    for number, value in enumerate(values, 1):
        bounds.update(float(value))
        if number in SIZES:
            found.append((bounds.lower, bounds.upper))
    return found


def plug_in(values: Floats) -> tuple[Floats, Floats]:
    """For values in 0..1, before each of them: the bet, and the mean (regularised as in the paper)."""
    count = np.arange(1, len(values) + 1)
    mean = (0.5 + np.cumsum(values)) / (count + 1)
    variance = (0.25 + np.cumsum((values - mean) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    bets = np.sqrt(2 * np.log(2 / ALPHA) / (before * count * np.log1p(count)))
    return bets, np.concatenate([[0.5], mean[:-1]])


def hedged(values: Floats, cap: float) -> Bounds:
    grid, values = MeanBounds(cap, ALPHA).grid / cap, values / cap
    bets, _ = plug_in(values)
    up, down, found = np.zeros(len(grid)), np.zeros(len(grid)), []
    for number, (value, bet) in enumerate(zip(values, bets, strict=True), 1):
        up += np.log1p(np.minimum(bet, 0.5 / grid) * (value - grid))
        down += np.log1p(-np.minimum(bet, 0.5 / (1 - grid)) * (value - grid))
        if number in SIZES:
            low, high = grid[up >= np.log(2 / ALPHA)], grid[down >= np.log(2 / ALPHA)]
            found.append((cap * low[-1] if low.size else 0.0, cap * high[0] if high.size else cap))
    return found


def empirical_bernstein(values: Floats, cap: float) -> Bounds:
    values = values / cap
    bets, means = plug_in(values)
    bets = np.minimum(bets, 0.5)
    weights = np.cumsum(bets)
    centre = np.cumsum(bets * values) / weights
    width = (np.log(2 / ALPHA) + np.cumsum((values - means) ** 2 * (-np.log1p(-bets) - bets))) / weights
    at = np.array(SIZES) - 1
    low, high = np.maximum(centre - width, 0.0)[at], np.minimum(centre + width, 1.0)[at]
    return [(cap * float(a), cap * float(b)) for a, b in zip(low, high, strict=True)]


METHODS: dict[str, Callable[[Floats, float], Bounds]] = {
    "mixture of bets": mixture,
    "plug-in bets": hedged,
    "empirical Bernstein": empirical_bernstein,
}


def missed(draw: Callable[[], Floats], mean: float, samples: int) -> float:
    """Share of streams whose bettors against the true mean ever reached 2/α: those whose bounds were ever wrong."""
    first = draw()
    wealth = np.ones((2, len(BETS), len(first)))
    wrong = np.zeros(len(first), np.bool_)
    for _ in range(samples):
        values = draw()
        wealth[0] *= capital_above(values, mean)
        wealth[1] *= capital_below(values, mean, CAP)
        wrong |= (wealth.mean(axis=1) >= 2 / ALPHA).any(axis=0)
    return float(wrong.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("disagreements", type=Path)
    parser.add_argument("--coverage", type=int, default=10_000, help="streams, of as many samples as the last size")
    arguments = parser.parse_args()
    points = np.load(arguments.disagreements)["disagreements"][:, -1].astype(np.float64)
    random = np.random.default_rng(0)
    print(f"| cap | method | {' | '.join(f'{size:,} samples' for size in SIZES)} |\n|{'---|' * (2 + len(SIZES))}")
    for cap in CAPS:
        pool = np.nanmean(np.minimum(points, cap), axis=1)
        streams = random.choice(pool, (STREAMS, SIZES[-1]))
        for name, method in METHODS.items():
            low, high = np.array([method(stream, cap) for stream in streams]).mean(axis=0).T * 1000
            cells = [f"{a:.2f} … {b:.2f}" for a, b in zip(low, high, strict=True)]
            print(f"| {cap:.2f} (mean {1000 * pool.mean():.2f}) | {name} | {' | '.join(cells)} |")
    print("(NE units × 1000)\n")
    pool = np.nanmean(np.minimum(points, CAP), axis=1)
    streams, samples = arguments.coverage, SIZES[-1]
    real = missed(lambda: random.choice(pool, streams), float(pool.mean()), samples)
    lost = missed(lambda: np.where(random.random(streams) < 0.01, CAP, 0.0), 0.01 * CAP, samples)
    print(f"true mean ever excluded, {streams:,} streams of {samples:,} samples, promised at most {ALPHA:.0%}:")
    print(f"pictures as measured {real:.2%}; 0 or the cap, mean {0.01 * CAP} {lost:.2%}")


if __name__ == "__main__":
    main()
