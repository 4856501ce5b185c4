"""How far a bundle's landmarks are from its float model's, picture by picture: what `drift_alarm.py` draws from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.predict import predict_session
from fpm_edge.data import load_dataset
from fpm_edge_runtime import normalized_error, open_bundle


def disagreements(bundle: Path, data: str) -> NDArray[np.float32]:
    """(pictures, stages, landmarks) NE units; NaN for landmarks that the picture's category does not have.

    As the shadow comparison has them: a landmark of the category that is outside the picture counts too.
    """
    opened, dataset = open_bundle(bundle), load_dataset(data)
    reference = opened.reference()
    if reference is None:
        raise SystemExit(f"{bundle} holds no float model; convert it with --reference")
    found = predict_session(opened.session(threads=1), dataset)
    expected = predict_session(reference.session(threads=1), dataset)
    mask = np.zeros((len(dataset), len(dataset.schema.landmarks)), np.bool_)
    for row, record in zip(mask, dataset.records, strict=True):
        row[list(dataset.schema.landmarks_of(record.category))] = True
    return np.stack(
        [
            np.where(mask, normalized_error(found.landmarks[:, i], expected.landmarks[:, i], found.sizes), np.nan)
            for i in range(opened.stages)
        ],
        axis=1,
    ).astype(np.float32)


def print_stages(found: NDArray[np.float32]) -> None:
    """Markdown: mean and spread by stage; `found` as `disagreements` gives it."""
    print(
        "| stage | mean of points | mean of pictures | standard deviation | 99 % | largest picture | points over 0.05 |"
    )
    print("|---|---|---|---|---|---|---|")
    for stage in range(found.shape[1]):
        points = found[:, stage]
        pictures = np.nanmean(points, axis=1)
        cells = [np.nanmean(points), pictures.mean(), pictures.std(), np.quantile(pictures, 0.99), pictures.max()]
        far = (points > 0.05).sum() / np.isfinite(points).sum()
        print(f"| {stage + 1} | {' | '.join(f'{cell:.5f}' for cell in cells)} | {far:.2%} |")
