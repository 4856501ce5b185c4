"""Which pictures calibrate: draws over strata, coverage, mining."""

from collections import Counter

import numpy as np
import pytest

from fpm_edge_calibration import choose_samples, farthest_first, stratum_of, swap_worst
from fpm_edge_runtime.errors import DataError, UsageError

CATEGORIES = ["blouse"] * 50 + ["dress"] * 30 + ["skirt"] * 3 + ["trousers"] * 17


def taken(count: int, seed: int = 0) -> Counter[str]:
    return Counter(CATEGORIES[i] for i in choose_samples(CATEGORIES, count, seed=seed))


def test_a_draw_is_as_even_as_the_strata_allow() -> None:
    assert taken(8) == {"blouse": 2, "dress": 2, "skirt": 2, "trousers": 2}
    assert taken(27) == {"blouse": 8, "dress": 8, "skirt": 3, "trousers": 8}
    assert taken(100) == Counter(CATEGORIES)


def test_a_choice_is_a_function_of_its_arguments() -> None:
    first = choose_samples(CATEGORIES, 20, seed=3)
    assert first == choose_samples(list(CATEGORIES), 20, seed=3)
    assert first != choose_samples(CATEGORIES, 20, seed=4)
    assert first == sorted(set(first))
    assert len(first) == 20
    assert all(type(index) is int and 0 <= index < 100 for index in first)


def test_one_stratum_is_a_plain_draw() -> None:
    draws = (Counter(CATEGORIES[i] for i in choose_samples([""] * 100, 20, seed=seed)) for seed in range(50))
    total = sum(draws, Counter[str]())
    assert total["blouse"] > 2 * total["trousers"] > 4 * total["skirt"] > 0


def test_all_pictures_can_be_taken_and_no_more() -> None:
    assert choose_samples(CATEGORIES, 100) == list(range(100))
    with pytest.raises(DataError, match="has 100 pictures, 101 are needed"):
        choose_samples(CATEGORIES, 101)
    with pytest.raises(UsageError, match="0 calibration samples"):
        choose_samples(CATEGORIES, 0)


def points(*xy: tuple[float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(xy, np.float32)


UPRIGHT = points((45, 10), (55, 10), (45, 90), (55, 90))


@pytest.mark.parametrize(
    ("landmarks", "pose"),
    [
        (UPRIGHT, "upright"),
        (UPRIGHT[:, ::-1].copy(), "wide"),
        (points((30, 90), (40, 90), (70, 10), (60, 10)), "leaning right"),
        (points((70, 90), (60, 90), (30, 10), (40, 10)), "leaning left"),
        # Turned upside down, the axis is the same.
        (UPRIGHT[::-1].copy(), "upright"),
    ],
)
def test_the_pose_is_the_direction_of_the_longer_axis(landmarks: np.ndarray, pose: str) -> None:  # type: ignore[type-arg]
    assert stratum_of("dress", landmarks, np.ones(4, np.int8)) == f"dress, all visible, {pose}"


def test_strata_by_occlusion() -> None:
    def occlusion(*visibility: int) -> str:
        return stratum_of("skirt", UPRIGHT, np.array(visibility, np.int8)).split(", ")[1]

    assert occlusion(1, 1, 1, 1) == "all visible"
    assert occlusion(1, 1, 0, 0) == "some hidden"
    assert occlusion(1, 0, 0, -1) == "most hidden"
    assert stratum_of("skirt", UPRIGHT, np.full(4, -1, np.int8)) == "skirt, all visible, no pose"


def test_farthest_first_takes_one_of_every_cluster() -> None:
    generator = np.random.default_rng(1)
    centres = np.array([[0, 0], [100, 0], [0, 100], [100, 100], [500, 500]], np.float32)
    members = np.repeat(np.arange(5), [100, 40, 20, 5, 1])
    features = (centres[members] + generator.normal(0, 2, (len(members), 2))).astype(np.float32)
    assert sorted(members[farthest_first(features, 5)]) == [0, 1, 2, 3, 4]
    assert farthest_first(features, 20)[:5] == farthest_first(features, 5)
    assert sorted(farthest_first(features, len(features))) == list(range(len(features)))


def test_features_count_by_their_spread_not_their_unit() -> None:
    generator = np.random.default_rng(2)
    features = generator.normal(0, 1, (200, 3)).astype(np.float32)
    assert farthest_first(features, 10) == farthest_first(features * np.float32([1, 1000, 0.01]), 10)
    # A feature that is always the same says nothing.
    constant = np.concatenate([features, np.full((200, 1), 7, np.float32)], axis=1)
    assert farthest_first(constant, 10) == farthest_first(features, 10)


def test_features_that_cannot_be_used() -> None:
    with pytest.raises(DataError, match="3 pictures to choose from, 4 are needed"):
        farthest_first(np.zeros((3, 2), np.float32), 4)
    with pytest.raises(DataError, match="not finite"):
        farthest_first(np.full((3, 2), np.nan, np.float32), 2)


def test_the_most_moved_take_the_place_of_the_least_moved() -> None:
    moved = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.7])
    assert swap_worst([0, 2, 4], moved, 1) == [1, 2, 4]
    assert swap_worst([0, 2, 4], moved, 2) == [1, 3, 4]
    assert swap_worst([0, 2, 4], moved, 9) == [1, 3, 5]


def test_nothing_is_swapped_for_a_picture_that_moves_less() -> None:
    moved = np.array([0.9, 0.1, 0.5, 0.5])
    assert swap_worst([0, 2], moved, 2) == [0, 2]
    assert swap_worst([0, 1, 2, 3], moved, 2) == [0, 1, 2, 3]
