"""How far a bundle's landmarks are from its float model's, picture by picture: what `drift_alarm.py` draws from.

    benchmarks/disagreements.py lite.fpm --data rendered:4000@102 -o runs/drift-alarm/disagreements.npz

BUNDLE must hold its float model (`fpm-edge convert --reference`). Prints mean and spread by stage.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import load_dataset
from fpm_edge.predict import predict_session, truth_of
from fpm_edge_runtime import normalized_error, open_bundle
from fpm_edge_runtime.metrics import point_mask


def disagreements(bundle: Path, data: str) -> NDArray[np.float32]:
    """(pictures, stages, landmarks) NE units; NaN where a picture has no such landmark."""
    opened, dataset = open_bundle(bundle), load_dataset(data)
    reference = opened.reference()
    if reference is None:
        raise SystemExit(f"{bundle} holds no float model; convert it with --reference")
    found = predict_session(opened.session(threads=1), dataset)
    expected = predict_session(reference.session(threads=1), dataset)
    mask = point_mask(truth_of(dataset).visibility, "labelled")
    return np.stack(
        [
            np.where(mask, normalized_error(found.landmarks[:, i], expected.landmarks[:, i], found.sizes), np.nan)
            for i in range(opened.stages)
        ],
        axis=1,
    ).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    found = disagreements(arguments.bundle, arguments.data)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.output, disagreements=found)
    print("| stage | mean of points | mean of pictures | standard deviation | 99 % | largest picture | points over 0.05 |")
    print("|---|---|---|---|---|---|---|")
    for stage in range(found.shape[1]):
        points = found[:, stage]
        pictures = np.nanmean(points, axis=1)
        cells = [np.nanmean(points), pictures.mean(), pictures.std(), np.quantile(pictures, 0.99), pictures.max()]
        far = np.nanmean(np.where(np.isnan(points), np.nan, points > 0.05))
        print(f"| {stage + 1} | {' | '.join(f'{cell:.5f}' for cell in cells)} | {far:.2%} |")


if __name__ == "__main__":
    main()
