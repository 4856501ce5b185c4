"""Kill installs with SIGKILL at random moments; after each, there must be a bundle to boot.

    benchmarks/kill_install.py old.fpm new.fpm [--kills 500] [--seed 0]
    benchmarks/kill_install.py old.fpm new.fpm --system-calls

A process installs both bundles in turn, for ever; it is killed after a time drawn from a seed, and so is every third
one that boots and confirms. Then `Slots` in this process must boot one of the two bundles, intact, whose state must not
have been lost. Prints what the kills hit; exits with 1 unless every one of them was survived.

With --system-calls nothing is random: `strace` kills an install, a boot and a confirmation as they enter their first
write, their second, and so on, and the same for fsync, rename, chmod, mkdir and unlink.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
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
    active = {entry.slot: entry.record.digest for entry in report.slots}.get(report.active or "a")
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


CALLS = ("write", "fsync", "rename", "chmod", "mkdir", "unlink")
ACTIONS = {"install": "slots.install(sys.argv[2])", "boot": "slots.boot()", "confirm": "slots.confirm()"}


def kill_at(call: str, number: int, action: str, folder: Path, bundle: Path) -> bool:
    """Do it in a process that is killed as it enters a system call for the n-th time. False where it never does."""
    program = f"import sys, fpm_edge_runtime as f; slots = f.Slots(sys.argv[1]); {ACTIONS[action]}"
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
    # Without -B Python would also write and rename compiled modules.
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *inject, sys.executable, "-B", "-c", program]
    code = subprocess.run([*command, str(folder), str(bundle)]).returncode
    if code not in (0, -signal.SIGKILL):
        sys.exit(f"{action} ended with exit code {code}")
    return code != 0


def kill_at_every_call(scratch: Path, bundles: list[Path]) -> int:
    """Exit code."""
    old, new = (open_bundle(bundle).digest for bundle in bundles)
    prepared = {action: scratch / action for action in ACTIONS}
    slots = Slots(prepared["install"])
    slots.install(bundles[0])
    slots.confirm(slots.boot().bundle.digest)
    shutil.copytree(prepared["install"], prepared["boot"])
    Slots(prepared["boot"]).install(bundles[1])
    shutil.copytree(prepared["boot"], prepared["confirm"])
    Slots(prepared["confirm"]).boot()
    for action, start in prepared.items():
        for call in CALLS:
            booted: list[str] = []
            while True:
                folder = scratch / f"{action}-{call}-{len(booted) + 1}"
                shutil.copytree(start, folder)
                if not kill_at(call, len(booted) + 1, action, folder, bundles[1]):
                    break
                first, second = (Slots(folder).boot() for _ in range(2))
                booted.append("old" if first.bundle.digest == old else "new")
                # A new one that was not confirmed is taken back at the second start.
                if first.bundle.digest not in (old, new) or second.status != "good":
                    print(f"{action}, {call} {len(booted)}: booted {first}, then {second}")
                    return 1
            print(
                f"{action:8} killed at {call:7} {len(booted)} times, then booted: {', '.join(booted) or '–'}",
                flush=True,
            )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs=2)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--system-calls", action="store_true", help="instead: at every one of them; needs strace")
    arguments = parser.parse_args()
    bundles: list[Path] = arguments.bundles
    digests = {open_bundle(bundle).digest: bundle.name for bundle in bundles}
    if len(digests) != 2:
        sys.exit("the two bundles are the same one")
    moments = random.Random(arguments.seed)
    hits: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.system_calls:
            return kill_at_every_call(Path(scratch), bundles)
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
