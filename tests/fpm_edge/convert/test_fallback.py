"""The search for the cheapest pieces, on budgets whose cheapest set is known."""

from collections.abc import Callable, Mapping
from itertools import combinations

import pytest

from fpm_edge.convert.fallback import Cost, Fallback, Try, cheapest_within, find_needing

COSTS = {"stage_1": 30.0, "context": 10.0, "stage_2": 20.0, "stage_3": 25.0}
Names = tuple[str, ...]


def adding(effects: Mapping[str, float], start: float, seen: list[Names]) -> Callable[[Names], float]:
    """A drift from which every piece takes off its own part."""

    def over(names: Names) -> float:
        seen.append(names)
        return start - sum(effects[name] for name in names)

    return over


def cheapest(effects: Mapping[str, float], start: float) -> float:
    """By looking at all sets."""
    sets = (chosen for count in range(len(COSTS) + 1) for chosen in combinations(COSTS, count))
    return min(sum(COSTS[n] for n in chosen) for chosen in sets if start - sum(effects[n] for n in chosen) <= 0)


@pytest.mark.parametrize("start", [0.5, 1.0, 2.5, 4.0, 5.5, 7.0, 9.5])
@pytest.mark.parametrize(
    "effects",
    [
        {"stage_1": 4.0, "context": 1.0, "stage_2": 2.0, "stage_3": 3.0},
        {"stage_1": 1.0, "context": 4.0, "stage_2": 3.0, "stage_3": 2.0},
        {"stage_1": 2.5, "context": 2.5, "stage_2": 2.5, "stage_3": 2.5},
        {"stage_1": 9.0, "context": 0.5, "stage_2": 0.5, "stage_3": 0.0},
    ],
)
def test_effects_that_add_up_give_the_cheapest_set(effects: dict[str, float], start: float) -> None:
    seen: list[Names] = []
    found = cheapest_within(COSTS, start, adding(effects, start, seen))
    assert found is not None
    assert sum(COSTS[name] for name in found) == cheapest(effects, start)
    assert len(seen) == len(set(seen)) <= 1 + len(COSTS) + 8


def test_nothing_helps() -> None:
    seen: list[Names] = []
    assert cheapest_within(COSTS, 1.0, adding(dict.fromkeys(COSTS, 0.1), 1.0, seen)) is None
    assert seen == [tuple(COSTS)]


def test_pieces_that_help_only_together() -> None:
    """No piece promises anything by itself; those that are not needed are left out one by one."""
    seen: list[Names] = []

    def over(names: Names) -> float:
        seen.append(names)
        return -1.0 if {"context", "stage_3"} <= set(names) else 1.0

    assert cheapest_within(COSTS, 1.0, over) == ("context", "stage_3")
    assert len(seen) <= 1 + 2 * len(COSTS)


def test_a_measurement_that_is_no_number_is_not_within() -> None:
    assert cheapest_within(COSTS, 1.0, lambda names: float("nan")) is None


def test_every_try_is_told_with_its_cost() -> None:
    told: list[Try] = []
    each = {"stage_1": Cost(100, 0.5), "context": Cost(300, 0.1)}

    def needing(fallback: Fallback) -> Names:
        told.clear()
        found = find_needing(
            fallback,
            pieces=list(each),
            over=lambda names: 1.0 - len(names),
            costs=lambda names: each,
            on_try=told.append,
        )
        assert found.tries == tuple(told)
        return found.pieces

    # Either piece is enough: the one of fewer bytes, or of less time.
    assert needing(Fallback("float16")) == needing(Fallback("int16x8", "bytes")) == ("stage_1",)
    assert [(one.pieces, one.cost) for one in told] == [
        ((), Cost(0, 0.0)),
        (("stage_1", "context"), Cost(400, 0.6)),
        (("stage_1",), Cost(100, 0.5)),
    ]
    assert [one.within for one in told] == [False, True, True]
    assert needing(Fallback("int16x8")) == needing(Fallback("float16", "ms")) == ("context",)


def test_what_is_within_already_costs_nothing() -> None:
    def costs(names: Names) -> Mapping[str, Cost]:
        raise AssertionError("nothing is to be spent")

    found = find_needing(
        Fallback("float16"), pieces=["stage_1"], over=lambda names: 0.0, costs=costs, on_try=lambda _: None
    )
    assert (found.pieces, len(found.tries)) == ((), 1)


def test_all_pieces_where_even_they_are_not_enough() -> None:
    found = find_needing(
        Fallback("float16"),
        pieces=["stage_1", "stage_2"],
        over=lambda names: 1.0,
        costs=lambda names: dict.fromkeys(names, Cost(1, 1.0)),
        on_try=lambda _: None,
    )
    assert found.pieces == ("stage_1", "stage_2")
    assert not any(one.within for one in found.tries)
