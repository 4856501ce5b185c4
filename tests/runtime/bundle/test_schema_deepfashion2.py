"""The 294 landmarks of DeepFashion2: how many a category has, and that their flip pairs mirror the garment."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.schema_file import load_schema

SCHEMA = load_schema("deepfashion2")
# As the data set's own description counts them, in the order of its category_id, from 1.
COUNTS = {
    "short_sleeve_top": 25,
    "long_sleeve_top": 33,
    "short_sleeve_outwear": 31,
    "long_sleeve_outwear": 39,
    "vest": 15,
    "sling": 15,
    "shorts": 10,
    "trousers": 14,
    "skirt": 8,
    "short_sleeve_dress": 29,
    "long_sleeve_dress": 37,
    "vest_dress": 19,
    "sling_dress": 19,
}
NECK = [[1, 2], [2, 3, 4, 5, 6], [6, 1]]


def around(last: int, shoulder: int = 7) -> list[list[int]]:
    """A neckline, and one line from its left end over shoulder, sleeves and hem to its right end."""
    return [*NECK, [2, *range(shoulder, last + 1), 6]]


# The lines that join the landmarks in the published figure: each runs through these numbers.
OUTLINES = {
    "short_sleeve_top": around(25),
    "long_sleeve_top": around(33),
    "short_sleeve_outwear": [
        [1, 4, *range(7, 17), 31, 30, 2, 3, 4],
        [1, 6, *range(25, 16, -1), 29, 28, 27, 26, 5, 6],
    ],
    "long_sleeve_outwear": [
        [1, 2, *range(7, 21), 39, 38, 4, 3, 2],
        [1, 6, *range(33, 20, -1), 37, 36, 35, 34, 5, 6],
    ],
    "vest": around(15),
    "sling": [*NECK, [2, *range(8, 15), 6], [2, 7], [6, 15]],
    "shorts": [[1, *range(4, 11), 3, 2, 1]],
    "trousers": [[1, *range(4, 15), 3, 2, 1]],
    "skirt": [[1, *range(4, 9), 3, 2, 1]],
    "short_sleeve_dress": around(29),
    "long_sleeve_dress": around(37),
    "vest_dress": around(19),
    "sling_dress": [*NECK, [2, *range(8, 19), 6], [2, 7], [6, 19]],
}


def mirror(category: str) -> dict[int, int]:
    """Number of a landmark in its category → number of the one that takes its place in a mirror image."""
    indices = SCHEMA.categories[category]
    return {index - indices[0] + 1: SCHEMA.flip[index] - indices[0] + 1 for index in indices}


def test_counts_and_order() -> None:
    assert {name: len(indices) for name, indices in SCHEMA.categories.items()} == COUNTS
    assert [i for indices in SCHEMA.categories.values() for i in indices] == list(range(294))
    names = [f"{name}_{number}" for name, count in COUNTS.items() for number in range(1, count + 1)]
    assert list(SCHEMA.landmarks) == names


def test_flipping_twice_changes_nothing() -> None:
    assert [SCHEMA.flip[i] for i in SCHEMA.flip] == list(range(294))
    # What lies on the axis: the middle of neckline and hem, of a waistband, and the crotch.
    axis = {name: sorted(n for n, other in mirror(name).items() if n == other) for name in COUNTS}
    assert axis == {
        "short_sleeve_top": [1, 4, 16],
        "long_sleeve_top": [1, 4, 20],
        "short_sleeve_outwear": [1],
        "long_sleeve_outwear": [1],
        "vest": [1, 4, 11],
        "sling": [1, 4, 11],
        "shorts": [2, 7],
        "trousers": [2, 9],
        "skirt": [2, 6],
        "short_sleeve_dress": [1, 4, 18],
        "long_sleeve_dress": [1, 4, 22],
        "vest_dress": [1, 4, 13],
        "sling_dress": [1, 4, 13],
    }


@pytest.mark.parametrize("category", COUNTS)
def test_a_mirrored_outline_is_the_outline(category: str) -> None:
    lines = {frozenset(pair) for line in OUTLINES[category] for pair in pairwise(line)}
    assert set().union(*lines) == set(range(1, COUNTS[category] + 1))
    other = mirror(category)
    assert {frozenset(other[number] for number in line) for line in lines} == lines


def misfit(table: NDArray[np.float64], partners: NDArray[np.intp]) -> float:
    """How far the landmarks of a mirrored garment lie from where the garment has their partners, as a share of it."""
    both = (table[:, 2] > 0) & (table[partners, 2] > 0)
    assert both.sum() >= 20
    points, wanted = table[both, :2], table[partners[both], :2]
    mirrored = points * [-1, 1]
    off = (mirrored - mirrored.mean(axis=0) - wanted + wanted.mean(axis=0)) / np.ptp(points, axis=0)
    return float(np.hypot(*off.T).mean())


@pytest.mark.skipif("FPM_EDGE_DATA" not in os.environ, reason="FPM_EDGE_DATA not set")
def test_mirrored_photographs_look_like_others() -> None:
    """Two dresses, seen from the front: the nearest fit of a mirror image has each landmark where its partner was."""
    file = Path(os.environ["FPM_EDGE_DATA"]) / "mmpose_samples/deepfasion2/deepfasion2.json"
    annotations = json.loads(file.read_text())["annotations"]
    assert len(annotations) == 2
    for annotation in annotations:
        table = np.array(annotation["keypoints"], np.float64).reshape(294, 3)
        flip = np.array(SCHEMA.flip)
        assert misfit(table, flip) < 0.12
        # Pairs that are one place off along the outline, or none at all, fit worse.
        for other in (np.roll(flip, 1), np.roll(flip, -1), np.arange(294)):
            assert misfit(table, other) > 2 * misfit(table, flip)
        both = (table[:, 2] > 0) & (table[flip, 2] > 0)
        # The first of a pair is on the viewer's left.
        first = np.arange(294)[both] < flip[both]
        assert (table[both][first][:, 0] < table[flip[both]][first][:, 0]).all()
