"""Where the error of a bundle is: few points or many, faint ones, mistaken categories, left for right.

    benchmarks/garments_errors.py OUT/lite-m.fpm --data fashionai:GARMENTS --holdout GARMENTS/test_images.txt
    benchmarks/garments_errors.py OUT/lite-m.fpm --data fashionai:OUT/seen --holdout OUT/dev.txt --trained

With the categories given, the last stage, NE by width and height over the labelled points. With --trained it looks at
what is left when the listed photographs are held back, which is what the weights were trained on.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import predict_session, truth_of
from fpm_edge.data import load_dataset, split_listed
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.recognizer import Recognizer

FAR, NEAR = 0.1, 0.05
SCORES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", required=True, metavar="SPEC")
    parser.add_argument("--holdout", type=Path, required=True, metavar="FILE")
    parser.add_argument("--trained", action="store_true", help="the photographs that the file does not list")
    options = parser.parse_args()
    opened = open_bundle(options.bundle)
    dataset = split_listed(load_dataset(options.data), options.holdout)[0 if options.trained else 1]
    found = predict_session(opened.session(), dataset)
    truth = truth_of(dataset)
    labelled = point_mask(truth.visibility, "labelled")
    landmarks, scores = found.landmarks[:, -1], found.scores[:, -1]
    errors = normalized_error(landmarks, truth.landmarks, found.sizes)
    print(f"{options.bundle.name}, {len(dataset)} photographs: NE {errors[labelled].mean():.4f}\n")
    print_scores(errors[labelled], scores[labelled])

    far = labelled & (errors > FAR)
    other = truth.landmarks[:, opened.schema.flip]
    swapped = far & (normalized_error(landmarks, other, found.sizes) < NEAR) & labelled[:, opened.schema.flip]
    print(
        f"\noff by more than {FAR}: {far.sum()} of {labelled.sum()} points ({far.sum() / labelled.sum():.1%}), "
        f"{errors[far].sum() / errors[labelled].sum():.0%} of the error; {swapped.sum()} of them lie within {NEAR} of "
        "the other side's landmark"
    )
    if opened.manifest.recognition is not None and opened.manifest.recognition.categories is not None:
        recognizer = Recognizer(opened.manifest)
        names = [recognizer.at(opened.stages, row, None).category for row in scores]
        right = np.array([name == true for name, true in zip(names, truth.categories, strict=True)])
        for word, those in (("found", right), ("mistaken", ~right)):
            print(f"category {word}: {those.sum()} photographs, NE {mean(errors[those], labelled[those])}")


def print_scores(errors: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    """Markdown: the points by their score."""
    print("| score | share of the points | NE | off by more than 0.1 | share of the error |")
    print("|---|---|---|---|---|")
    for low, high in pairwise(SCORES):
        those = (scores >= low) & ((scores < high) | (high == SCORES[-1]))
        part = errors[those]
        if part.size:
            print(
                f"| {low:g} to {high:g} | {those.mean():.1%} | {part.mean():.4f} | {(part > FAR).mean():.0%} "
                f"| {part.sum() / errors.sum():.0%} |"
            )


def mean(errors: NDArray[np.float32], mask: NDArray[np.bool_]) -> str:
    """NE of the masked points, or a dash."""
    return f"{errors[mask].mean():.4f}" if mask.any() else "–"


if __name__ == "__main__":
    main()
