"""The summary of a data set."""

import math
from pathlib import Path

import numpy as np

from fpm_edge.data import Dataset, Record, describe
from fpm_edge_runtime.schema import load_schema

SCHEMA = load_schema("deepfashion8")


def record(image: str, category: str, visibility: list[int], x: list[float]) -> Record:
    landmarks = np.array([x, [5.0] * 8], np.float32).T.copy()
    return Record(Path(image), category, landmarks, np.array(visibility, np.int8), image, None)


def test_counts() -> None:
    rising = [float(v) for v in range(8)]
    dataset = Dataset(
        (
            record("a.jpg", "full_body", [1, 1, 0, 1, 1, 1, -1, 1], rising),
            record("a.jpg", "lower_body", [-1, -1, -1, -1, 0, 1, 1, 1], rising[::-1]),
            record("b.jpg", "full_body", [1, -1, -1, 1, 1, 1, 1, 1], [3.0] * 8),
        ),
        SCHEMA,
        "made up",
        skipped=("x", "y"),
        notes=("said",),
    )
    summary = describe(dataset)
    assert (summary.records, summary.pictures, summary.skipped, summary.cropped) == (3, 2, 2, 0)
    assert summary.categories == {"upper_body": 0, "lower_body": 1, "full_body": 2}
    assert summary.notes == ("said",)
    sleeve, waist = summary.landmarks[2], summary.landmarks[4]
    assert (sleeve.landmark, sleeve.expected, sleeve.visible, sleeve.occluded) == ("left_sleeve", 2, 0, 1)
    assert (waist.landmark, waist.expected, waist.visible, waist.occluded) == ("left_waistline", 3, 2, 1)
    assert (summary.visible, summary.occluded, summary.unlabelled) == (15, 2, 3)
    collar, _, waistline, hem = summary.pairs
    assert (collar.first, collar.second, collar.count, collar.first_is_left) == ("left_collar", "right_collar", 1, 1.0)
    assert (waistline.count, waistline.first_is_left) == (2, 0.5)
    assert (hem.count, hem.first_is_left) == (1, 0.0)
    assert summary.first_is_left == 3 / 5


def test_a_landmark_of_its_own_is_no_pair() -> None:
    schema = load_schema("lsp14")
    person = Record(Path("a"), "person", np.zeros((14, 2), np.float32), np.ones(14, np.int8), "a")
    pairs = describe(Dataset((person,), schema, "one")).pairs
    assert len(pairs) == 6
    assert not {"neck", "head_top"} & {name for pair in pairs for name in (pair.first, pair.second)}


def test_no_pair_has_no_share() -> None:
    summary = describe(Dataset((record("a", "full_body", [1] + [-1] * 7, [0.0] * 8),), SCHEMA, "one"))
    assert math.isnan(summary.first_is_left)
    assert summary.pairs[0].count == 0
