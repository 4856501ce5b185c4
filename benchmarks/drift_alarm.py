"""Does the drift alarm keep its promise, and how soon does it see a shift? Simulated with the runtime's own formulas.

    benchmarks/drift_alarm.py lite.fpm --data rendered:3000@103 -o runs/drift-alarm [--picture delays.png]

BUNDLE must hold its float model (`fpm-edge convert --reference`). The first run measures its disagreements on DATA and
keeps them in OUTPUT; streams draw from those of the last stage. Null streams:

- measured: pictures drawn as they are; their mean is below the limit
- at the limit: the same, scaled so that their mean is the limit exactly
- lost pictures: every sample is 0 or the cap, with the limit as mean

- measured, each 10 times: as of a scene that stands still. Nothing is promised for it; 1,000 streams

10,000 streams of 100,000 samples each, in chunks of 1,000; every chunk is kept, and not simulated again. Shifts begin
after the 100,000 healthy samples of the measured null: "every picture" adds the shift to every sample, "some pictures"
turns so many into lost ones (the cap) that the mean grows by it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from disagreements import disagreements, print_stages
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.drift.betting import ChangeAlarm
from fpm_edge_runtime.drift.limits import drift_limits
from fpm_edge_runtime.drift.monitor import CAP, fast_alarm
from fpm_edge_runtime.files import write_atomically

ALPHA = 0.01
SHIFTS = (0.002, 0.003, 0.005, 0.01, 0.02, 0.05)
KINDS = ("every picture", "some pictures")
REPEATED = "measured, each 10 times"
NULLS = ("measured", "at the limit", "lost pictures", REPEATED)
# Samples drawn at once, and the most that a shift is waited for.
BLOCK, PATIENCE = 500, 20_000
# A test that is repeated for ever needs some samples for its normal approximation.
FIRST_TEST = 30
ONE_PERCENT_QUANTILE = 2.326

Floats = NDArray[np.float64]
Draw = Callable[[int], Floats]


class Chunk(msgspec.Struct, frozen=True):
    """What happened to some streams of one null: how many ever alarmed, by this and other methods; delays of shifts.

    A delay is −1 where the shift was not seen within PATIENCE samples.
    """

    null: str
    number: int
    streams: int
    samples: int
    alarms: int
    others: dict[str, int]
    most_evidence: list[float]
    delays: dict[str, dict[str, list[int]]] = {}


@dataclass(frozen=True)
class Bench:
    """The sizes of the simulation; `pool`: (pictures,) mean capped disagreements, NE units."""

    pool: Floats
    limit: float
    streams: int
    samples: int

    def draw(self, null: str, random: np.random.Generator) -> Draw:
        """A function that draws (count, streams) samples."""
        if null == "lost pictures":
            return lambda count: np.where(random.random((count, self.streams)) < self.limit / CAP, CAP, 0.0)
        pool = scaled(self.pool, self.limit) if null == "at the limit" else self.pool
        if null == REPEATED:
            return lambda count: np.repeat(random.choice(pool, (count // 10, self.streams)), 10, axis=0)
        return lambda count: random.choice(pool, (count, self.streams))

    def blocks(self, draw: Draw) -> Iterator[Floats]:
        for start in range(0, self.samples, BLOCK):
            yield draw(min(BLOCK, self.samples - start))

    def chunk(self, null: str, number: int) -> Chunk:
        random = np.random.default_rng([NULLS.index(null), number])
        draw = self.draw(null, random)
        alarm = ChangeAlarm((self.streams,))
        most = np.ones(self.streams)
        others = rivals(self.streams) if number == 0 else {}
        for block in self.blocks(draw):
            for load in block / self.limit:
                np.maximum(most, alarm.update(load), out=most)
                for rival in others.values():
                    rival.update(load)
        delays = {}
        if null == "measured":
            delays = {kind: {str(s): self.delays(alarm, kind, s, draw, random) for s in SHIFTS} for kind in KINDS}
        return Chunk(
            null,
            number,
            self.streams,
            self.samples,
            int((most >= 1 / ALPHA).sum()),
            {name: int(rival.fired.sum()) for name, rival in others.items()},
            most.tolist(),
            delays,
        )

    def delays(
        self, healthy: ChangeAlarm, kind: str, shift: float, draw: Draw, random: np.random.Generator
    ) -> list[int]:
        """Samples from the shift to the alarm, for every stream."""
        alarm = ChangeAlarm((self.streams,))
        alarm.count, alarm.started = healthy.count, healthy.started.copy()
        found = np.full(self.streams, -1)
        lost = shift / (CAP - self.pool.mean())
        for number in range(1, PATIENCE + 1):
            values = draw(1)[0]
            if kind == "every picture":
                values = np.minimum(values + shift, CAP)
            else:
                values = np.where(random.random(self.streams) < lost, CAP, values)
            found[(alarm.update(values / self.limit) >= 1 / ALPHA) & (found < 0)] = number
            if (found >= 0).all():
                break
        return [int(delay) for delay in found]


class Rival(Protocol):
    """Another method, for the record."""

    fired: NDArray[np.bool_]

    def update(self, loads: Floats, /) -> object: ...


class RepeatedTest:
    """A one-sided test of the mean at 1 %, made again after every sample from the 30th on."""

    def __init__(self, streams: int) -> None:
        self.count = 0
        self.sum, self.squares = np.zeros(streams), np.zeros(streams)
        self.fired = np.zeros(streams, np.bool_)

    def update(self, loads: Floats) -> None:
        self.count += 1
        self.sum += loads
        self.squares += loads**2
        if self.count >= FIRST_TEST:
            mean = self.sum / self.count
            error = np.sqrt(np.maximum(self.squares / self.count - mean**2, 1e-12) / self.count)
            self.fired |= (mean - 1.0) / error > ONE_PERCENT_QUANTILE


class Cusum:
    """CUSUM of loads over 1.5, with a threshold of 50."""

    def __init__(self, streams: int) -> None:
        self.sum = np.zeros(streams)
        self.fired = np.zeros(streams, np.bool_)

    def update(self, loads: Floats) -> None:
        self.sum = np.maximum(self.sum + loads - 1.5, 0.0)
        self.fired |= self.sum > 50.0


def rivals(streams: int) -> dict[str, Rival]:
    return {
        "Page-Hinkley (the fast alarm)": fast_alarm((streams,)),
        "CUSUM": Cusum(streams),
        "test at 1 %, repeated": RepeatedTest(streams),
    }


def scaled(pool: Floats, mean: float) -> Floats:
    """The pool times a factor, capped, so that its mean is `mean`: as bad as a healthy device may be."""
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(pool * middle, CAP).mean() < mean else (low, middle)
    return np.asarray(np.minimum(pool * low, CAP))


def measured_pool(bundle: Path, data: str, output: Path) -> Floats:
    """(pictures,) as the monitor would see them; measured once."""
    path = output / "disagreements.npz"
    if not path.exists():
        np.savez_compressed(path, disagreements=disagreements(bundle, data))
    found = np.load(path)["disagreements"]
    print_stages(found)
    points = found[:, -1].astype(np.float64)
    return np.asarray(np.nanmean(np.minimum(points, CAP), axis=1))


def print_false_alarms(chunks: list[Chunk]) -> None:
    names = list(chunks[0].others)
    headings = ("null streams", "streams", "false alarms", "promised", "largest evidence", *names)
    print(f"\n{chunks[0].samples:,} samples each; the last columns: the first {chunks[0].streams:,} streams\n")
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for null in NULLS:
        mine = [chunk for chunk in chunks if chunk.null == null]
        streams = sum(chunk.streams for chunk in mine)
        alarms = sum(chunk.alarms for chunk in mine)
        promised = "nothing" if null == REPEATED else f"≤ {ALPHA:.0%}"
        largest = max(max(chunk.most_evidence) for chunk in mine)
        cells = (null, f"{streams:,}", f"{alarms / streams:.2%}", promised, f"{largest:.3g}")
        shares = [f"{mine[0].others[name] / mine[0].streams:.1%}" for name in names]
        print(f"| {' | '.join((*cells, *shares))} |")


def quantiles(chunks: list[Chunk], kind: str, shift: float) -> tuple[float, float, float]:
    """Median, 99 % quantile, and share that was seen; a quantile that was not reached is inf."""
    delays = np.array([d for chunk in chunks if chunk.delays for d in chunk.delays[kind][str(shift)]], np.float64)
    delays = np.sort(np.where(delays < 0, np.inf, delays))
    at = [float(delays[int(np.ceil(q * len(delays))) - 1]) for q in (0.5, 0.99)]
    return at[0], at[1], float(np.isfinite(delays).mean())


def print_delays(chunks: list[Chunk]) -> None:
    print("\n| shift, NE | " + " | ".join(f"{kind}: median | 99 % | seen within {PATIENCE:,}" for kind in KINDS) + " |")
    print(f"|{'---|' * (1 + 3 * len(KINDS))}")
    for shift in SHIFTS:
        cells = []
        for kind in KINDS:
            median, most, seen = quantiles(chunks, kind, shift)
            cells += [f"{q:,.0f}" if np.isfinite(q) else f"> {PATIENCE:,}" for q in (median, most)] + [f"{seen:.1%}"]
        print(f"| +{shift} | {' | '.join(cells)} |")


def draw_delays(chunks: list[Chunk], limit: float, healthy: float, path: Path) -> None:
    figure = Figure(figsize=(7.5, 4.5), dpi=130)
    axes = figure.subplots()
    for number, kind in enumerate(KINDS):
        found = [quantiles(chunks, kind, shift) for shift in SHIFTS]
        for place, (style, name) in enumerate((("-", "median"), ("--", "99 %"))):
            points = [(s, f[place]) for s, f in zip(SHIFTS, found, strict=True) if np.isfinite(f[place])]
            axes.plot(*zip(*points, strict=True), style, marker="o", ms=3, color=f"C{number}", label=f"{kind}, {name}")
    axes.axhline(2000, color="0.5", linewidth=0.8)
    axes.axvline(limit - healthy, color="0.5", linewidth=0.8, linestyle=":")
    axes.text(limit - healthy, 0.02, " the limit", fontsize=8, transform=axes.get_xaxis_transform())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(SHIFTS, [f"+{shift}" for shift in SHIFTS])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("shift of the mean disagreement, NE (logarithmic)")
    axes.set_ylabel("compared frames until the alarm (logarithmic)")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True, help="pictures whose disagreements are drawn from")
    parser.add_argument("--chunks", type=int, default=10, help="of each null")
    parser.add_argument("--streams", type=int, default=1000, help="in each chunk")
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--picture", type=Path, help="where to draw the delays (PNG)")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    pool = measured_pool(arguments.bundle, arguments.data, output)
    limit = drift_limits(open_bundle(arguments.bundle))[-1].value
    print(f"\ncapped at {CAP}: mean {pool.mean():.5f}, standard deviation {pool.std():.5f}; limit {limit:.5f}\n")
    bench = Bench(pool, limit, arguments.streams, arguments.samples)
    chunks = []
    # Chunk by chunk, so that a run that is stopped has something of everything.
    for number in range(arguments.chunks):
        for null in NULLS if number == 0 else NULLS[:-1]:
            path = output / f"{null.replace(', ', '-').replace(' ', '-')}-{number}-{bench.streams}x{bench.samples}.json"
            if not path.exists():
                write_atomically(path, msgspec.json.encode(bench.chunk(null, number)))
            chunks.append(msgspec.json.decode(path.read_bytes(), type=Chunk))
            print(f"chunk {number}, {null}: {chunks[-1].alarms} alarms", file=sys.stderr, flush=True)
    print_false_alarms(chunks)
    print_delays(chunks)
    if arguments.picture is not None:
        draw_delays(chunks, limit, float(pool.mean()), arguments.picture)


if __name__ == "__main__":
    main()
