"""Two looks against one: NE and time, on photographs as they are and pasted small into drawn places.

    benchmarks/looks.py mine.fpm --data fashionai:shared/data/ccp_landmarks --photographs 100
    benchmarks/looks.py mine.fpm --data fashionai:GARMENTS --holdout GARMENTS/test_images.txt --paste 0.5 0.3

With --paste, every photograph is scaled to that share of a drawn place's side and put somewhere in it. NE is in units
of the photograph's own width and height, so that it means the same wherever it is pasted. Categories are given, unless
--find says that the bundle is to find them. The margin, and how much larger the region must be shown, are varied beside
the built-in ones; times are those of the built-in ones on one thread, with the picture decoded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.data import Dataset, Record, load_dataset, read_image, split_listed
from fpm_edge.render import render_backdrop
from fpm_edge_runtime import Detection, Session, open_bundle
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.frame import Found
from fpm_edge_runtime.stages.looks import LEAST_GAIN, MARGIN, clearness, second_region
from fpm_edge_runtime.stages.recognizer import Recognized

MARGINS = (0.1, 0.2, 0.3, 0.4, 0.6)
GAINS = (1.1, 1.25, 1.5, 2.0)
BACKDROP_SIDE = 640
BACKDROP_SEED = 307


@dataclass(frozen=True)
class Picture:
    """A photograph, pasted or not. landmarks: in its pixels; unit: (width, height) of NE, pixels of this picture."""

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    category: str
    unit: tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True, metavar="SPEC")
    parser.add_argument("--holdout", type=Path, metavar="FILE", help="only the pictures that it lists")
    parser.add_argument("--photographs", type=int, default=100, help="evenly spread over the data")
    parser.add_argument("--paste", type=float, nargs="*", default=[], metavar="SHARE", help="of a drawn place's side")
    parser.add_argument("--find", action="store_true", help="let the bundle find the categories")
    parser.add_argument("--vary", action="store_true", help="try other margins and gains")
    options = parser.parse_args()
    session = open_bundle(options.bundle).session(threads=1)
    dataset = load_dataset(options.data)
    if options.holdout is not None:
        dataset = split_listed(dataset, options.holdout)[1]
    step = max(1, len(dataset) // options.photographs)
    dataset = dataset.subset(range(0, len(dataset), step)[: options.photographs])
    print(f"{options.bundle.name} in {session.engine}, {len(dataset)} pictures of {dataset.name}")
    print(f"categories {'found' if options.find else 'given'}; times are medians\n")
    print("| pictures | looks | margin | gain | NE | second look answered | ms |")
    print("|---|---|---|---|---|---|---|")
    for share in (None, *options.paste):
        pictures = list(placed(dataset, share))
        name = "as they are" if share is None else f"pasted at {share:g}"
        # In turn, so that a busy moment of the machine meets both.
        both = [[ask(session, picture, options.find, looks) for looks in (1, 2)] for picture in pictures]
        for looks, answers in zip((1, 2), map(list, zip(*both, strict=True)), strict=True):
            built_in = ("", "") if looks == 1 else (f"{MARGIN:g}", f"{LEAST_GAIN:g}")
            ms = median(answer.timings.total_ms for answer in answers)
            print(row(name, looks, *built_in, pictures, answers, f"{ms:.1f}"), flush=True)
        tried = [(margin, LEAST_GAIN) for margin in MARGINS] + [(MARGIN, gain) for gain in GAINS]
        for margin, gain in dict.fromkeys(tried) if options.vary else ():
            answers = [vary(session, picture, options.find, margin, gain) for picture in pictures]
            print(row(name, 2, f"{margin:g}", f"{gain:g}", pictures, answers, "–"), flush=True)


def placed(dataset: Dataset, share: float | None) -> Iterator[Picture]:
    """Every photograph, in a drawn place of its own if there is a share of its side."""
    dice = np.random.default_rng(BACKDROP_SEED)
    for number, record in enumerate(dataset.records):
        picture = as_it_is(record)
        if share is None:
            yield picture
            continue
        height, width = picture.image.shape[:2]
        scale = share * BACKDROP_SIDE / max(width, height)
        small = Image.fromarray(picture.image).resize(
            (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS
        )
        place = render_backdrop(BACKDROP_SEED, number, size=BACKDROP_SIDE).copy()
        left, top = (int(dice.integers(0, BACKDROP_SIDE - side + 1)) for side in small.size)
        place[top : top + small.height, left : left + small.width] = np.asarray(small)
        ratio = np.array([small.width / width, small.height / height])
        landmarks = ((picture.landmarks + 0.5) * ratio + (left, top) - 0.5).astype(np.float32)
        yield Picture(place, landmarks, picture.labelled, picture.category, (small.width, small.height))


def as_it_is(record: Record) -> Picture:
    """The photograph; of a record with a box, what is in it."""
    image, landmarks = read_image(record), record.landmarks
    if record.box is not None:
        x0, y0, x1, y1 = (max(0, round(edge)) for edge in record.box)
        image, landmarks = np.ascontiguousarray(image[y0:y1, x0:x1]), landmarks - np.float32([x0, y0])
    labelled = point_mask(record.visibility, "labelled")
    return Picture(image, landmarks, labelled, record.category, (image.shape[1], image.shape[0]))


def ask(session: Session, picture: Picture, find: bool, looks: int) -> Detection:
    return session.detect(picture.image, category=None if find else picture.category, looks=looks)


def vary(session: Session, picture: Picture, find: bool, margin: float, gain: float) -> Detection:
    """What `looks=2` does, with another margin and gain; `Detection.looks` says 1 where the first look answered."""
    category = None if find else picture.category
    first = session.trace(picture.image, category=category, stages=1)
    size = (session.geometry.input_width, session.geometry.input_height)
    seen = found_by(first.detection, first.landmarks[-1])
    region = second_region(seen, first.fit, size, margin=margin, least_gain=gain)
    if region is not None:
        again = session.trace(picture.image, category=category, stages=1, box=region)
        if clearness(found_by(again.detection, again.landmarks[-1])) >= clearness(seen):
            answer = session.detect(picture.image, category=category, box=region)
            return Detection(**(vars(answer) | {"looks": 2}))
    return session.detect(picture.image, category=category)


def found_by(detection: Detection, landmarks: NDArray[np.float32]) -> Found:
    """What stage 1 found, in pixels of the input."""
    recognized = Recognized(detection.category, detection.category_score, detection.labelled, None)
    return Found(landmarks, detection.scores, detection.doubts, recognized)


def row(
    name: str,
    looks: int,
    margin: str,
    gain: str,
    pictures: Sequence[Picture],
    answers: Sequence[Detection],
    ms: str,
) -> str:
    """One line of the table."""
    errors = [
        normalized_error(answer.landmarks[np.newaxis], picture.landmarks[np.newaxis], np.array([picture.unit]))[0][
            picture.labelled
        ]
        for picture, answer in zip(pictures, answers, strict=True)
    ]
    second = np.mean([answer.looks == 2 for answer in answers])
    ne = f"{np.concatenate(errors).mean():.4f}"
    return f"| {name} | {looks} | {margin} | {gain} | {ne} | {second:.0%} | {ms} |"


if __name__ == "__main__":
    main()
