"""Prints the tables of `peers_int8.py` and `peers_networks.py` from what they kept.

benchmarks/peers_table.py runs/peers runs/peers-networks
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COLUMNS = (
    "file",
    "engine",
    "NE",
    "drift (bounds)",
    "disagreement",
    "kB",
    "processor ms",
    "× ours (bounds)",
    "conversion, s",
    "lines",
)
NETWORK_COLUMNS = (
    "network",
    "GMAC",
    "M parameters",
    "NE, float",
    "NE, int8",
    "drift, last stage (bounds)",
    "kB, float / int8",
    "processor ms, float / int8",
    "× lite-s, float / int8 (bounds)",
)


def print_costs(folder: Path) -> None:
    """One Markdown table: a row for every file, its NE and drift at the last stage with what it costs."""
    costs: dict[str, Any] = json.loads((folder / "costs.json").read_text())
    print(f"\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    known = next(iter((folder / "reports").glob("*.json")))
    float_ne = json.loads(known.read_text())["stages"][-1]["float_ne"]
    for title in sorted(costs, key=lambda title: title != "float"):
        cost = costs[title]
        if "error" in cost:
            print(f"| {title} | {cost['error']} {'| ' * (len(COLUMNS) - 1)}|")
            continue
        report = folder / "reports" / f"{title}.json"
        ne, drift, apart = f"{float_ne:.4f}", "", ""
        if report.exists():
            last = json.loads(report.read_text())["stages"][-1]
            relative = last["relative_drift"]
            ne = f"{last['converted_ne']:.4f}"
            drift = _drift(relative)
            apart = f"{last['disagreement']['estimate']:.4f}"
        cells = (
            *(title, cost["engine"], ne, drift, apart),
            f"{cost['bytes'] / 1e3:.0f}",
            f"{cost['busy']:.1f}",
            _ratio(cost),
            f"{cost['seconds']:.0f}" if "seconds" in cost else "",
            str(cost.get("lines", "")),
        )
        print(f"| {' | '.join(cells)} |")


def print_networks(folder: Path) -> None:
    """One Markdown table: a row for every network, float beside int8."""
    costs: dict[str, Any] = json.loads((folder / "costs.json").read_text())
    print(f"\n| {' | '.join(NETWORK_COLUMNS)} |\n|{'---|' * len(NETWORK_COLUMNS)}")
    for name in (title for title in costs if not title.endswith(" int8")):
        plain, quantized = costs[name], costs[f"{name} int8"]
        stages = json.loads((folder / "reports" / f"{name}.json").read_text())["stages"]
        cells = [
            name,
            f"{plain['gmac']:.3f}",
            f"{plain['parameters'] / 1e6:.2f}",
            " / ".join(f"{stage['float_ne']:.4f}" for stage in stages),
        ]
        if "error" in quantized:
            cells += [quantized["error"], "", f"{plain['bytes'] / 1e3:.0f} / –", f"{plain['busy']:.1f} / –"]
            cells += [f"{_ratio(plain)} / –"]
        else:
            cells += [
                " / ".join(f"{stage['converted_ne']:.4f}" for stage in stages),
                _drift(stages[-1]["relative_drift"]),
                f"{plain['bytes'] / 1e3:.0f} / {quantized['bytes'] / 1e3:.0f}",
                f"{plain['busy']:.1f} / {quantized['busy']:.1f}",
                f"{_ratio(plain)} / {_ratio(quantized)}",
            ]
        print(f"| {' | '.join(cells)} |")


def _drift(relative: dict[str, float]) -> str:
    return f"{relative['estimate']:+.2%} ({relative['lower']:+.2%} to {relative['upper']:+.2%})"


def _ratio(cost: dict[str, float]) -> str:
    return f"{cost['ratio']:.2f} ({cost['lower']:.2f} to {cost['upper']:.2f})"


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        costs = json.loads((folder / "costs.json").read_text())
        (print_networks if any("gmac" in cost for cost in costs.values()) else print_costs)(folder)


if __name__ == "__main__":
    main()
