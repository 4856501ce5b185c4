"""Whether the measured warm-up finds the fastest engine and number of threads: its choices, by a longer measurement.

    benchmarks/engine_choice.py lite.fpm [--engines litert,onnxruntime,openvino] [--threads 1,2] [--starts 5]

Measures all candidates for `--seconds`, in turns, as `fastest_engine` does in two seconds; then lets `fastest_engine`
choose `--starts` times without what it remembers of speeds, and measures all again. A candidate's time is the median
over the rounds of both long measurements, and its ratio is to the fastest of them. Prints these, and for each start
what was chosen, how long that took in all, and the ratio of the choice. Up to the tie rule's 1.03 is as intended.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from fpm_edge_runtime import CheckCache, choose_engine, fastest_engine
from fpm_edge_runtime.check.device import this_device, usual_threads
from fpm_edge_runtime.check.isolated_speed import measure_in_children
from fpm_edge_runtime.check.speed_choice import DEFAULT_BUDGET_MS
from fpm_edge_runtime.errors import GateError, MissingExtraError

Times = dict[tuple[str, int], list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--engines", default="litert,onnxruntime,openvino")
    parser.add_argument("--threads", help="1,2,4,... up to the processors by default")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the long measurements together")
    parser.add_argument("--budget-ms", type=float, default=DEFAULT_BUDGET_MS, help="of each choice")
    options = parser.parse_args()
    engines = options.engines.split(",")
    threads = usual_threads() if options.threads is None else tuple(map(int, options.threads.split(",")))
    device = this_device()
    print(f"{device.processor}, {device.processors} processors, {device.system}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        checks = CheckCache(Path(folder, "checks.json"))
        able = [engine for engine in engines if passes(options.bundle, engine, checks)]
        times: Times = {(engine, count): [] for engine in able for count in threads}
        measure(options.bundle, times, options.seconds / 2)
        chosen = [choose(options, able, threads, checks) for _ in range(options.starts)]
        measure(options.bundle, times, options.seconds / 2)
    fastest = min(times, key=lambda key: median(times[key]))
    ratios = {
        key: median(mine / its for mine, its in zip(rounds, times[fastest], strict=True))
        for key, rounds in times.items()
    }
    print("\n| engine | threads | ms, median | to the fastest |\n|---|---|---|---|")
    for (engine, count), ratio in sorted(ratios.items(), key=lambda item: item[1]):
        print(f"| {engine} | {count} | {median(times[engine, count]):.3f} | {ratio:.3f} |")
    print("\n| start | chosen | threads | it said, ms | seconds in all | to the fastest |\n|---|---|---|---|---|---|")
    for number, (engine, count, ms, seconds) in enumerate(chosen, 1):
        print(f"| {number} | {engine} | {count} | {ms:.3f} | {seconds:.1f} | {ratios[engine, count]:.3f} |")


def passes(bundle: Path, engine: str, checks: CheckCache) -> bool:
    """Whether it passes the self-check; what does not is said."""
    try:
        choose_engine(bundle, (engine,), cache=checks)
    except (GateError, MissingExtraError) as error:
        print(f"left out: {error}", flush=True)
        return False
    return True


def measure(bundle: Path, times: Times, seconds: float) -> None:
    """Add a long measurement's rounds, of about the length of a choice's rounds each."""
    candidates: dict[str, list[int]] = {}
    for engine, count in times:
        candidates.setdefault(engine, []).append(count)
    rounds = max(7, round(7 * seconds * 1e3 / DEFAULT_BUDGET_MS))
    for entry in measure_in_children(bundle, candidates, budget_ms=seconds * 1e3, rounds=rounds):
        if entry.outcome != "ok":
            raise SystemExit(f"{entry.engine} with {entry.threads}: {entry.outcome} ({entry.reason})")
        times[entry.engine, entry.threads] += entry.rounds


def choose(
    options: argparse.Namespace, engines: list[str], threads: tuple[int, ...], checks: CheckCache
) -> tuple[str, int, float, float]:
    """Engine, threads, milliseconds that the choice says, and seconds that it took."""
    start = perf_counter()
    found = fastest_engine(options.bundle, engines, threads=threads, budget_ms=options.budget_ms, checks=checks)
    return found.engine, found.threads, found.ms, perf_counter() - start


if __name__ == "__main__":
    main()
