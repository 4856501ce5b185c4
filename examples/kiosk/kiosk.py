"""A kiosk: a folder of pictures plays the camera, landmarks appear within a deadline, drift goes into a log.

    python kiosk.py garments.fpm --pictures FOLDER --category dress --output frames
    python kiosk.py --slots /var/lib/kiosk/model --pictures FOLDER --window

Needs the plain install only (numpy, Pillow, msgspec, LiteRT). See README.md beside this file.
"""

import argparse
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from screen import Files, Screen, Window

import fpm_edge_runtime as fpm
from fpm_edge.pictures.overlay import draw_detection

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

Picture = NDArray[np.uint8]
Waiting = deque[tuple[int, Picture, "Future[fpm.Detection]"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("bundle", nargs="?", type=Path)
    source.add_argument("--slots", type=Path, metavar="DIR", help="start what is in these slots (docs/updates.md)")
    parser.add_argument(
        "--trusted", type=Path, action="append", metavar="KEY", help="public key; only bundles signed with one start"
    )
    parser.add_argument("--pictures", type=Path, required=True, metavar="DIR", help="the camera: played by name")
    parser.add_argument("--loop", action="store_true", help="from the beginning again, for ever")
    parser.add_argument("--fps", type=float, default=10.0, help="frames a second that the camera gives")
    parser.add_argument("--frames", type=int, help="stop after so many")
    parser.add_argument("--category", help="what garments they are, such as trousers; else each frame's own is found")
    parser.add_argument("--deadline-ms", type=float, default=50.0, help="from the frame to its answer")
    parser.add_argument("--rate", type=float, default=0.01, help="share of the frames that the float model sees too")
    parser.add_argument("--spacing-s", type=float, default=120.0, help="seconds between two of them at least")
    parser.add_argument(
        "--on-drift",
        nargs="+",
        default=["report"],
        choices=("report", "more stages", "engine", "float", "raise"),
        metavar="STEP",
        help="what to do, in order, when the device has drifted: %(choices)s (docs/drift.md)",
    )
    parser.add_argument("--state", type=Path, default=Path("kiosk-state"), metavar="DIR", help="self-checks, drift log")
    screen = parser.add_mutually_exclusive_group(required=True)
    screen.add_argument("--output", type=Path, metavar="DIR", help="write the frames there")
    screen.add_argument("--window", action="store_true", help="show them in a window")
    options = parser.parse_args()
    if not options.fps > 0 or (options.frames is not None and options.frames < 1):
        parser.error(f"--fps is {options.fps} and --frames {options.frames}; expected more than 0")
    try:
        with ExitStack() as stack:
            run(options, stack)
    except fpm.FpmEdgeError as error:
        print(f"kiosk: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"kiosk: {error}", file=sys.stderr)
        sys.exit(1)


def run(options: argparse.Namespace, stack: ExitStack) -> None:
    frames = camera(options.pictures, options.loop)
    options.state.mkdir(parents=True, exist_ok=True)
    session = start(options.bundle, options.slots, options.trusted, options.state)
    if options.category not in (None, "any"):
        session.schema.landmarks_of(options.category)  # an unknown one is said now, not with every frame
    screen: Screen = Window() if options.window else Files(options.output)
    detector, guard = watched(session, options, stack)
    live = stack.enter_context(fpm.Live(detector))
    waiting: Waiting = deque()
    stages: Counter[str] = Counter()
    due = time.perf_counter()
    for number, picture in islice(enumerate(frames, 1), options.frames):
        answer = live.submit(picture, category=options.category, deadline_ms=options.deadline_ms)
        waiting.append((number, picture, answer))
        due += 1 / options.fps
        screen.wait(max(0.0, due - time.perf_counter()))
        show(screen, session.schema, waiting, stages)
        if screen.closed:
            break
    if waiting and not waiting[-1][2].cancelled():
        waiting[-1][2].exception()  # wait for the last answer
    show(screen, session.schema, waiting, stages)
    counts = live.counts
    print(f"{counts.submitted} frames, {counts.done} answered, {counts.dropped} dropped for newer ones")
    print("; ".join(f"{reason}: {times}" for reason, times in stages.most_common()))
    if guard is not None:
        for step in guard.taken:
            print(f"{step.time} {step.step}: {step.before} → {step.after or 'skipped'} {step.note}".rstrip())
        report = guard.monitor.report()
        print(f"drift: {report.verdict}, {report.samples} frames compared {report.reason}".rstrip())


def start(bundle: Path | None, slots: Path | None, trusted: list[Path] | None, state: Path) -> fpm.Session:
    """The fastest engine that answers the bundle's golden cases rightly here; then the bundle counts as good."""
    boot = None if slots is None else fpm.Slots(slots, trusted_keys=trusted).boot()
    path = bundle if boot is None else boot.path
    assert path is not None  # the parser saw to it
    # Measured once; later starts know it.
    checks, speeds = fpm.CheckCache(state / "checks.json"), fpm.SpeedCache(state / "speeds.json")
    # What boots has been verified, and goes on to run after it expires; a file has not.
    choice = fpm.fastest_engine(path, trusted_keys=None if boot else trusted, cache=speeds, checks=checks)
    failed = (f"{tried.name}: {tried.outcome}, {tried.reason}" for tried in choice.tried if tried.ms is None)
    chosen = f"engine: {choice.engine}, threads: {choice.threads}, {choice.ms:.1f} ms"
    for line in (*(boot.notes if boot else ()), *failed, *choice.notes, chosen):
        print(line, file=sys.stderr)
    opened = fpm.open_bundle(path, trusted) if boot is None else boot.bundle
    session = opened.session(choice.engine, choice.threads)
    if slots is not None:
        # Had anything above failed, the next start would fall back to the bundle before.
        fpm.Slots(slots, trusted_keys=trusted).confirm(opened.digest)
    return session


def watched(session: fpm.Session, options: argparse.Namespace, stack: ExitStack) -> tuple[Any, fpm.Guard | None]:
    """What detects; if the bundle holds its float model, with the policy on drift."""
    reference = session.bundle.reference()
    if reference is None:
        return session, None
    state: Path = options.state
    monitor = fpm.DriftMonitor.of_bundle(session.bundle)
    log = fpm.DriftLog(state / "drift.jsonl")
    compared = reference.session(threads=1)
    shadow = fpm.Shadow(session, compared, monitor, rate=options.rate, spacing_s=options.spacing_s, log=log)
    stack.enter_context(shadow)
    guard = fpm.Guard(shadow, options.on_drift, cache=fpm.CheckCache(state / "checks.json"))
    memory = state / f"guard-{session.bundle.digest[:12]}-{'-'.join(options.on_drift).replace(' ', '-')}.json"
    if memory.exists() and not guard.load(memory):
        print(f"{memory} is about another engine; watching for drift starts anew", file=sys.stderr)
    stack.callback(guard.save, memory)
    return stack.enter_context(guard), guard


def camera(folder: Path, loop: bool) -> Iterator[Picture]:
    """The pictures of a folder by name, as (height, width, 3) uint8 RGB."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise fpm.UsageError(f"{folder} holds no pictures; expected files that end in {', '.join(SUFFIXES)}")
    return (fpm.load_image(path) for _ in (count() if loop else range(1)) for path in paths)


def show(screen: Screen, schema: fpm.LandmarkSchema, waiting: Waiting, stages: Counter[str]) -> None:
    """All frames that are finished; what was dropped is not shown."""
    while waiting and waiting[0][2].done():
        number, picture, answer = waiting.popleft()
        if answer.cancelled():
            continue
        found = answer.result()
        stages[f"{found.stages_run} stages ({found.stop_reason})"] += 1
        told = f"{found.stages_run} stages, {found.timings.total_ms:.0f} ms ({found.stop_reason})"
        screen.show(number, draw_detection(picture, found, schema, note=told))


if __name__ == "__main__":
    main()
