#!/usr/bin/env python
"""What a second run on the mirrored picture gives: NE and PCK of one run, of the mirrored one, and of both together.

    benchmarks/garments_mirrored.py BUNDLE --data fashionai:GARMENTS --holdout GARMENTS/test_images.txt

The mirrored picture's landmarks are mirrored back and change names as the schema's flip pairs say. Then of each
landmark: the one with the higher score; the mean of both, by their scores; or that mean where both lie within NEAR of
each other, and the one with the higher score elsewhere. With the category given, NE by width and height over the
labelled points. Both runs take twice the time of one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_interval
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import predict_session, truth_of
from fpm_edge.data import Record, load_dataset, read_image, split_listed
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.pixels.metrics import normalized_error

NEAR, WITHIN = 0.1, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True, metavar="SPEC")
    parser.add_argument("--holdout", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    session = open_bundle(options.bundle).session()
    dataset = split_listed(load_dataset(options.data), options.holdout)[1]
    truth, flip = truth_of(dataset), list(session.schema.flip)
    labelled = point_mask(truth.visibility, "labelled")
    once, again = predict_session(session, dataset), predict_session(session, dataset, mirrored)
    plain, scores = once.landmarks, once.scores
    back, other = again.landmarks[:, :, flip].copy(), again.scores[:, :, flip]
    back[..., 0] = once.sizes[:, 0, None, None] - 1.0 - back[..., 0]

    higher = np.where((other > scores)[..., None], back, plain)
    shares = ((scores + 1e-6) / (scores + other + 2e-6))[..., None]
    mean = shares * plain + (1.0 - shares) * back
    apart = np.stack([normalized_error(plain[:, i], back[:, i], once.sizes) for i in range(plain.shape[1])], axis=1)
    ways = {
        "one run": plain,
        "the mirrored picture": back,
        "higher score": higher,
        "mean by scores": mean,
        "mean where near": np.where((apart <= NEAR)[..., None], mean, higher),
    }
    print(f"{options.bundle.name}, {len(dataset)} photographs\n")
    print("| | NE by stage | PCK@0.05 | NE of the last stage against one run |\n|---|---|---|---|")
    first = None
    for name, landmarks in ways.items():
        errors = [normalized_error(landmarks[:, i], truth.landmarks, once.sizes) for i in range(landmarks.shape[1])]
        last = np.where(labelled, errors[-1], 0.0).sum(axis=1).astype(np.float64)
        first = last if first is None else first
        change = bootstrap_interval(last - first, first)
        reached = " / ".join(f"{stage[labelled].mean():.4f}" for stage in errors)
        print(
            f"| {name} | {reached} | {(errors[-1][labelled] <= WITHIN).mean():.1%} | "
            f"{change.estimate:+.1%} ({change.lower:+.1%} to {change.upper:+.1%}) |"
        )


def mirrored(record: Record) -> NDArray[np.uint8]:
    """The picture of a record, left for right."""
    return np.ascontiguousarray(read_image(record)[:, ::-1])


if __name__ == "__main__":
    main()
