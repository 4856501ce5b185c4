"""What the runtime gives up for time: NE against the deadline, late answers on a busy device, stages left out.

    fpm-edge convert lite-m --int8 --calibration rendered:128@5 --score rendered:300@102 -o runs/lite.fpm
    benchmarks/anytime.py runs/lite.fpm --data rendered:300@102/192 -o runs/anytime --picture docs/images/anytime.png

Three parts:

1. Convergence: for several losses that are allowed, the distance that is fitted to one half of the pictures, and what
   it costs and saves on the other half.
2. NE against the deadline: every picture at deadlines from less than stage 1 takes to more than all stages take. Times
   are those of this device, so deadlines are given as multiples of what all stages take (the median of the session's
   own times, engine and decoding).
3. The same with one process on every core that computes all the time. An answer is late if it came after its deadline;
   nothing can be done about those where stage 1 alone was late.

Pictures are decoded and resized before; the deadline is that of the stages.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import predict_session, truth_of
from fpm_edge.convert.stopping import fit_convergence
from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge_runtime import Bundle, Session, open_bundle
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox
from fpm_edge_runtime.pixels.metrics import normalized_error

LOSSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
DEADLINES = (0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Picture:
    """A network input, and the way back to the picture that it was made of."""

    image: NDArray[np.uint8]
    fit: Letterbox
    category: str


class Point(msgspec.Struct, frozen=True):
    """One deadline: multiple of the time of all stages; NE; mean stages; shares of late answers."""

    deadline: float
    ne: float
    stages: float
    late: float
    late_after_more: float


def inputs_of(bundle: Bundle, dataset: Dataset) -> list[Picture]:
    """The pictures, resized once."""
    size = (bundle.manifest.geometry.input_width, bundle.manifest.geometry.input_height)
    made = []
    for record in dataset.records:
        pixels = read_image(record)
        fit = Letterbox.fit((pixels.shape[1], pixels.shape[0]), size, record.box)
        made.append(Picture(letterbox(pixels, fit, size), fit, record.category))
    return made


def all_stages_ms(session: Session, pictures: Sequence[Picture]) -> float:
    """Median time of all stages and the decoding."""
    times = []
    for picture in pictures[:60]:
        timings = session.detect(picture.image).timings
        times.append(timings.total_ms - timings.preprocess_ms)
    return statistics.median(times)


def at_deadline(
    session: Session, pictures: Sequence[Picture], dataset: Dataset, factor: float, full_ms: float
) -> Point:
    """Every picture once, with this deadline."""
    landmarks, stages, late, late_after_more = [], [], [], []
    for picture in pictures:
        found = session.detect(picture.image, category=picture.category, deadline_ms=factor * full_ms)
        landmarks.append(picture.fit.to_picture(found.landmarks))
        stages.append(found.stages_run)
        late.append(found.timings.total_ms > factor * full_ms)
        late_after_more.append(late[-1] and found.stages_run > 1)
    truth = truth_of(dataset)
    sizes = np.array([(p.fit.box[2], p.fit.box[3]) for p in pictures])
    errors = normalized_error(np.array(landmarks), truth.landmarks, sizes)
    ne = float(errors[point_mask(truth.visibility, "labelled")].mean())
    means = (float(np.mean(values)) for values in (stages, late, late_after_more))
    return Point(factor, ne, *means)


@contextmanager
def busy_cores() -> Iterator[None]:
    """One process on every core that computes without end."""
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_compute, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in others:
        process.start()
    try:
        yield
    finally:
        for process in others:
            process.terminate()
            process.join()


def _compute() -> None:
    values = np.random.default_rng(0).random((256, 256))
    while True:
        values = np.tanh(values @ values)


def print_convergence(bundle: Bundle, dataset: Dataset) -> None:
    found = predict_session(bundle.session(threads=1), dataset, KeptPictures())
    print("| loss allowed | px | stages a picture | NE lost, other half | bounds |\n|---|---|---|---|---|")
    for loss in LOSSES:
        fitted = fit_convergence(found, dataset, bundle.manifest.geometry, loss)
        if fitted is None:
            print(f"| {loss:.1%} | – | {bundle.stages} | | |")
            continue
        lost = fitted.ne_loss
        print(
            f"| {loss:.1%} | {fitted.px:.2f} | {fitted.stages_run:.2f} | {lost.estimate:+.2%} | "
            f"{lost.lower:+.2%} to {lost.upper:+.2%} |"
        )


def print_points(title: str, points: Sequence[Point], full_ms: float) -> None:
    print(f"\n{title}; all stages take {full_ms:.2f} ms")
    print(
        "| deadline / time of all stages | NE | stages | late | late after more than stage 1 |\n|---|---|---|---|---|"
    )
    for p in points:
        print(f"| {p.deadline:.2f} | {p.ne:.4f} | {p.stages:.2f} | {p.late:.1%} | {p.late_after_more:.1%} |")


def draw(curves: dict[str, Sequence[Point]], path: Path) -> None:
    figure = Figure(figsize=(7.0, 4.0), dpi=130)
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot([p.deadline for p in points], [p.ne for p in points], marker="o", label=name)
    axes.set_xlabel("deadline, in times of all stages on the idle device")
    axes.set_ylabel("NE of the answers")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=["convergence", "deadlines"])
    parser.add_argument("--picture", type=Path, help="where to draw NE against the deadline (PNG)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for deadlines.json")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    bundle, dataset = open_bundle(arguments.bundle), load_dataset(arguments.data)
    if arguments.only != "deadlines":
        print_convergence(bundle, dataset)
    if arguments.only == "convergence":
        return
    pictures = inputs_of(bundle, dataset)
    curves: dict[str, Sequence[Point]] = {}

    def measure() -> list[Point]:
        # A session of its own: what it has learnt of the device's speed is of these conditions.
        session = bundle.session(threads=arguments.threads)
        all_stages_ms(session, pictures)
        return [at_deadline(session, pictures, dataset, factor, full_ms) for factor in DEADLINES]

    full_ms = all_stages_ms(bundle.session(threads=arguments.threads), pictures)
    curves["idle"] = measure()
    print_points("idle device", curves["idle"], full_ms)
    with busy_cores():
        curves["a computing process on every core"] = measure()
    print_points("a computing process on every core", curves["a computing process on every core"], full_ms)
    (arguments.output / "deadlines.json").write_bytes(msgspec.json.encode(curves))
    if arguments.picture is not None:
        draw(curves, arguments.picture)


if __name__ == "__main__":
    main()
