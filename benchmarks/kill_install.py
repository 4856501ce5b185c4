"""Kill installs with SIGKILL at random moments; after each, there must be a bundle to boot.

    benchmarks/kill_install.py old.fpm new.fpm [--kills 500] [--seed 0]

A process installs both bundles in turn, for ever; it is killed after a time drawn from a seed, and so is every third
one that boots and confirms. Then `Slots` in this process must boot one of the two bundles, intact, whose state must not
have been lost. Prints what the kills hit; exits with 1 unless every one of them was survived.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fpm_edge_runtime import Slots, open_bundle


def install_for_ever(slots: Slots, bundles: list[Path]) -> None:
    """Each of them in turn, first the one that is not active."""
    report = slots.status()
    active = {entry.slot: entry.digest for entry in report.slots}.get(report.active or "a")
    order = sorted(bundles, key=lambda bundle: open_bundle(bundle).digest == active)
    while True:
        for bundle in order:
            slots.install(bundle)


def boot_for_ever(slots: Slots, bundles: list[Path]) -> None:
    """Install, start, confirm."""
    while True:
        for bundle in bundles:
            slots.install(bundle)
            slots.confirm(slots.boot().bundle.digest)


def kill(work: Callable[[Slots, list[Path]], None], slots: Slots, bundles: list[Path], seconds: float) -> bool:
    """Fork a process that works, and kill it after that time. False where it ended before."""
    child = os.fork()
    if child == 0:
        try:
            work(slots, bundles)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def seconds_of_a_round(folder: Path, bundles: list[Path]) -> float:
    """To install both bundles."""
    slots = Slots(folder)
    start = time.perf_counter()
    for bundle in bundles:
        slots.install(bundle)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs=2)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    bundles: list[Path] = arguments.bundles
    digests = {open_bundle(bundle).digest: bundle.name for bundle in bundles}
    if len(digests) != 2:
        sys.exit("the two bundles are the same one")
    moments = random.Random(arguments.seed)
    hits: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        length = seconds_of_a_round(Path(scratch) / "timed", bundles)
        folder = Path(scratch) / "slots"
        slots = Slots(folder)
        slots.install(bundles[0])
        slots.confirm(slots.boot().bundle.digest)
        for number in range(1, arguments.kills + 1):
            work = boot_for_ever if number % 3 == 0 else install_for_ever
            if not kill(work, slots, bundles, moments.uniform(0, 2 * length)):
                print(f"kill {number}: the process ended before it was killed")
                return 1
            hits["left a file half written or not yet in its place"] += any(folder.glob(".*.part"))
            report = slots.status()
            broken = [entry.problem for entry in report.slots if entry.problem]
            hits["came between a bundle's rename and its state's"] += bool(broken)
            found = slots.boot()
            hits["made the next start use the other slot"] += found.rolled_back
            if found.bundle.digest not in digests or report.notes:
                print(f"kill {number}: slot {found.slot}, {found.bundle.digest}, {report.notes}, {found.notes}")
                return 1
            hits[f"then booted {digests[found.bundle.digest]}"] += 1
            slots.confirm(found.bundle.digest)
    print(f"{arguments.kills} kills of installs that take {length / 2 * 1e3:.1f} ms; a bundle to boot after each")
    for what, count in sorted(hits.items()):
        print(f"{count:5d} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
