"""How well a bundle's rule finds the category of garments, and that there is none."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, truth_of
from fpm_edge.data import NOTHING, Dataset
from fpm_edge_runtime import Manifest
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.recognizer import Recognizer

__all__ = ["StageRecognition", "recognition_of"]


@dataclass(frozen=True)
class StageRecognition:
    """One stage.

    Attributes:
        stage: from 1.
        garments: how many were asked about; found: share of them whose category was found; lost: share of them that
            were taken for none.
        nothing: pictures without a garment; nothing_found: share of them that were found to be such, None without any.
        ne_given: NE over the labelled points, with the category given. ne_found: the same with the category found: a
            point that the found category does not have counts with the distance from the middle of the region, which
            is what one says who knows nothing. Both None where nothing is labelled.
        offered: share of the labelled points that the found category has.
        confusion: true category → found category → pictures; only what occurs.
    """

    stage: int
    garments: int
    found: float
    lost: float
    nothing: int
    nothing_found: float | None
    ne_given: float | None
    ne_found: float | None
    offered: float | None
    confusion: Mapping[str, Mapping[str, int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def recognition_of(
    manifest: Manifest,
    found: Predictions,
    dataset: Dataset,
    nothing: Predictions | None = None,
) -> tuple[StageRecognition, ...]:
    """One entry a stage; none where the bundle has no rule for categories.

    Args:
        manifest: of the bundle.
        found: its answers for the garments of `dataset`.
        nothing: its answers for pictures without a garment.
    """
    if manifest.recognition is None or manifest.recognition.categories is None:
        return ()
    recognizer = Recognizer(manifest)
    truth = truth_of(dataset)
    mask = point_mask(truth.visibility, "labelled")
    middles = _middles(dataset, found.sizes)
    stages = []
    for index in range(found.landmarks.shape[1]):
        answers = [recognizer.at(index + 1, scores, None) for scores in found.scores[:, index]]
        names = [str(answer.category) for answer in answers]
        nothing_names = []
        if nothing is not None:
            nothing_names = [str(recognizer.at(index + 1, row, None).category) for row in nothing.scores[:, index]]
        offered = np.stack([answer.labelled for answer in answers])
        given = normalized_error(found.landmarks[:, index], truth.landmarks, found.sizes)
        unknown = normalized_error(np.broadcast_to(middles, truth.landmarks.shape), truth.landmarks, found.sizes)
        right = [name == true for name, true in zip(names, truth.categories, strict=True)]
        stages.append(
            StageRecognition(
                stage=index + 1,
                garments=len(names),
                found=float(np.mean(right)),
                lost=float(np.mean([name == NOTHING for name in names])),
                nothing=len(nothing_names),
                nothing_found=float(np.mean([n == NOTHING for n in nothing_names])) if nothing_names else None,
                ne_given=_mean(given[mask]),
                ne_found=_mean(np.where(offered, given, unknown)[mask]),
                offered=_mean(offered[mask]),
                confusion=_confusion((*truth.categories, *(NOTHING for _ in nothing_names)), (*names, *nothing_names)),
            )
        )
    return tuple(stages)


def _middles(dataset: Dataset, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(pictures, 1, 2) the middle of what the network saw of each picture, pixels."""
    middles = []
    for record, (width, height) in zip(dataset.records, sizes.tolist(), strict=True):
        x0, y0, x1, y1 = Letterbox.fit((int(width), int(height)), (64, 64), record.box).box
        middles.append([((x0 + x1) / 2 - 0.5, (y0 + y1) / 2 - 0.5)])
    return np.array(middles)


def _confusion(true: tuple[str, ...], found: tuple[str, ...]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for mine, its in zip(true, found, strict=True):
        row = table.setdefault(mine, {})
        row[its] = row.get(its, 0) + 1
    return table


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if values.size else None
