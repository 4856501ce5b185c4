"""Several cameras, one bundle: frames a second of two streams against one, and the memory of one more session.

    benchmarks/streams.py lite.fpm [--engines litert,onnxruntime,openvino] [--frames 60] [--rounds 9]

Every engine has a process of its own. All sessions have one thread, but that of "1 stream, 2 threads". Each round runs
every arrangement; ratios are within a round, to "1 stream", and the table has their medians and quartiles. Two
processes show what the machine has left for a second stream: threads cannot gain more. Memory is what the process's
anonymous pages (RssAnon, Linux) grow by when one more session is loaded and has run (the median of four), or when a
second thread has used the first one; of "a pool of two" half of what both sessions took, which share the models' bytes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime import Pool, Session, open_bundle

PICTURE = (480, 360, 3)
EXTRA = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--engines", default="litert,onnxruntime,openvino")
    parser.add_argument("--frames", type=int, default=60, help="of each stream and round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments.bundle, arguments.engines, arguments.frames, arguments.rounds)
        return
    print("| engine | arrangement | frames a second | against 1 stream (quartiles) | MB of one more stream |")
    print("|---|---|---|---|---|", flush=True)
    numbers = ("--frames", str(arguments.frames), "--rounds", str(arguments.rounds))
    for engine in arguments.engines.split(","):
        program = (sys.executable, __file__, str(arguments.bundle), "--engines", engine, *numbers, "--child")
        subprocess.run(program, check=True)


def measure(path: Path, engine: str, frames: int, rounds: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, PICTURE, np.uint8)
    bundle = open_bundle(path)
    sessions = [bundle.session(engine, threads=1)]
    run(sessions, picture, 3)
    grown = []
    for _ in range(EXTRA):
        before = anonymous_mb()
        sessions.append(bundle.session(engine, threads=1))
        run(sessions[-1:], picture, 3)
        grown.append(anonymous_mb() - before)
    one, two = sessions[:2]
    before = anonymous_mb()
    run([one, one], picture, 3)
    shared = anonymous_mb() - before
    before = anonymous_mb()
    pool = Pool(bundle, 2, engine)
    run([pool, pool], picture, 3)
    pooled = (anonymous_mb() - before) / 2
    wide = bundle.session(engine, threads=2)
    there, here = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=second, args=(path, engine, there))
    other.start()
    here.recv()  # it is ready
    arrangements: dict[str, tuple[Sequence[Session | Pool], bool, float | None]] = {
        "1 stream": ([one], False, None),
        "1 stream, 2 threads": ([wide], False, None),
        "2 streams, one session": ([one, one], False, shared),
        "2 streams, a session each": ([one, two], False, float(np.median(grown))),
        "2 streams, a pool of two": ([pool, pool], False, pooled),
        "2 streams, a process each": ([one], True, None),
    }
    speeds: dict[str, list[float]] = {name: [] for name in arrangements}
    for number in range(rounds):
        order = list(arrangements) if number % 2 else list(reversed(arrangements))
        for name in order:
            detectors, beside, _ = arrangements[name]
            start = perf_counter()
            if beside:
                here.send(frames)
            run(detectors, picture, frames)
            if beside:
                here.recv()
            speeds[name].append((len(detectors) + beside) * frames / (perf_counter() - start))
    here.send(0)
    other.join()
    for name, (_, _, more) in arrangements.items():
        ratios = np.array(speeds[name]) / np.array(speeds["1 stream"])
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        memory = "" if more is None else f"{more:.1f}"
        speed = np.median(speeds[name])
        print(f"| {engine} | {name} | {speed:.1f} | {middle:.2f} ({low:.2f} to {high:.2f}) | {memory} |", flush=True)


def second(path: Path, engine: str, connection: Connection) -> None:
    """The other process: as many frames as it is told, again and again, until it is told none."""
    picture = np.random.default_rng(0).integers(0, 256, PICTURE, np.uint8)
    session = open_bundle(path).session(engine, threads=1)
    connection.send(0)
    while frames := connection.recv():
        _stream(session, picture, frames)
        connection.send(frames)


def run(detectors: Sequence[Session | Pool], picture: NDArray[np.uint8], frames: int) -> None:
    """Every one detects so many frames on a thread of its own."""
    threads = [threading.Thread(target=partial(_stream, detector, picture, frames)) for detector in detectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _stream(detector: Session | Pool, picture: NDArray[np.uint8], frames: int) -> None:
    for _ in range(frames):
        detector.detect(picture)


def anonymous_mb() -> float:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
