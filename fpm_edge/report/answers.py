"""What one variant, its float model and the annotations say about every picture, and how far they are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, Truth
from fpm_edge.data import Dataset
from fpm_edge.pictures.overlay import FAINT_SCORE
from fpm_edge.report.accuracy import picture_means
from fpm_edge.report.scene import Frame, Mark
from fpm_edge.report.words import ne
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["Compared"]


@dataclass(frozen=True, eq=False)
class Compared:
    """Answers of the variant that is called `name` on `dataset`, and of its float model (None without one).

    `truth` has what is not to be drawn marked as not labelled.
    """

    name: str
    dataset: Dataset
    truth: Truth
    found: Predictions
    expected: Predictions | None

    @property
    def stages(self) -> int:
        """The last stage that can be compared."""
        mine: int = self.found.landmarks.shape[1]
        return mine if self.expected is None else min(mine, int(self.expected.landmarks.shape[1]))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(pictures, L) which points are labelled."""
        return point_mask(self.truth.visibility, "labelled")

    def errors(self, stage: int) -> NDArray[np.float64]:
        """(pictures, L) NE of the variant after a stage."""
        return normalized_error(self.found.landmarks[:, stage - 1], self.truth.landmarks, self.found.sizes)

    def wrong(self, stage: int) -> NDArray[np.float64]:
        """(pictures,) mean NE after a stage; NaN without a labelled point."""
        return picture_means(self.errors(stage), self.mask)

    def apart(self) -> NDArray[np.float64]:
        """(pictures,) mean disagreement with the float model at the last stage; without one, the NE."""
        if self.expected is None:
            return self.wrong(self.stages)
        one, other = (answers.landmarks[:, self.stages - 1] for answers in (self.found, self.expected))
        return picture_means(normalized_error(one, other, self.found.sizes), self.mask)

    def marks(self, row: int, stage: int, frame: Frame, reference: bool = True) -> tuple[Mark, ...]:
        """The labelled landmarks of a picture after a stage, in a frame; without the float model's if so asked."""
        size = self.found.sizes[row]
        wanted = self.expected if reference else None
        made = []
        for i in np.flatnonzero(self.mask[row]):
            mine, true = self.found.landmarks[row, stage - 1, i], self.truth.landmarks[row, i]
            other = None if wanted is None else wanted.landmarks[row, stage - 1, i]
            note = f"{ne(float(np.hypot(*((mine - true) / size))))} from the truth"
            if other is not None:
                note += f", {ne(float(np.hypot(*((mine - other) / size))))} from float"
            score = self.found.scores[row, stage - 1, i]
            made.append(
                Mark(
                    name=self.dataset.schema.landmarks[i].replace("_", " "),
                    found=_pair(frame, mine),
                    sure=bool(score >= FAINT_SCORE),
                    reference=None if other is None else _pair(frame, other),
                    truth=_pair(frame, true),
                    note=f"{note}, score {score:.2f}",
                )
            )
        return tuple(made)


def _pair(frame: Frame, point: NDArray[np.float32]) -> tuple[float, float]:
    x, y = frame.place(point)
    return float(x), float(y)
