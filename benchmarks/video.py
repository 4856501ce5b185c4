"""How steady landmarks are on video, and what the steadiness costs: a drawn garment that moves, with known landmarks.

    fpm-edge convert lite-m --int8 --calibration rendered:128@5 --score rendered:300@102 -o runs/lite.fpm
    benchmarks/video.py runs/lite.fpm --frames 300 --garments 5

Each garment is drawn once and carried through 640 × 480 frames, 30 a second, by shift, scale and rotation, there and
back, with pauses; every frame has its own sensor noise (Gaussian, 6 codes). In the scene "near" the drawn picture is
as high as the frame, in "far" four tenths of it, and it moves farther; around it, its border pixels go on. The network
sees the whole frame or a crop around the last landmarks; each is smoothed in several ways. The garments are the first
of each category whose landmarks are all visible and span four tenths of the drawing.

- jitter: root mean square movement from frame to frame in the pauses (half a second after the motion ended), NE × 1000.
- lag: least-squares shift of the landmarks along the true motion, in frames.
- NE: mean over the frames' visible landmarks, × 1000; of the landmarks that are not missing.
- missing: share of those points that smoothing left out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.render import CATEGORIES, RenderedGarment, render_garment
from fpm_edge_runtime import Cropping, Detection, Session, Smoother, Smoothing, Tracker, load_schema, open_bundle
from fpm_edge_runtime.pixels.metrics import normalized_error

WIDTH, HEIGHT, FPS = 640, 480, 30.0
DRAWN = 512
AROUND = 1024
NOISE = 6.0
SETTLE = 15
LEAST_SPAN = 0.4

Affine = NDArray[np.float64]

SCENES = {"near": 1.0, "far": 0.4}
CROPS: dict[str, Cropping | None] = {
    "whole": None,
    "crop, 0.3": Cropping(margin=0.3),
    "crop, 0.5": Cropping(margin=0.5),
    "crop, 0.5, whole every 30": Cropping(margin=0.5, whole_every=30),
}
SMOOTHINGS: dict[str, Smoothing | None] = {
    "raw": None,
    "3 Hz + 60": Smoothing(still_hz=3.0, hz_per_speed=60.0),
    "1 Hz + 30": Smoothing(still_hz=1.0, hz_per_speed=30.0),
    "0.5 Hz + 30": Smoothing(still_hz=0.5, hz_per_speed=30.0),
    "0.5 Hz + 10": Smoothing(still_hz=0.5, hz_per_speed=10.0),
    "1 Hz, fixed": Smoothing(still_hz=1.0, hz_per_speed=0.0),
}


@dataclass(frozen=True)
class Seen:
    """A detection, and the longer side of what the network saw (pixels)."""

    detection: Detection
    side: float


@dataclass(frozen=True)
class Clip:
    """What was found in one video, and the truth.

    truth: (frames, landmarks, 2) pixels. points: (landmarks,) bool, those that are visible in the drawing.
    still: (frames,) bool, in a pause that has lasted. seen: crop's name → what was found.
    """

    truth: NDArray[np.float64]
    points: NDArray[np.bool_]
    still: NDArray[np.bool_]
    seen: dict[str, list[Seen]]


def motion(frames: int) -> NDArray[np.float64]:
    """(frames, 4) shift x, shift y, rotation, growth, each −1 to 1: three excursions there and back between pauses."""
    course = np.zeros((frames, 4))
    for start, end, what in ((0.17, 0.37, (1, 0, 0, 0)), (0.47, 0.65, (0, 0.6, 1, 0)), (0.73, 0.87, (-0.8, 0.3, 0, 1))):
        first, last = round(start * frames), round(end * frames)
        swing = np.sin(np.pi * np.linspace(0, 1, last - first)) ** 2
        course[first:last] = swing[:, np.newaxis] * np.array(what)
    return course


def paint(garment: RenderedGarment, size: float, seed: int, frames: int) -> Iterator[tuple[NDArray[np.uint8], Affine]]:
    """Every frame, and the matrix (2, 3) that takes the drawing's pixels (centres) to the frame's."""
    noise = np.random.default_rng(seed)
    wide = np.pad(garment.image, ((AROUND, AROUND), (AROUND, AROUND), (0, 0)), mode="edge")
    # Reduced before it is warped, so that nothing flickers by aliasing.
    shrink = max(1, math.floor(0.8 * DRAWN / (size * HEIGHT)))
    drawn = Image.fromarray(wide).reduce(shrink)
    reach = 0.10 * WIDTH if size >= 1 else 0.22 * WIDTH
    for x, y, turn, growth in motion(frames):
        scale = size * HEIGHT / DRAWN * (1 + 0.2 * growth)
        angle = math.radians(8) * turn
        linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([WIDTH / 2 + reach * x, HEIGHT / 2 + 0.6 * reach * y]) - 0.5
        matrix = np.column_stack([linear, middle - linear @ np.full(2, (DRAWN - 1) / 2)])
        grain = np.float32(NOISE) * noise.standard_normal((HEIGHT, WIDTH, 3), np.float32)
        pixels = np.asarray(warp(drawn, shrink, matrix)) + grain
        yield np.clip(np.round(pixels), 0, 255).astype(np.uint8), matrix


def warp(drawn: Image.Image, shrink: int, matrix: Affine) -> Image.Image:
    """The frame that the matrix makes of the drawing, of which `drawn` is a reduced copy with `AROUND` pixels more."""
    # Pillow asks for the inverse, in edge coordinates: pixel centres + 0.5.
    back = np.linalg.inv(matrix[:, :2])
    offset = back @ (-0.5 - matrix[:, 2]) + 0.5 + AROUND
    coefficients = (np.column_stack([back, offset]) / shrink).ravel().tolist()
    return drawn.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)


def film(session: Session, garment: RenderedGarment, size: float, seed: int, frames: int) -> Clip:
    """Every frame through every kind of crop."""
    trackers = {name: Tracker(session, category=garment.category, cropping=crop) for name, crop in CROPS.items()}
    seen: dict[str, list[Seen]] = {name: [] for name in CROPS}
    truth = np.empty((frames, len(garment.landmarks), 2))
    for number, (frame, matrix) in enumerate(paint(garment, size, seed, frames)):
        truth[number] = garment.landmarks @ matrix[:, :2].T + matrix[:, 2]
        for name, tracker in trackers.items():
            tracked = tracker.detect(frame, number / FPS)
            x0, y0, x1, y1 = tracked.box or (0.0, 0.0, float(WIDTH), float(HEIGHT))
            seen[name].append(Seen(tracked.detection, max(x1 - x0, y1 - y0)))
    moving = np.append(0.0, np.abs(np.diff(truth[:, 0], axis=0)).max(axis=1)) > 1e-6
    still = np.array([not moving[max(0, i - SETTLE) : i + 1].any() for i in range(frames)])
    still[:SETTLE] = False
    return Clip(truth, garment.visibility == 1, still, seen)


def smooth(seen: list[Seen], smoothing: Smoothing | None) -> NDArray[np.float64]:
    """(frames, landmarks, 2) pixels."""
    if smoothing is None:
        return np.stack([s.detection.landmarks for s in seen]).astype(np.float64)
    smoother = Smoother(smoothing)
    return np.stack(
        [
            smoother.update(s.detection.landmarks, s.detection.scores, number / FPS, s.side).landmarks
            for number, s in enumerate(seen)
        ]
    ).astype(np.float64)


def row(clips: list[Clip], crop: str, smoothing: Smoothing | None) -> list[float]:
    """Jitter, lag, NE, share of missing points."""
    size = np.array([WIDTH, HEIGHT], np.float64)
    moves, errors, along, squares, missing = [], [], 0.0, 0.0, []
    for clip in clips:
        found = smooth(clip.seen[crop], smoothing)[:, clip.points]
        truth = clip.truth[:, clip.points]
        steps = np.linalg.norm(np.diff(found, axis=0) / size, axis=-1)[clip.still[1:]]
        moves.append(np.square(steps[np.isfinite(steps)]))
        error = normalized_error(found, truth, np.tile(size, (len(found), 1)))
        missing.append(~np.isfinite(error).ravel())
        errors.append(error[np.isfinite(error)])
        speed = np.gradient(truth, axis=0)
        behind = np.nan_to_num((found - truth) * speed)
        along -= behind.sum()
        squares += np.square(speed)[np.isfinite(found)].sum()
    return [
        1000 * math.sqrt(np.concatenate(moves).mean()),
        along / squares,
        1000 * float(np.concatenate(errors).mean()),
        float(np.concatenate(missing).mean()),
    ]


def first_of_each_category(seed: int) -> list[RenderedGarment]:
    """One garment of each category, whole and not small, in the order in which they are drawn."""
    members = load_schema("fashionai24").categories
    first: dict[str, RenderedGarment] = {}
    for index in count():
        garment = render_garment(seed, index, size=DRAWN)
        points = garment.landmarks[garment.visibility >= 0]
        whole = len(points) == len(members[garment.category]) and bool((garment.visibility != 0).all())
        if whole and np.ptp(points, axis=0).max() >= LEAST_SPAN * DRAWN:
            first.setdefault(garment.category, garment)
        if len(first) == len(CATEGORIES):
            return list(first.values())
    raise AssertionError("numbers do not end")


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--garments", type=int, default=5)
    parser.add_argument("--seed", type=int, default=205)
    parser.add_argument("--frame", type=Path, help="write one frame of the scene here, and do nothing else")
    arguments = parser.parse_args()
    if arguments.frame is not None:
        garment = first_of_each_category(arguments.seed)[0]
        frames = [pixels for pixels, _ in paint(garment, SCENES["far"], 0, 60)]
        Image.fromarray(frames[16]).save(arguments.frame)
        return
    session = open_bundle(arguments.bundle).session(threads=1)
    garments = first_of_each_category(arguments.seed)[: arguments.garments]
    print(f"{len(garments)} garments: {', '.join(garment.category for garment in garments)}\n")
    print("| scene | seen | smoothing | jitter | lag, frames | NE | missing |")
    print("|---|---|---|---|---|---|---|")
    for scene, size in SCENES.items():
        clips = [film(session, garment, size, seed, arguments.frames) for seed, garment in enumerate(garments)]
        for crop in CROPS:
            for name, smoothing in SMOOTHINGS.items():
                jitter, lag, ne, missing = row(clips, crop, smoothing)
                print(
                    f"| {scene} | {crop} | {name} | {jitter:.2f} | {lag:+.2f} | {ne:.2f} | {missing:.1%} |", flush=True
                )


if __name__ == "__main__":
    main()
