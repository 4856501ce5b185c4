"""Pictures for the report: where variant and float model differ most, and where it is furthest off the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge.pictures.overlay import draw_landmarks, drawn_png
from fpm_edge.report.answers import Compared
from fpm_edge.report.data import Overlay
from fpm_edge.report.heatmaps import evolution
from fpm_edge.report.scene import Frame, Scene, frame_of, jpeg_bytes
from fpm_edge.report.words import ne
from fpm_edge_runtime import Bundle

__all__ = ["Drawn", "draw_pictures"]

# Every picture is drawn with this longer side, pixels: dots and rings then have the same size in all of them.
_SIDE = 480


@dataclass(frozen=True)
class Drawn:
    """All pictures of a report.

    Attributes:
        overlays: pictures to lie beside the page, and `files`: their PNGs by name.
        scenes: drawings inside the page, and `photographs`: the JPEGs under them by name.
    """

    overlays: tuple[Overlay, ...]
    files: dict[str, bytes]
    scenes: tuple[Scene, ...]
    photographs: dict[str, bytes]


def draw_pictures(compared: Compared, bundle: Bundle, engine: str, count: int) -> Drawn:
    """`count` comparisons, half as many with the largest NE, and how heatmaps become sharp from stage to stage.

    Half of the comparisons are the pictures with the largest disagreement, the others are spread evenly over the rest;
    the worst first. Without a float model the true landmarks take its place.

    Args:
        compared: what there is to draw.
        bundle, engine: of the variant; its stages are run again for their heatmaps.
        count: how many comparisons; 0 for no pictures at all.
    """
    made = _Maker(compared)
    if count < 1:
        return made.drawn()
    apart, wrong = compared.apart(), compared.wrong(compared.stages)
    what = "NE" if compared.expected is None else "disagreement"
    chosen = _choose(apart, count)
    for number, row in enumerate(chosen, start=1):
        caption = f"{what} {ne(float(apart[row]))}"
        if compared.expected is not None:
            caption += f", NE {ne(float(wrong[row]))}"
        made.compare("apart", f"overlays/drift-{number:02d}", row, caption)
    order = _descending(wrong)
    for number, row in enumerate(order[: (count + 1) // 2], start=1):
        if compared.expected is not None:
            caption = f"NE {ne(float(wrong[row]))}, disagreement {ne(float(apart[row]))}"
            made.compare("wrong", f"overlays/error-{number:02d}", row, caption)
    made.stages(order[len(order) // 2])
    for scene, name, photograph in evolution(compared, bundle, engine):
        made.scenes.append(scene)
        made.photographs.setdefault(name, photograph)
    return made.drawn()


class _Maker:
    """Collects drawings of `compared`; each photograph is kept once."""

    def __init__(self, compared: Compared) -> None:
        self._compared = compared
        self._frames: dict[int, Frame] = {}
        self._overlays: list[Overlay] = []
        self._files: dict[str, bytes] = {}
        self.scenes: list[Scene] = []
        self.photographs: dict[str, bytes] = {}

    def drawn(self) -> Drawn:
        """What was collected."""
        return Drawn(tuple(self._overlays), self._files, tuple(self.scenes), self.photographs)

    def compare(self, kind: str, file: str, row: int, caption: str) -> None:
        """The variant against its float model, or the truth, in one picture at the last stage."""
        compared = self._compared
        record, stage = compared.dataset.records[row], compared.stages
        other = compared.truth.landmarks[row]
        if compared.expected is not None and kind == "apart":
            other = compared.expected.landmarks[row, stage - 1]
        caption = f"{record.category}: {caption}"
        self._overlay(f"{file}-{record.category}.png", "comparison", row, stage, other, caption)
        frame = self._frame(row)
        self.photographs[f"photo-{row}"] = jpeg_bytes(frame.picture)
        self.scenes.append(
            Scene(
                kind=kind,
                row="",
                picture=f"photo-{row}",
                width=frame.picture.width,
                height=frame.picture.height,
                identifier=record.identifier,
                category=record.category,
                caption=caption,
                marks=compared.marks(row, stage, frame),
            )
        )

    def stages(self, row: int) -> None:
        """One picture after each stage against the truth, as files."""
        compared = self._compared
        for stage in range(1, compared.found.landmarks.shape[1] + 1):
            caption = f"{compared.name}, stage {stage}: NE {ne(float(compared.wrong(stage)[row]))}"
            self._overlay(f"overlays/stage-{stage}.png", "stage", row, stage, compared.truth.landmarks[row], caption)

    def _overlay(self, file: str, kind: str, row: int, stage: int, rings: NDArray[np.float32], caption: str) -> None:
        compared, frame = self._compared, self._frame(row)
        record = compared.dataset.records[row]
        drawn = draw_landmarks(
            np.asarray(frame.picture),
            frame.place(compared.found.landmarks[row, stage - 1]) - 0.5,
            schema=compared.dataset.schema,
            scores=compared.found.scores[row, stage - 1],
            keep=compared.mask[row],
            reference=frame.place(rings) - 0.5,
            labels=False,
        )
        self._files[file] = drawn_png(drawn)
        self._overlays.append(
            Overlay(
                file=file,
                kind="stage" if kind == "stage" else "comparison",
                identifier=record.identifier,
                category=record.category,
                caption=caption,
            )
        )

    def _frame(self, row: int) -> Frame:
        if row not in self._frames:
            self._frames[row] = frame_of(self._compared.dataset.records[row], _SIDE)
        return self._frames[row]


def _choose(values: NDArray[np.float64], count: int) -> list[int]:
    """Rows, the largest value first: half of them the largest there are, the others spread over the rest."""
    order = _descending(values)
    worst, rest = order[: (count + 1) // 2], order[(count + 1) // 2 :]
    places = np.linspace(0, len(rest) - 1, min(count - len(worst), len(rest))).round().astype(int)
    return worst + [rest[place] for place in dict.fromkeys(places.tolist())]


def _descending(values: Sequence[float] | NDArray[np.float64]) -> list[int]:
    """Rows that have a value, the largest first."""
    array = np.asarray(values, np.float64)
    return [int(row) for row in np.argsort(-array, kind="stable") if np.isfinite(array[row])]
