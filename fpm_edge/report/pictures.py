"""Pictures for the report: the variant against its float model where they differ most, and one picture by stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.data import Dataset, Record, read_image
from fpm_edge.metrics import point_mask
from fpm_edge.overlay import draw_landmarks
from fpm_edge.predict import Predictions, Truth
from fpm_edge.report.accuracy import picture_means
from fpm_edge.report.data import Overlay
from fpm_edge.report.words import ne
from fpm_edge_runtime.image import png_bytes
from fpm_edge_runtime.metrics import normalized_error

__all__ = ["Drawn", "draw_overlays"]

# Every picture is drawn with this longer side, pixels: dots and rings then have the same size in all of them.
_SIDE = 480
# A record's region is shown with this share of its size around it.
_MARGIN = 0.06


@dataclass(frozen=True)
class Drawn:
    """A picture of the report, and its PNG."""

    overlay: Overlay
    png: bytes


def draw_overlays(
    dataset: Dataset, truth: Truth, found: Predictions, expected: Predictions | None, name: str, count: int
) -> list[Drawn]:
    """`count` comparisons, the worst first, then one picture after each stage.

    Half of the comparisons are the pictures with the largest disagreement, the others are spread evenly over the rest.
    Without a float model the true landmarks take its place.

    Args:
        truth: with what is not to be drawn marked as not labelled.
        found: of the variant called `name`.
        expected: of its float model.
        count: how many comparisons; 0 for no pictures at all.
    """
    if count < 1:
        return []
    mask = point_mask(truth.visibility, "labelled")
    stage = found.landmarks.shape[1] if expected is None else min(found.landmarks.shape[1], expected.landmarks.shape[1])
    device = found.landmarks[:, stage - 1]
    other = truth.landmarks if expected is None else expected.landmarks[:, stage - 1]
    apart = picture_means(normalized_error(device, other, found.sizes), mask)
    wrong = picture_means(normalized_error(device, truth.landmarks, found.sizes), mask)
    what = "NE" if expected is None else "disagreement"
    drawn = []
    for number, row in enumerate(_choose(apart, count), start=1):
        record = dataset.records[row]
        caption = f"{record.category}: {what} {ne(float(apart[row]))}"
        if expected is not None:
            caption += f", NE {ne(float(wrong[row]))}"
        overlay = Overlay(
            file=f"overlays/drift-{number:02d}-{record.category}.png",
            kind="comparison",
            identifier=record.identifier,
            category=record.category,
            caption=caption,
        )
        drawn.append(
            Drawn(overlay, _draw(dataset, record, device[row], other[row], found.scores[row, stage - 1], mask[row]))
        )
    return drawn + _by_stage(dataset, truth, found, mask, _middle(wrong), name)


def _by_stage(
    dataset: Dataset, truth: Truth, found: Predictions, mask: NDArray[np.bool_], row: int, name: str
) -> list[Drawn]:
    """One picture after each stage, with the true landmarks as rings."""
    record = dataset.records[row]
    drawn = []
    for stage in range(1, found.landmarks.shape[1] + 1):
        points = found.landmarks[:, stage - 1]
        error = picture_means(normalized_error(points, truth.landmarks, found.sizes), mask)[row]
        overlay = Overlay(
            file=f"overlays/stage-{stage}.png",
            kind="stage",
            identifier=record.identifier,
            category=record.category,
            caption=f"{name}, stage {stage}: NE {ne(float(error))}",
        )
        png = _draw(dataset, record, points[row], truth.landmarks[row], found.scores[row, stage - 1], mask[row])
        drawn.append(Drawn(overlay, png))
    return drawn


def _choose(values: NDArray[np.float64], count: int) -> list[int]:
    """Rows, the largest value first: half of them the largest there are, the others spread over the rest."""
    order = [int(row) for row in np.argsort(-values, kind="stable") if np.isfinite(values[row])]
    worst, rest = order[: (count + 1) // 2], order[(count + 1) // 2 :]
    places = np.linspace(0, len(rest) - 1, min(count - len(worst), len(rest))).round().astype(int)
    return worst + [rest[place] for place in dict.fromkeys(places.tolist())]


def _middle(values: NDArray[np.float64]) -> int:
    """The row with the median value."""
    order = [int(row) for row in np.argsort(values, kind="stable") if np.isfinite(values[row])]
    return order[len(order) // 2]


def _draw(
    dataset: Dataset,
    record: Record,
    points: NDArray[np.float32],
    rings: NDArray[np.float32],
    scores: NDArray[np.float32],
    keep: NDArray[np.bool_],
) -> bytes:
    """The record's region with `points` as dots and `rings` as rings, as a PNG."""
    pixels = read_image(record)
    left, top, right, bottom = _region(record, pixels.shape[1], pixels.shape[0])
    scale = _SIDE / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    picture = Image.fromarray(pixels[top:bottom, left:right]).resize(size, Image.Resampling.LANCZOS)

    def moved(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
        # Pixel centres are integers on both sides (DESIGN's half-pixel rule).
        return (landmarks.astype(np.float64) + 0.5 - (left, top)) * scale - 0.5

    drawn = draw_landmarks(
        np.asarray(picture),
        moved(points),
        schema=dataset.schema,
        scores=scores,
        keep=keep,
        reference=moved(rings),
        labels=False,
    )
    return png_bytes(drawn)


def _region(record: Record, width: int, height: int) -> tuple[int, int, int, int]:
    """The record's box with a margin, inside the picture; all of it without a box."""
    if record.box is None:
        return 0, 0, width, height
    x0, y0, x1, y1 = record.box
    margin = _MARGIN * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    return left, top, min(width, max(left + 1, round(x1 + margin))), min(height, max(top + 1, round(y1 + margin)))
