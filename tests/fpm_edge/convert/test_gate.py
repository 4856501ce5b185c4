"""The drift gate: what is over its budget is named, all of it, in one table."""

import numpy as np
import pytest

from fpm_edge.accuracy.drift import DriftReport, compare_landmarks
from fpm_edge.convert.gate import Budget, check_drift, excess
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import GateError, UsageError

SCHEMA = LandmarkSchema(
    name="toy", landmarks=("hem", "cuff", "neck"), flip=(0, 1, 2), categories={"dress": (0, 1, 2), "skirt": (0, 1, 2)}
)
SIDE = 100


def report(pictures: int = 40, moved: dict[int, float] | None = None, skirts_move: float = 0.0) -> DriftReport:
    """A float model that is 5 % off, and a device that is further off in some landmarks, or in skirts."""
    categories = ["dress", "skirt"] * (pictures // 2)
    truth = np.full((pictures, 3, 2), SIDE / 2)
    floating = truth + np.array([SIDE * 0.05, 0.0])
    device = floating.copy()
    for landmark, extra in (moved or {}).items():
        device[:, landmark, 0] += SIDE * 0.05 * extra
    device[1::2, :, 0] += SIDE * 0.05 * skirts_move
    mask = np.ones((pictures, 3), np.bool_)
    sizes = np.full((pictures, 2), SIDE)
    return compare_landmarks(device[:, None], floating[:, None], mask, sizes, truth, SCHEMA, categories)


def failures(found: DriftReport, budget: Budget) -> list[list[str]]:
    """The rows of the table in the message, split at two spaces or more."""
    with pytest.raises(GateError, match="int8 tflite: the NE drift is over its budget; do this") as caught:
        check_drift(found, budget, "int8 tflite", "do this")
    assert caught.value.exit_code == 3
    _, heading, *rows = str(caught.value).splitlines()
    assert heading.split() == ["drift", "upper", "bound", "budget", "over", "by"]
    assert len({len(row) for row in (heading, *rows)}) == 1
    return [[cell for cell in row.split("  ") if cell] for row in rows]


def test_a_model_that_did_not_move_passes() -> None:
    check_drift(report(), Budget(0.0, 0.0), "x", "y")


def test_without_a_budget_everything_passes() -> None:
    check_drift(report(pictures=2, moved={0: 9.0}), None, "x", "y")


def test_overall() -> None:
    rows = failures(report(moved={0: 0.3, 1: 0.3, 2: 0.3}), Budget(0.03, 0.5))
    assert [[cell.strip() for cell in row] for row in rows] == [["all points", "+30.00%", "+30.00%", "3.00%", "27.00%"]]
    check_drift(report(moved={0: 0.3, 1: 0.3, 2: 0.3}), Budget(0.31, 0.5), "x", "y")


def test_one_landmark_fails_though_the_mean_is_fine() -> None:
    # The other two get better by as much as this one gets worse.
    moved = report(moved={0: 0.2, 1: -0.1, 2: -0.1})
    assert moved.stages[0].relative_drift is not None
    assert moved.stages[0].relative_drift.upper == pytest.approx(0.0, abs=1e-9)
    rows = failures(moved, Budget(0.03, 0.05))
    assert [row[0].strip() for row in rows] == ["landmark hem"]
    check_drift(moved, Budget(0.03, 0.21), "x", "y")


def test_one_category_fails_and_the_worst_is_first() -> None:
    rows = failures(report(moved={1: 0.01}, skirts_move=0.4), Budget(0.5, 0.25))
    names = [row[0].strip() for row in rows]
    assert names[0] == "category skirt"
    assert "category dress" not in names
    over = [float(row[-1].strip().rstrip("%")) for row in rows]
    assert over == sorted(over, reverse=True)


def test_the_bound_is_held_to_the_budget_not_the_estimate() -> None:
    one = np.random.default_rng(0)
    truth = np.full((40, 3, 2), SIDE / 2)
    floating = truth + one.normal(0, 5, truth.shape)
    device = floating + one.normal(0, 2, truth.shape)
    found = compare_landmarks(
        device[:, None], floating[:, None], np.ones((40, 3), np.bool_), np.full((40, 2), SIDE), truth, SCHEMA
    )
    relative = found.stages[0].relative_drift
    assert relative is not None
    assert relative.estimate < relative.upper
    between = (relative.estimate + relative.upper) / 2
    assert failures(found, Budget(between, 9.0))[0][0].strip() == "all points"
    check_drift(found, Budget(relative.upper, 9.0), "x", "y")


def test_a_landmark_of_few_pictures_is_not_judged_by_itself() -> None:
    few = 9
    truth = np.full((40, 3, 2), SIDE / 2)
    floating = truth + np.array([5.0, 0.0])
    device = floating.copy()
    device[:few, 0, 0] += 5
    mask = np.ones((40, 3), np.bool_)
    mask[few:, 0] = False
    arguments = (device[:, None], floating[:, None], mask, np.full((40, 2), SIDE), truth, SCHEMA)
    check_drift(compare_landmarks(*arguments), Budget(0.5, 0.05), "x", "y")


def test_too_few_pictures_bound_nothing() -> None:
    with pytest.raises(UsageError, match="measured on 8 pictures, which bounds nothing; give at least 10"):
        check_drift(report(pictures=8), Budget(0.1, 0.1), "x", "y")


def test_budgets_from_options() -> None:
    assert Budget.of(None) is None
    assert Budget.of(0.01) == Budget(0.01, 0.05)
    assert Budget.of(0.1) == Budget(0.1, 0.1)
    assert Budget.of(0.1, 0.2) == Budget(0.1, 0.2)
    with pytest.raises(UsageError, match="the NE drift budget is nan"):
        Budget.of(float("nan"))
    with pytest.raises(UsageError, match="the NE drift budget is inf"):
        Budget.of(0.01, float("inf"))
    with pytest.raises(UsageError, match="comes with one for all; give --max-ne-drift"):
        Budget.of(None, 0.1)


def test_the_excess_is_the_worst_rows() -> None:
    same = report()
    assert excess(same, Budget(0.0, 0.05)) == pytest.approx(0.0, abs=1e-9)
    moved = report(moved={0: 0.3, 1: 0.0, 2: 0.0})
    # The landmark is 30 % worse and has 5 %; all points are 10 % worse and have 8 %.
    assert excess(moved, Budget(0.08, 0.05)) == pytest.approx(0.25, abs=1e-6)
    assert excess(moved, Budget(0.08, 0.5)) == pytest.approx(0.02, abs=1e-6)
    with pytest.raises(UsageError, match="measured on 4 pictures"):
        excess(report(pictures=4), Budget(0.1, 0.1))
