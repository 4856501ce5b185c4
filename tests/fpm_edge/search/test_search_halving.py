"""Who goes on, who is chosen, and what is on the disk: no network needed."""

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge.accuracy.median import median_ranks
from fpm_edge.model.presets import preset
from fpm_edge.search.budgets import Budgets
from fpm_edge.search.halving import judge, layers, pareto
from fpm_edge.search.result import nearest_of, within
from fpm_edge.search.setup import RUNGS, Rung, rungs_for
from fpm_edge.search.space import PRECISIONS, Candidate, File, Space, usual_sizes
from fpm_edge.search.store import Store
from fpm_edge.search.trial import PartBound, Score, Time, Trial, time_of
from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.errors import DataError, ModelError, UsageError
from fpm_edge_runtime.stages.results import Timings

REFERENCE_NE = 0.04
BUDGETS = Budgets.of(0.03, None, 2.0, None)


def trial(
    drift: tuple[float, float, float],
    ms: tuple[float, float, float],
    *,
    stages: int = 3,
    threads: int = 1,
    size: int = 1_000_000,
    part: float | None = None,
    file: File | None = None,
) -> Trial:
    """Bounds are (lower, estimate, upper)."""
    candidate = Candidate(file or File("int8", (192, 192)), "litert", stages, threads)
    worst = None if part is None else PartBound("landmark crotch", part)
    interval = Interval(drift[1], drift[0], drift[2])
    score = Score(stages, 32, REFERENCE_NE * (1 + drift[1]), REFERENCE_NE, interval, worst)
    return Trial(1, candidate, score, Time(ms[1], ms[0], ms[2], ms[2], 5, 1.0), size)


def reasons(trials: list[Trial], budgets: Budgets = BUDGETS) -> dict[Candidate, str]:
    return {candidate: drop.reason for candidate, drop in judge(trials, budgets, fewest=1).items()}


def test_what_is_over_a_budget_for_certain_is_dropped() -> None:
    good = trial((-0.01, 0.0, 0.02), (1.0, 1.1, 1.2), stages=1)
    open_still = trial((0.02, 0.05, 0.08), (1.9, 2.1, 2.3), stages=2)
    slow = trial((-0.02, -0.01, 0.0), (2.01, 2.2, 2.4), stages=3)
    wrong = trial((0.04, 0.06, 0.07), (0.5, 0.6, 0.7), stages=4)
    found = reasons([good, open_still, slow, wrong])
    assert found[slow.candidate] == "over: latency ≥ 2.01 ms (2 ms)"
    assert found[wrong.candidate] == "over: NE drift ≥ +4.0% (3.0%)"
    assert good.candidate not in found


def test_what_is_beaten_by_the_bounds_is_dropped() -> None:
    best = trial((-0.02, -0.01, 0.0), (0.9, 1.0, 1.1), stages=1)
    beaten = trial((0.01, 0.015, 0.02), (1.2, 1.3, 1.4), stages=2)
    # Slower, but perhaps as accurate: bounds cannot decide, estimates have room for it.
    unsure = trial((-0.01, 0.0, 0.02), (1.2, 1.3, 1.4), stages=3)
    dropped = judge([best, beaten, unsure], BUDGETS)
    assert dropped[beaten.candidate].certain
    assert dropped[beaten.candidate].reason == (
        "beaten by the bounds of int8 at 192 × 192, 1 stage, litert with 1 thread"
    )
    assert set(dropped) == {beaten.candidate}


def test_of_the_same_answers_the_faster_stays() -> None:
    one = trial((-0.01, 0.0, 0.02), (1.5, 1.6, 1.7), threads=1)
    two = trial((-0.01, 0.0, 0.02), (0.9, 1.0, 1.1), threads=2)
    assert set(judge([one, two], BUDGETS)) == {one.candidate}


def test_size_counts_only_where_it_has_a_budget() -> None:
    best = trial((-0.02, -0.01, 0.0), (0.9, 1.0, 1.1), stages=1, size=2_000_000)
    small = trial((0.01, 0.015, 0.02), (1.2, 1.3, 1.4), stages=2, size=500_000)
    assert small.candidate in judge([best, small], BUDGETS)
    limited = Budgets.of(0.03, None, 2.0, 2.5)
    assert judge([best, small], limited) == {}
    assert pareto([best, small], True) == [best, small]
    assert pareto([best, small], False) == [best]
    assert [str(miss) for miss in Budgets.of(0.03, None, 2.0, 1.5).misses(best)] == ["size 2.00 MB, budget 1.5 MB"]


def test_half_goes_on_and_the_pareto_set_always() -> None:
    # All within each other's bounds; one better and faster than the other by the estimates.
    row = [
        trial((-0.02, 0.001 * i, 0.02), (0.5, 1 + 0.1 * i, 1.95), file=File("int8", (8 * (i + 1), 8))) for i in range(8)
    ]
    dropped = judge(row, BUDGETS, fewest=1)
    assert set(dropped) == {one.candidate for one in row[4:]}
    assert not any(drop.certain for drop in dropped.values())
    assert dropped[row[7].candidate].reason == "not among the best 4: in Pareto set 8 of 8"
    # A handful is not worth it.
    assert judge(row, BUDGETS) == {}
    ladder = [
        trial((-0.02, 0.005 * i, 0.04), (0.5, 1.8 - 0.1 * i, 1.95), file=File("int8", (8 * (i + 1), 8)))
        for i in range(8)
    ]
    assert judge(ladder, BUDGETS, fewest=1) == {}


def test_what_keeps_the_budgets_makes_room_last() -> None:
    front = trial((-0.05, 0.0, 0.2), (0.5, 0.6, 0.7), stages=1)
    nearly = [trial((-0.05, 0.0, 0.2), (0.6, 0.7 + 0.1 * i, 1.9), stages=2 + i) for i in range(2)]
    keeps = trial((-0.02, 0.001, 0.02), (0.6, 1.5, 1.9), stages=5)
    found = reasons([front, *nearly, keeps])
    assert keeps.candidate not in found
    assert found[nearly[1].candidate] == "not among the best 2: misses the budgets by up to 16.5%"


def test_what_would_be_chosen_now_stays() -> None:
    front = trial((-0.05, 0.0, 0.2), (0.5, 0.6, 0.7), stages=1)
    # Another is better and faster by the estimates; but this one is sure of its NE.
    sure = trial((0.0, 0.01, 0.02), (0.6, 1.5, 1.9), stages=2)
    others = [trial((-0.05, 0.005, 0.025), (0.6, 0.7 + 0.1 * i, 1.9), stages=3 + i) for i in range(3)]
    dropped = judge([front, sure, *others], BUDGETS, fewest=1)
    assert set(dropped) == {one.candidate for one in others[1:]}


def test_where_all_are_over_the_nearest_go_on() -> None:
    trials = [trial((0.1 * i, 0.1 * i, 0.1 * i), (9.0 + i, 10.0 + i, 11.0 + i), stages=i) for i in range(1, 9)]
    dropped = judge(trials, BUDGETS)
    assert 0 < len(dropped) < len(trials)
    assert trials[0].candidate not in dropped
    assert judge(trials[:1], BUDGETS) == {}


def test_pareto_sets_are_all_trials() -> None:
    rng = np.random.default_rng(0)
    trials = [
        trial((d, d, d), (t, t, t), file=File("int8", (8 * (i + 1), 8)))
        for i, (d, t) in enumerate(rng.random((40, 2)).tolist())
    ]
    sets = layers(trials, False)
    assert sorted(one.candidate for members in sets for one in members) == sorted(one.candidate for one in trials)
    for members, following in itertools.pairwise(sets):
        for one in following:
            assert any(other.score.ne <= one.score.ne and other.time.median < one.time.median for other in members)


def test_the_choice_is_the_most_accurate_then_the_fastest() -> None:
    accurate = trial((-0.02, -0.01, 0.0), (1.7, 1.8, 1.9), stages=3)
    # The same NE to four digits, and faster.
    as_good = trial((-0.02, -0.01, 0.0005), (1.4, 1.5, 1.6), stages=2)
    fast = trial((0.0, 0.01, 0.02), (0.4, 0.5, 0.6), stages=1)
    part = trial((-0.03, -0.02, -0.01), (0.4, 0.5, 0.6), stages=4, part=0.06)
    trials = [fast, accurate, part, as_good]
    assert within(trials, BUDGETS) == [as_good, accurate, fast]
    assert [str(miss) for miss in BUDGETS.misses(part)] == ["landmark crotch +6.0%, budget 5.0%"]


def test_the_nearest_misses_by_least_of_what_is_allowed() -> None:
    # 20 % too slow, against an NE that is 10 % over what is allowed.
    slow = trial((-0.01, 0.0, 0.01), (2.2, 2.3, 2.4), stages=3)
    wrong = trial((0.1, 0.12, 1.03 * 1.1 - 1), (0.4, 0.5, 0.6), stages=1)
    found = nearest_of([slow, wrong], BUDGETS)
    assert found is not None
    assert found.trial == wrong
    assert found.misses[0].excess == pytest.approx(0.1)
    assert nearest_of([], BUDGETS) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((float("nan"), None, 2.0, None), "NE drift budget is nan"),
        ((-1.0, None, 2.0, None), "NE drift budget is -1.0"),
        ((0.03, None, 0.0, None), "latency budget is 0.0; expected milliseconds above 0"),
        ((0.03, None, 2.0, -1.0), "size budget is -1.0; expected megabytes above 0"),
    ],
)
def test_budgets_that_cannot_be(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Budgets.of(*given)


def test_bounds_of_a_median_hold_for_any_distribution() -> None:
    assert [median_ranks(count) for count in (1, 2, 5, 6, 15, 50)] == [
        (0, 0),
        (0, 1),
        (0, 4),
        (0, 5),
        (3, 11),
        (17, 32),
    ]
    rng = np.random.default_rng(0)
    times = np.sort(rng.exponential(size=(4000, 50)), axis=1)
    low, high = median_ranks(50)
    covered = (times[:, low] <= np.log(2)) & (np.log(2) <= times[:, high])
    assert 0.95 <= covered.mean() <= 0.98


def test_a_time_is_stages_and_decoding() -> None:
    runs = [Timings(7.0, {"stage_1": 1.0 + i, "context": 0.5}, 0.25, 99.0) for i in range(5)]
    time = time_of(runs)
    assert (time.median, time.lower, time.upper, time.runs, time.preprocess) == (3.75, 1.75, 5.75, 5, 7.0)


def test_the_space_is_every_combination(schema24: Any) -> None:
    config = preset("lite", schema24)
    assert usual_sizes(config) == ((192, 192), (168, 168), (144, 144), (120, 120), (96, 96))  # type: ignore[arg-type]
    assert usual_sizes(preset("paper", schema24))[:3] == ((512, 512), (448, 448), (384, 384))  # type: ignore[arg-type]
    assert usual_sizes(preset("tiny", schema24, input_size=(8, 4))) == ((8, 4), (4, 4))  # type: ignore[arg-type]
    space = Space.of(config, engines=["litert", "onnxruntime"], threads=[2, 1, 2])  # type: ignore[arg-type]
    assert len(list(space)) == len(set(space)) == len(space) == 3 * len(PRECISIONS) * 5 * 2 * 2
    assert space.threads == (1, 2)
    # What is exact comes first, and what is of one conversion together.
    assert [file.name for file in dict.fromkeys(candidate.file for candidate in space)][:2] == [
        "float32-192x192",
        "float16-192x192",
    ]
    assert set(PRECISIONS) >= {"int8", "float16", "float32"}


def test_spaces_that_cannot_be(schema24: Any) -> None:
    config: Any = preset("lite", schema24)
    with pytest.raises(ModelError, match="input 100 × 100 is not a multiple of the stride 8"):
        Space.of(config, engines=["litert"], input_sizes=[(100, 100)])
    with pytest.raises(UsageError, match="unknown precision 'int4'; expected one of: float32, float16"):
        Space.of(config, engines=["litert"], precisions=["int4"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="unknown engine 'tflow'"):
        Space.of(config, engines=["tflow"])
    with pytest.raises(UsageError, match="no engine to search in"):
        Space.of(config, engines=[])


def test_rungs_end_with_all_pictures() -> None:
    assert [(rung.pictures, rung.runs) for rung in rungs_for(500, RUNGS)] == [(32, 5), (128, 15), (500, 50)]
    assert [(rung.pictures, rung.runs) for rung in rungs_for(128, RUNGS)] == [(32, 5), (128, 50)]
    assert rungs_for(20, RUNGS) == (Rung(20, 50),)
    with pytest.raises(UsageError, match="on 9 pictures bounds nothing"):
        rungs_for(9, RUNGS)


SETTINGS = {"model": {"name": "tiny"}, "rungs": [[32, 5]], "max_latency_ms": 2.0}


def filled(path: Path) -> Store:
    store = Store(path, SETTINGS, resume=False)
    one, two = trial((0.0, 0.01, 0.02), (1, 2, 3), part=0.04), trial((0.0, 0.0, 0.0), (1, 2, 3), stages=2)
    store.left(File("float16", (64, 64)), "onnxruntime", "no such operator")
    store.scored(1, one.candidate.file, "litert", [one.score, two.score])
    store.tried([one, two])
    store.drop(1, judge([one, two], Budgets.of(0.5, None, 0.5, None)))
    store.drop(1, {one.candidate: judge([two, one], BUDGETS).get(one.candidate) or _drop()})
    store.refuse(two.candidate, "the gate")
    return store


def _drop() -> Any:
    from fpm_edge.search.halving import Drop

    return Drop("for a test", False)


def test_a_store_reads_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    store = filled(path)
    again = Store(path, SETTINGS, resume=True)
    for name in ("scores", "trials", "dropped", "left_out", "refused"):
        assert getattr(again, name) == getattr(store, name)
        assert getattr(again, name)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["settings", "left out", "score", "trial", "trial", "dropped", "refused"]


def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    store = filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[3][:40])
    again = Store(path, SETTINGS, resume=True)
    assert path.read_bytes() == whole
    assert again.trials == store.trials
    # Killed before the first line was whole: as if it had not begun.
    path.write_bytes(whole[:20])
    assert Store(path, SETTINGS, resume=True).trials == {}
    assert path.read_bytes() == whole.splitlines(keepends=True)[0]


def test_only_the_same_search_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with pytest.raises(UsageError, match="no search to go on with; leave --resume out"):
        Store(path, SETTINGS, resume=True)
    filled(path)
    with pytest.raises(UsageError, match="holds a search; go on with it with --resume"):
        Store(path, SETTINGS, resume=False)
    with pytest.raises(UsageError, match=r"was made with another max latency ms: 2\.0, and not 3\.0; give the same"):
        Store(path, SETTINGS | {"max_latency_ms": 3.0}, resume=True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{]", "line 2: not JSON"),
        (b'{"kind": "what"}', "line 2: not a line of a search .*kind 'what'"),
        (b'{"kind": "trial", "rung": 1}', "line 2: not a line of a search"),
    ],
)
def test_a_damaged_line_is_named(line: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    Store(path, SETTINGS, resume=False)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(DataError, match=said):
        Store(path, SETTINGS, resume=True)
    path.write_bytes(msgspec.json.encode({"kind": "trial"}) + b"\n")
    with pytest.raises(DataError, match="line 1: not the settings of a search"):
        Store(path, SETTINGS, resume=True)
