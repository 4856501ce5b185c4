"""A long run on a device: threads, file handles and memory over many frames; many threads on one session.

    benchmarks/soak.py tiny.fpm [--engine litert] [--frames 1000000] [--threads 8] [--calls 100000]

Frames are sixteen random pictures of different sizes, in turn. The slope of resident memory (VmRSS, Linux) is that of
the straight line through 90 readings, the first tenth of the run left out. Then so many threads make so many calls each
on one session, and every answer must equal that of one thread, bit for bit. Exits with 1 if threads or file handles
change, an answer differs, or, over a million frames and more, memory grows by over 1 MB per million: in shorter runs
one step of the allocator is more than that.
"""

from __future__ import annotations

import argparse
import gc
import sys
import threading
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime import Detection, Session, open_bundle

READINGS = 100
FULL = 1_000_000
MOST_MB = 1.0  # per million frames

Pictures = list[NDArray[np.uint8]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--engine", default="litert")
    parser.add_argument("--frames", type=int, default=FULL, help="100 or more, in hundreds")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--calls", type=int, default=100_000, help="of each thread")
    arguments = parser.parse_args()
    if arguments.frames < READINGS:
        parser.error(f"--frames is {arguments.frames}; expected {READINGS} or more")
    rng = np.random.default_rng(0)
    pictures: Pictures = [rng.integers(0, 256, (80 + 8 * n, 200 - 7 * n, 3), np.uint8) for n in range(16)]
    session = open_bundle(arguments.bundle).session(arguments.engine, threads=1)
    print(f"{arguments.bundle.name} in {session.engine} {session.engine_version}")
    good = soak(session, pictures, arguments.frames)
    good = many_threads(session, pictures, arguments.threads, arguments.calls) and good
    sys.exit(0 if good else 1)


def soak(session: Session, pictures: Pictures, frames: int) -> bool:
    step = frames // READINGS
    readings = np.empty((READINGS, 3))
    start = perf_counter()
    for number in range(READINGS):
        for frame in range(step):
            session.detect(pictures[frame % len(pictures)])
        readings[number] = state()
        if (number + 1) % 10 == 0:
            progress(f"{(number + 1) * step:,} frames: {describe(readings[number])}")
    seconds = perf_counter() - start
    late = readings[READINGS // 10 :]
    slope = float(np.polyfit(np.arange(len(late)) * step / 1e6, late[:, 2], 1)[0])
    constant = bool((late[:, :2] == late[0, :2]).all())
    print(f"{READINGS * step:,} frames, {READINGS * step / seconds:.0f} a second")
    print(f"after a tenth: {describe(late[0])}; at the end: {describe(late[-1])}")
    print(f"threads and file handles {'constant' if constant else 'NOT constant'}")
    print(f"memory: {slope:+.2f} MB per million frames")
    return constant and (slope <= MOST_MB or frames < FULL)


def many_threads(session: Session, pictures: Pictures, count: int, calls: int) -> bool:
    expected = [bits(session.detect(picture)) for picture in pictures]
    wrong, made = [0] * count, [0] * count
    threads = [
        threading.Thread(target=partial(_call, session, pictures, expected, calls, index, made, wrong))
        for index in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(30)
            progress(f"{sum(made):,} of {count * calls:,} calls")
    print(f"{count} threads on one session: {sum(made):,} calls, {sum(wrong)} answers unlike those of one thread")
    return sum(made) == count * calls and not any(wrong)


def _call(
    session: Session,
    pictures: Pictures,
    expected: list[bytes],
    calls: int,
    index: int,
    made: list[int],
    wrong: list[int],
) -> None:
    for call in range(index, index + calls):
        choice = call % len(pictures)
        wrong[index] += bits(session.detect(pictures[choice])) != expected[choice]
        made[index] += 1


def bits(found: Detection) -> bytes:
    return found.landmarks.tobytes() + found.scores.tobytes() + bytes([found.stages_run])


def state() -> tuple[int, int, float]:
    """Threads of the process (engines' own too), file handles, resident MB."""
    gc.collect()
    process = Path("/proc/self")
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir())), int(line.split()[1]) / 1024


def describe(reading: NDArray[np.float64]) -> str:
    return f"{reading[0]:.0f} threads, {reading[1]:.0f} file handles, {reading[2]:.2f} MB"


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
