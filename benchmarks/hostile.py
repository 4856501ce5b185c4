"""A million damaged bundles: how many are accepted, and how many end in anything but a BundleError.

    python benchmarks/hostile.py                      1,000,000 mutants, every truncation, every change of one byte
    python benchmarks/hostile.py --mutants 100000     fewer

The bundle is the suite's small one (tests/support/small_bundle.py): a network that runs, a golden case, a signature.
Half of the mutants have damage anywhere in the file and are opened without trusted keys; half have it in one member of
a container that is right again, and are opened with the one trusted key. Exits with 1 unless all are refused.

The same as tests, with 100,000 mutants: `python -m pytest -m slow tests/hostile`.
"""

import argparse
import importlib
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))


STEP = 50_000  # mutants between two lines of progress; a multiple of those of one seed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    damage: Any = importlib.import_module("mutants")
    content: bytes = importlib.import_module("small_bundle").signed_bundle()
    print(f"bundle of {len(content)} bytes")
    start = time.process_time()
    cuts: Counter[str] = damage.judge_all(damage.cuts(content))
    report("truncations, from either end", cuts)
    random: Counter[str] = Counter()
    for done in range(0, options.mutants, STEP):
        count = min(STEP, options.mutants - done)
        random += damage.tally(count, first_seed=options.seed + done // 1000, processes=options.processes)
        print(f"{done + count:,} of {options.mutants:,}: {dict(random)}", file=sys.stderr, flush=True)
    report(f"random mutants, seed {options.seed}", random)
    flips: Counter[str] = damage.judge_all(damage.changes(content))
    report("one byte changed to each other value", flips)
    kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{time.process_time() - start:.0f} s of this process, largest process {kib / 1024:.0f} MB")
    sys.exit(bool(set(cuts | flips | random) - {"refused"}))


def report(what: str, verdicts: Counter[str]) -> None:
    print(f"{what}: {sum(verdicts.values()):,}", flush=True)
    for verdict, count in verdicts.most_common(20):
        print(f"    {verdict}: {count:,}", flush=True)


if __name__ == "__main__":
    main()
