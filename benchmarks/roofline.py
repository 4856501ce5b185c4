"""How far the lite networks are from what this machine can do at most, layer by layer.

    taskset -c 1 benchmarks/roofline.py -o runs/roofline.json --picture docs/images/roofline.png

1. Measures the peak of each kind of number, float32, int8, and int8 with kernels of 7 bits (decision 0028): the fastest
   of several large convolutions in LiteRT, ONNX Runtime and OpenVINO that multiplies right; and the bandwidth of memory
   and of the caches.
2. Converts `lite-s`, `lite-m` (the shipped model) and `lite-l` to all, and counts from the TFLite graph what every
   layer multiplies and moves. `lite-s` and `lite-l` have the weights that they start with: no time depends on them.
3. Times every piece in every engine as the runtime sets it up, every operator of the TFLite pieces by itself in LiteRT
   (kernels of 7 bits take as long there), and every node of ONNX Runtime by its own profiler.

The limit of a layer is max(MACs / peak, bytes / bandwidth); of a piece, the sum over its layers. The fraction is the
limit divided by the time. Peak, bandwidth and times are measured in turns; a turn's peak is the best of the three
fastest convolutions in that turn. Medians over turns are printed. On one thread, times are the processor's, which other
processes do not lengthen.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from roofline_machine import ENGINES, KINDS, Kind, Machine, Peak, bandwidth_for, copies, measure_machine, seconds
from roofline_parts import NETWORKS, Part, convert_all, layers_of, pieces_of, profiled
from roofline_plot import Point, plot

from fpm_edge.report.environment import describe_environment
from fpm_edge_converters.layer_costs import LayerCost

# A part is repeated until one measurement takes about so long.
_AT_LEAST = 300e-6
_LOOKS = 12


@dataclass
class Series:
    """A part with its times and limits, one for each turn, in seconds."""

    part: Part
    repeat: int
    times: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """What is said about a layer or a piece.

    Attributes:
        network, kind, engine, piece, layer, operator: which; `layer` is empty for a piece.
        macs, bytes: what it has to do.
        limit_us, time_us: medians, microseconds.
        fraction: median over turns of limit / time.
    """

    network: str
    kind: Kind
    engine: str
    piece: str
    layer: str
    operator: str
    macs: int
    bytes: int
    limit_us: float
    time_us: float
    fraction: float


def limit(costs: Iterable[LayerCost], rate: float, bandwidth: Mapping[str, float]) -> float:
    """Seconds that the layers take at least. `rate`: GMAC/s; `bandwidth`: GB/s."""
    return sum(max(cost.macs / rate, cost.bytes / bandwidth_for(cost.bytes, bandwidth)) for cost in costs) / 1e9


def measure(parts: Sequence[Part], machine: Machine, threads: int, turns: int) -> list[Series]:
    """All parts, the peaks and all copies, in turns. A turn's peak is the best of `_LOOKS` that are spread over it."""
    found = []
    for part in parts:
        once = seconds(part.run, threads)
        found.append(Series(part, max(1, min(50, round(_AT_LEAST / once)))))
    moved = copies()
    between = -(-len(found) // _LOOKS)
    for _ in range(turns):
        bandwidth = {name: size / seconds(run, 1) / 1e9 for name, (run, size) in moved.items()}
        rates = dict.fromkeys(machine.chosen, 0.0)
        for number, series in enumerate(found):
            if number % between == 0:
                rates = {kind: max(rates[kind], _rate(chosen, threads)) for kind, chosen in machine.chosen.items()}
            series.times.append(seconds(series.part.run, threads, series.repeat))
        for series in found:
            series.limits.append(limit(series.part.costs, rates[series.part.kind], bandwidth))
    return found


def _rate(peaks: Iterable[Peak], threads: int) -> float:
    """GMAC/s of the fastest of them, now."""
    return max(peak.macs / seconds(peak.run, threads) / 1e9 for peak in peaks)


def row(series: Series) -> Row:
    part = series.part
    costs = part.costs
    alone = costs[0] if not part.engine else None
    return Row(
        part.network,
        part.kind,
        part.engine or "litert",
        part.piece,
        alone.name.split(";")[0] if alone else "",
        alone.kind if alone else "",
        sum(cost.macs for cost in costs),
        sum(cost.bytes for cost in costs),
        float(np.median(series.limits) * 1e6),
        float(np.median(series.times) * 1e6),
        float(np.median(np.array(series.limits) / np.array(series.times))),
    )


def whole(series: Sequence[Series]) -> Row:
    """All pieces of a variant, turn by turn."""
    first = series[0].part
    times = np.sum([one.times for one in series], axis=0)
    limits = np.sum([one.limits for one in series], axis=0)
    costs = [cost for one in series for cost in one.part.costs]
    return Row(
        first.network,
        first.kind,
        first.engine,
        "all",
        "",
        "",
        sum(cost.macs for cost in costs),
        sum(cost.bytes for cost in costs),
        float(np.median(limits) * 1e6),
        float(np.median(times) * 1e6),
        float(np.median(limits / times)),
    )


def machine_table(machine: Machine) -> str:
    lines = [f"| GMAC/s | {' | '.join(KINDS)} |", "|---|---|---|---|"]
    for title in dict.fromkeys(title for known in machine.rates.values() for title in known):
        cells = [machine.rates[kind].get(title) for kind in KINDS]
        lines.append(f"| {title} | " + " | ".join("–" if value is None else f"{value:.1f}" for value in cells) + " |")
    for kind, (peak, *_) in machine.chosen.items():
        side, channels, kernel = peak.shape
        lines.append(
            f"\nThe limit of {kind} is {peak.title} on {side} × {side} × {channels}, {kernel} × {kernel} kernels."
        )
    lines += ["\n| bandwidth | GB/s |", "|---|---|"]
    lines += [f"| {name} | {value:.1f} |" for name, value in machine.bandwidth.items()]
    return "\n".join(lines)


def pieces_table(rows: Sequence[Row]) -> str:
    """A row for each variant and engine: the fraction of all pieces, and of each."""
    names = list(dict.fromkeys(row.piece for row in rows))
    lines = [
        f"| | engine | GMAC | limit ms | ms | {' | '.join(names)} |",
        "|---|---|---|---|---|" + "---|" * len(names),
    ]
    for variant in dict.fromkeys((row.network, row.kind, row.engine) for row in rows):
        mine = {row.piece: row for row in rows if (row.network, row.kind, row.engine) == variant}
        total = mine["all"]
        cells = " | ".join(f"{mine[name].fraction:.2f}" if name in mine else "–" for name in names)
        lines.append(
            f"| {total.network} {total.kind} | {total.engine} | {total.macs / 1e9:.3f} | {total.limit_us / 1e3:.2f} | "
            f"{total.time_us / 1e3:.2f} | {cells} |"
        )
    return "\n".join(lines)


def layers_table(rows: Sequence[Row], most: int) -> str:
    """The layers of one variant, farthest from the limit first."""
    total = sum(row.time_us for row in rows)
    lines = [
        "| layer | operator | MMAC | kB | limit µs | µs | fraction | of all |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row.fraction)[:most]:
        layer = row.layer.removeprefix("fpm/").removeprefix("quant_").split("/")[0]
        work = f"{row.macs / 1e6:.2f} | {row.bytes / 1e3:.0f} | {row.limit_us:.1f} | {row.time_us:.1f}"
        share = f"{row.fraction:.2f} | {row.time_us / total:.1%}"
        lines.append(f"| {row.piece}: {layer} | {row.operator} | {work} | {share} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS), help=f"some of {', '.join(NETWORKS)}")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--layers", type=int, default=8, help="rows of a table of layers")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")
    parser.add_argument("-o", "--output", type=Path, help="write everything as JSON")
    parser.add_argument("--picture", type=Path, help="write the roofline plot (PNG)")
    arguments = parser.parse_args()
    threads: int = arguments.threads

    machine = measure_machine(threads)
    converted = convert_all(tuple(arguments.networks.split(",")))
    parts = [part for files in converted for part in (*pieces_of(files, threads), *layers_of(files, threads))]
    series = measure(parts, machine, threads, arguments.turns)
    pieces = [row(one) for one in series if one.part.engine]
    for files in converted:
        for engine in ENGINES:
            variant = (files.network, files.kind, engine)
            pieces.append(
                whole([one for one in series if (one.part.network, one.part.kind, one.part.engine) == variant])
            )
    pieces.sort(key=lambda one: one.piece != "all")
    layers = [row(one) for one in series if not one.part.engine]
    for files in converted:
        rate = machine.rates[files.kind][machine.chosen[files.kind][0].title]
        for node in profiled(files, threads):
            cost, least = node.cost, limit([node.cost], rate, machine.bandwidth)
            named = (files.network, files.kind, "onnxruntime", node.piece, cost.name.split(";")[0], cost.kind)
            times = (least * 1e6, node.seconds * 1e6, least / node.seconds)
            layers.append(Row(*named, cost.macs, cost.bytes, *times))

    result: dict[str, Any] = {
        "environment": asdict(describe_environment(threads, arguments.turns)),
        "rates_gmacs": machine.rates,
        "limit": {kind: chosen[0].title for kind, chosen in machine.chosen.items()},
        "bandwidth_gbs": machine.bandwidth,
        "pieces": [asdict(one) for one in pieces],
        "layers": [asdict(one) for one in layers],
    }
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1))
    if arguments.picture:
        plot(arguments.picture, machine, [Point(r.kind, r.engine, r.macs, r.bytes, r.time_us) for r in layers])
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{machine_table(machine)}\n\nFractions of the limit, {threads} thread(s)\n\n{pieces_table(pieces)}")
    for variant in dict.fromkeys((row.network, row.kind, row.engine) for row in layers):
        mine = [row for row in layers if (row.network, row.kind, row.engine) == variant]
        print(f"\n{' '.join(variant)}\n\n{layers_table(mine, arguments.layers)}")


if __name__ == "__main__":
    main()
