"""NE against the deadline: what `Session.detect(deadline_ms=…)` answers when it has so much time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Truth
from fpm_edge.data import Dataset, Record, read_image
from fpm_edge.report.accuracy import pooled_intervals
from fpm_edge.report.parts import Anytime, DeadlinePoint
from fpm_edge_runtime import Session
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["DEADLINES", "measure_deadlines"]

DEADLINES = (0.5, 0.75, 0.95, 1.1, 1.35, 2.0)
"""As multiples of what a call with all stages takes."""

_MOST_PICTURES = 200
_FEWEST_PICTURES = 8
# So long may all the calls take together, where fewer pictures can help.
_SECONDS = 60.0
_TIMED = 5


def measure_deadlines(
    session: Session,
    name: str,
    dataset: Dataset,
    truth: Truth,
    most: int = _MOST_PICTURES,
    read: Callable[[Record], NDArray[np.uint8]] = read_image,
) -> Anytime | None:
    """Ask for every chosen picture with every deadline, in an order drawn anew for each picture.

    Args:
        session: of the variant called `name`.
        truth: the annotations, points that do not count marked as not labelled.
        most: pictures, spread over the data; fewer where the variant is slow.
        read: gives the picture of a record.

    Returns:
        None where there is nothing to gain (one stage), or nothing is asked for (`most` is 0).
    """
    mask = point_mask(truth.visibility, "labelled")
    usable = np.flatnonzero(mask.any(axis=1))
    if most < 1 or session.stage_limit < 2 or not usable.size:
        return None
    first = dataset.records[int(usable[0])]
    picture = read(first)
    full = float(np.median([session.detect(picture, box=first.box).timings.total_ms for _ in range(_TIMED)]))
    affordable = _SECONDS * 1e3 / (full * sum(min(1.0, factor) for factor in DEADLINES))
    count = min(usable.size, most, max(_FEWEST_PICTURES, int(affordable)))
    rows = usable[np.linspace(0, usable.size - 1, count).round().astype(int)]
    landmarks = np.zeros((len(DEADLINES), count, *truth.landmarks.shape[1:]), np.float32)
    stages, late = np.zeros((len(DEADLINES), count)), np.zeros((len(DEADLINES), count))
    sizes = np.zeros((count, 2))
    generator = np.random.default_rng(0)
    for place, row in enumerate(rows):
        record = dataset.records[int(row)]
        picture = read(record)
        sizes[place] = picture.shape[1], picture.shape[0]
        for which in generator.permutation(len(DEADLINES)):
            deadline = DEADLINES[which] * full
            found = session.detect(picture, category=record.category, box=record.box, deadline_ms=deadline)
            landmarks[which, place] = found.landmarks
            stages[which, place] = found.stages_run
            late[which, place] = found.timings.total_ms > deadline
    errors = [normalized_error(answers, truth.landmarks[rows], sizes) for answers in landmarks]
    intervals = pooled_intervals(errors, mask[rows])
    return Anytime(
        name,
        count,
        tuple(
            DeadlinePoint(factor * full, interval, float(stages[i].mean()), float(late[i].mean()))
            for i, (factor, interval) in enumerate(zip(DEADLINES, intervals, strict=True))
        ),
    )
