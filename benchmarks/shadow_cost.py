"""What the shadow comparison costs the caller of `detect`: time with and without it, call by call in turn.

    benchmarks/shadow_cost.py lite.fpm --data rendered:20@7 --calls 3000 [--rate 0.01]

BUNDLE must hold its float model. One thread for the device and one for the reference. Prints quantiles of both, and of
the calls whose frame was sampled; the latter only start the comparison, and pay for the copy and the decoding.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np

from fpm_edge.data import load_dataset, read_image
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.drift.shadow import Shadow

QUANTILES = (0.5, 0.95, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=0.01)
    arguments = parser.parse_args()
    bundle = open_bundle(arguments.bundle)
    reference = bundle.reference()
    if reference is None:
        raise SystemExit(f"{arguments.bundle} holds no float model; convert it with --reference")
    records = load_dataset(arguments.data).records
    pictures = [(read_image(record), record.category) for record in records]
    session, monitor = bundle.session(threads=1), DriftMonitor.of_bundle(bundle)
    times: dict[str, list[float]] = {"session": [], "shadow": [], "shadow, sampled": []}
    # What comparing costs is wanted, at that rate whatever the scene; the verdict is not.
    with Shadow(session, reference.session(threads=1), monitor, rate=arguments.rate, spacing_s=0.0, seed=0) as shadow:
        for call in range(arguments.calls):
            picture, category = pictures[call % len(pictures)]
            before = shadow.counts.sampled
            # Who comes second finds the picture in the cache.
            for name in ("session", "shadow") if call % 2 else ("shadow", "session"):
                detect = session.detect if name == "session" else shadow.detect
                start = perf_counter()
                detect(picture, category=category)
                times[name].append(perf_counter() - start)
            if shadow.counts.sampled > before:
                times["shadow, sampled"].append(times["shadow"][-1])
        shadow.flush()
        print(f"{shadow.counts}\n{monitor.report().verdict}, estimate {monitor.report().estimate}\n")
    print(f"| detect | calls | {' | '.join(f'{q:.0%} quantile, ms' for q in QUANTILES)} |\n|{'---|' * 5}")
    for name, found in times.items():
        print(f"| {name} | {len(found)} | {' | '.join(f'{1e3 * np.quantile(found, q):.3f}' for q in QUANTILES)} |")
    ratios = np.sort(np.array(times["shadow"]) / np.array(times["session"]))
    # Order statistics: the median lies between these two with 95 %.
    low, high = (ratios[int(len(ratios) / 2 + side * 0.98 * np.sqrt(len(ratios)))] for side in (-1, 1))
    print(f"\nmedian of the ratio in the same turn: {np.median(ratios):.4f} (95 % bounds {low:.4f} to {high:.4f})")


if __name__ == "__main__":
    main()
