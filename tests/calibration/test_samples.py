"""Which pictures calibrate."""

from collections import Counter

import pytest

from fpm_edge_calibration import STRATEGIES, choose_samples
from fpm_edge_runtime.errors import DataError, UsageError

CATEGORIES = ["blouse"] * 50 + ["dress"] * 30 + ["skirt"] * 3 + ["trousers"] * 17


def taken(count: int, strategy: str = "stratified", seed: int = 0) -> Counter[str]:
    return Counter(CATEGORIES[i] for i in choose_samples(CATEGORIES, count, strategy=strategy, seed=seed))


def test_stratified_is_as_even_as_the_categories_allow() -> None:
    assert taken(8) == {"blouse": 2, "dress": 2, "skirt": 2, "trousers": 2}
    assert taken(27) == {"blouse": 8, "dress": 8, "skirt": 3, "trousers": 8}
    assert taken(100) == Counter(CATEGORIES)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_choice_is_a_function_of_its_arguments(strategy: str) -> None:
    first = choose_samples(CATEGORIES, 20, strategy=strategy, seed=3)
    assert first == choose_samples(list(CATEGORIES), 20, strategy=strategy, seed=3)
    assert first != choose_samples(CATEGORIES, 20, strategy=strategy, seed=4)
    assert first == sorted(set(first))
    assert len(first) == 20
    assert all(type(index) is int and 0 <= index < 100 for index in first)


def test_random_takes_categories_as_they_come() -> None:
    total = sum((taken(20, "random", seed) for seed in range(50)), Counter[str]())
    assert total["blouse"] > 2 * total["trousers"] > 4 * total["skirt"] > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_pictures_can_be_taken_and_no_more(strategy: str) -> None:
    assert choose_samples(CATEGORIES, 100, strategy=strategy) == list(range(100))
    with pytest.raises(DataError, match="has 100 pictures, 101 are needed"):
        choose_samples(CATEGORIES, 101, strategy=strategy)


def test_arguments_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="0 calibration samples"):
        choose_samples(CATEGORIES, 0)
    with pytest.raises(UsageError, match="unknown sample strategy 'best'; expected one of: random, stratified"):
        choose_samples(CATEGORIES, 5, strategy="best")
