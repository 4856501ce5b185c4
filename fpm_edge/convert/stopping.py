"""How still landmarks must be for the remaining stages to be left out: fitted to what that costs in NE."""

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_interval
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, truth_of
from fpm_edge.data import Dataset
from fpm_edge_runtime.bundle.manifest import Convergence, Geometry
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.convergence import moved_px

__all__ = ["FEWEST_TO_FIT", "MAX_STOP_LOSS", "fit_convergence", "movements", "stages_needed"]

FEWEST_TO_FIT = 40
"""Pictures: one half of them chooses, the other half checks, and a bootstrap of fewer than 20 says little."""

MAX_STOP_LOSS = 0.01
"""Relative NE that may be lost where nothing else is asked for."""

# So many distances are tried, from still to moving.
_TRIED = 20


def movements(found: Predictions, dataset: Dataset, geometry: Geometry) -> NDArray[np.float64]:
    """(pictures, stages − 1): how far the clear landmarks moved into each stage from the second on (`moved_px`).

    Args:
        found: every stage's answer for every record of `dataset`.

    Returns:
        Pixels of the network's input; infinite where no landmark was clear.
    """
    schema, size = dataset.schema, (geometry.input_width, geometry.input_height)
    moved = np.empty((len(dataset), found.landmarks.shape[1] - 1))
    for row, record in enumerate(dataset.records):
        width, height = (int(side) for side in found.sizes[row])
        inside = Letterbox.fit((width, height), size, record.box).to_input(found.landmarks[row])
        labelled = np.zeros(len(schema.landmarks), np.bool_)
        labelled[list(schema.landmarks_of(record.category))] = True
        moved[row] = [
            moved_px(inside[stage - 1], inside[stage], found.scores[row, stage], labelled)
            for stage in range(1, len(inside))
        ]
    return moved


def stages_needed(moved: NDArray[np.float64], px: float) -> NDArray[np.intp]:
    """(pictures,) how many stages run with `converge_px` = px."""
    # Into the last stage there is nothing left to leave out.
    still = np.concatenate([moved[:, :-1] <= px, np.ones((len(moved), 1), np.bool_)], axis=1)
    return np.asarray(np.argmax(still, axis=1) + 2)


def fit_convergence(found: Predictions, dataset: Dataset, geometry: Geometry, max_ne_loss: float) -> Convergence | None:
    """The largest distance that keeps the relative NE lost within `max_ne_loss`, see `Convergence`.

    Distances are tried from small to large, until the first whose upper bound is over. Every second picture chooses,
    the others say what it costs.

    Returns:
        None with two stages or fewer, fewer than 40 pictures, or where even the smallest distance costs too much.
    """
    if found.landmarks.shape[1] < 3 or len(dataset) < FEWEST_TO_FIT:
        return None
    truth = truth_of(dataset)
    mask = point_mask(truth.visibility, "labelled")
    errors = np.stack(
        [
            np.where(mask, normalized_error(found.landmarks[:, stage], truth.landmarks, found.sizes), 0.0).sum(axis=1)
            for stage in range(found.landmarks.shape[1])
        ],
        axis=1,
    )
    moved = movements(found, dataset, geometry)
    choose, check = slice(0, None, 2), slice(1, None, 2)
    if not (errors[choose, -1].any() and errors[check, -1].any()):
        return None

    def lost(part: slice, px: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        stopped = np.take_along_axis(errors[part], stages_needed(moved[part], px)[:, np.newaxis] - 1, axis=1)[:, 0]
        return stopped - errors[part, -1], errors[part, -1]

    finite = moved[choose, :-1][np.isfinite(moved[choose, :-1])]
    chosen = None
    for px in np.unique(np.quantile(finite, np.linspace(0.0, 1.0, _TRIED))) if finite.size else ():
        if bootstrap_interval(*lost(choose, px)).upper > max_ne_loss:
            break
        chosen = float(px)
    if chosen is None:
        return None
    return Convergence(
        px=chosen,
        max_ne_loss=max_ne_loss,
        ne_loss=bootstrap_interval(*lost(check, chosen)),
        stages_run=float(stages_needed(moved[check], chosen).mean()),
        pictures=len(moved[check]),
    )
