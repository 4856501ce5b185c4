"""Which candidate is chosen, and what is remembered; the times are given, but in the test of real engines."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fpm_edge_runtime import (
    CheckCache,
    EngineCheck,
    GateError,
    MissingExtraError,
    SpeedCache,
    SpeedChoice,
    UsageError,
    fastest_engine,
    open_bundle,
)
from fpm_edge_runtime.check.engine_choice import deny
from fpm_edge_runtime.check.isolated import Outcome
from fpm_edge_runtime.check.isolated_speed import Measured

ORDER = ("litert", "openvino")
Key = tuple[str, int]


class Times:
    """Stands for `measure_in_children`: rounds (or one time for three) of each candidate, or what went wrong.

    `asked` are the engines that were measured, with their numbers of threads.
    """

    def __init__(self, given: Mapping[Key, float | Sequence[float] | Outcome]) -> None:
        self.given = dict(given)
        self.asked: list[dict[str, tuple[int, ...]]] = []

    def __call__(self, source: Path, candidates: Mapping[str, Sequence[int]], **_: Any) -> list[Measured]:
        self.asked.append({engine: tuple(counts) for engine, counts in candidates.items()})
        return [self.measured(engine, count) for engine, counts in candidates.items() for count in counts]

    def measured(self, engine: str, count: int) -> Measured:
        given = self.given.get((engine, count), 100.0)
        if isinstance(given, str):
            return Measured(engine, count, given, f"it {given}", ())
        rounds = (given,) * 3 if isinstance(given, float | int) else tuple(given)
        return Measured(engine, count, "ok", "", rounds)


class Checks:
    """Stands for `check_in_child`; `asked` are the engines that were checked."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.asked: list[str] = []

    def __call__(self, source: Path, engine: str, **_: Any) -> EngineCheck:
        self.asked.append(engine)
        outcome = self.outcomes.get(engine, "ok")
        return EngineCheck(engine, outcome, "" if outcome == "ok" else f"it {outcome}", None, 0.1)


Choose = Callable[..., SpeedChoice]


@pytest.fixture
def choose(golden_tiny: dict[str, Path]) -> Choose:
    """`fastest_engine` of two engines with one and two threads."""

    def call(times: Times, bundle: str = "right", **settings: Any) -> SpeedChoice:
        given = {"engines": ORDER, "threads": (1, 2), "check": Checks(), "measure": times, **settings}
        return fastest_engine(golden_tiny[bundle], **given)

    return call


def test_real_engines(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path, checks = golden_tiny["right"], CheckCache(tmp_path / "checks.json")
    settings: Any = {"threads": (2, 1, 1), "budget_ms": 100, "checks": checks}
    found = fastest_engine(path, ("tflite-runtime", "litert"), cache=SpeedCache(tmp_path / "speeds.json"), **settings)
    assert (found.engine, found.cached, found.notes) == ("litert", False, ())
    assert [(speed.engine, speed.threads, speed.outcome) for speed in found.tried] == [
        ("litert", 1, "ok"),
        ("litert", 2, "ok"),
        ("tflite-runtime", None, "missing"),
    ]
    assert found.ms == found.tried[found.threads - 1].ms > 0
    assert [record.key.engine for record in checks.records()] == ["litert"]
    again = fastest_engine(path, ("tflite-runtime", "litert"), cache=SpeedCache(tmp_path / "speeds.json"), **settings)
    assert again.cached
    assert (again.engine, again.threads, again.tried, again.date) == (
        found.engine,
        found.threads,
        found.tried,
        found.date,
    )
    assert open_bundle(path).session(found.engine, found.threads).engine == "litert"


def test_the_fastest_is_chosen(choose: Choose) -> None:
    times = Times({("litert", 1): 10, ("openvino", 1): 8, ("litert", 2): 6, ("openvino", 2): 7})
    found = choose(times)
    assert (found.engine, found.threads, found.ms, found.cached) == ("litert", 2, 6, False)
    assert times.asked == [{"litert": (1, 2), "openvino": (1, 2)}]
    assert [(speed.engine, speed.threads, speed.ms) for speed in found.tried] == [
        ("litert", 1, 10),
        ("openvino", 1, 8),
        ("litert", 2, 6),
        ("openvino", 2, 7),
    ]
    assert found.tried[0].ratio == pytest.approx(10 / 6)


@pytest.mark.parametrize(
    ("given", "engine", "threads"),
    [
        ({("litert", 1): 10, ("openvino", 1): 9.8, ("litert", 2): 9.75, ("openvino", 2): 9.72}, "litert", 1),
        ({("litert", 1): 10, ("openvino", 1): 9.6, ("litert", 2): 9.5, ("openvino", 2): 9.5}, "openvino", 1),
        ({("litert", 1): 10, ("openvino", 1): 10, ("litert", 2): 9.1, ("openvino", 2): 9}, "litert", 2),
        ({("litert", 1): 10, ("openvino", 1): 10, ("litert", 2): 9.5, ("openvino", 2): 9}, "openvino", 2),
    ],
)
def test_ties_go_to_fewer_threads_then_to_the_order(
    given: dict[Key, float], engine: str, threads: int, choose: Choose
) -> None:
    found = choose(Times(given))
    assert (found.engine, found.threads) == (engine, threads)
    exact = choose(Times(given), tie=0.0)
    assert exact.ms == min(given.values())


def test_rounds_are_compared_with_each_other(choose: Choose) -> None:
    # The machine got slower and slower, so the times are no guide; in two of three rounds, one took 1.25 of the other.
    found = choose(Times({("litert", 1): (10, 20, 40), ("openvino", 1): (8, 16, 50)}), threads=(1,))
    assert (found.engine, found.ms) == ("openvino", 16)
    assert [(speed.ms, speed.ratio) for speed in found.tried] == [(20, 1.25), (16, 1.0)]


def test_what_fails_is_named_and_not_chosen(choose: Choose) -> None:
    times = Times({("litert", 1): 10, ("litert", 2): "crashed"})
    found = choose(times, engines=("openvino", "litert"), check=Checks(openvino="hung"))
    assert (found.engine, found.threads) == ("litert", 1)
    assert times.asked == [{"litert": (1, 2)}], "what failed the self-check is not measured"
    assert [(speed.name, speed.outcome, speed.reason, speed.ms) for speed in found.tried] == [
        ("litert with 1 thread", "ok", "", 10),
        ("litert with 2 threads", "crashed", "it crashed", None),
        ("openvino", "hung", "it hung", None),
    ]


def test_nothing_to_choose(choose: Choose, tmp_path: Path) -> None:
    cache = SpeedCache(tmp_path / "speeds.json")
    with pytest.raises(GateError, match="no engine passes the self-check: litert: wrong"):
        choose(Times({}), engines=("litert",), cache=cache, check=Checks(litert="wrong"))
    with pytest.raises(MissingExtraError, match="none of the engines is installed: litert"):
        choose(Times({}), engines=("litert",), cache=cache, check=Checks(litert="missing"))
    crashes = Times({("litert", 1): "crashed", ("litert", 2): "hung"})
    with pytest.raises(
        GateError, match=r"could be measured: litert with 1 thread: crashed \(it crashed\); litert with 2"
    ):
        choose(crashes, engines=("litert",), cache=cache)
    assert cache.records() == []


def test_an_engine_that_does_not_read_the_format(float_path: Path) -> None:
    check, times = Checks(), Times({})
    found = fastest_engine(float_path, ("onnxruntime", "litert"), threads=(1,), check=check, measure=times)
    assert (found.engine, check.asked, times.asked) == ("litert", ["litert"], [{"litert": (1,)}])
    assert found.tried[-1].reason == "it reads onnx and the bundle has tflite"


def test_what_was_found_is_remembered(choose: Choose, tmp_path: Path) -> None:
    path, check = tmp_path / "speeds.json", Checks()
    times = Times({("litert", 1): 10, ("openvino", 2): 9.8})
    first = choose(times, cache=SpeedCache(path), check=check)
    second = choose(times, cache=SpeedCache(path), check=check)
    assert (len(times.asked), check.asked) == (1, list(ORDER)), "the second starts nothing"
    assert (first.cached, second.cached, second.date) == (False, True, first.date)
    assert (second.engine, second.threads, second.tried) == (first.engine, first.threads, first.tried)
    exact = choose(times, cache=SpeedCache(path), tie=0.0)
    assert (exact.engine, exact.threads, exact.cached) == ("openvino", 2, True), "times are kept, not the choice"
    for number, settings in enumerate(({"bundle": "wrong"}, {"threads": (1,)}, {"engines": ("litert",)}), 2):
        assert not choose(times, cache=SpeedCache(path), **settings).cached
        assert len(times.asked) == number
    times.given = {("openvino", 1): 5}
    third = choose(times, cache=SpeedCache(path), again=True)
    assert (third.engine, third.threads, third.cached) == ("openvino", 1, False)
    assert choose(times, cache=SpeedCache(path)).engine == "openvino"
    assert len(SpeedCache(path).records()) == 4


@pytest.mark.parametrize("field", ["processors", "processor", "machine", "system", "runtime", "engines"])
def test_another_device_or_version_is_measured_again(field: str, choose: Choose, tmp_path: Path) -> None:
    path, times = tmp_path / "speeds.json", Times({})
    choose(times, cache=SpeedCache(path))
    content = msgspec.json.decode(path.read_bytes())
    key = content["records"][0]["key"]
    if field == "engines":
        key["engines"][1][1] += ".1"
    else:
        owner = key if field in key else key["device"]
        owner[field] += 1 if field == "processors" else " older"
    path.write_bytes(msgspec.json.encode(content))
    assert not choose(times, cache=SpeedCache(path)).cached
    assert len(times.asked) == 2
    assert len(SpeedCache(path).records()) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"records": [{"key": 1}]}', b"\xff" * 9])
def test_a_damaged_cache_counts_as_empty(content: bytes, choose: Choose, tmp_path: Path) -> None:
    path, times = tmp_path / "speeds.json", Times({})
    path.write_bytes(content)
    found = choose(times, cache=SpeedCache(path))
    assert (found.cached, len(found.notes)) == (False, 1)
    assert found.notes[0].startswith(f"{path} cannot be read")
    again = choose(times, cache=SpeedCache(path))
    assert (again.cached, again.notes) == (True, ())


def test_times_that_are_none_are_damage(choose: Choose, tmp_path: Path) -> None:
    path, times = tmp_path / "speeds.json", Times({})
    choose(times, cache=SpeedCache(path))
    path.write_bytes(path.read_bytes().replace(b'"ms": 100.0', b'"ms": -100.0'))
    assert not choose(times, cache=SpeedCache(path)).cached


def test_self_checks_are_shared_with_the_first_that_passes(choose: Choose, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    checks = CheckCache(tmp_path / "checks.json")
    first = Checks(openvino="crashed")
    choose(Times({}), checks=checks, check=first)
    later, times = Checks(), Times({("openvino", 1): 1})
    found = choose(times, checks=checks, check=later)
    assert (found.engine, later.asked) == ("litert", []), "what crashed once is not started again"
    assert choose(times, checks=checks, check=later, again=True).engine == "openvino"
    assert later.asked == list(ORDER)


def test_an_engine_that_drifted_since_is_not_chosen_again(
    golden_tiny: dict[str, Path], choose: Choose, tmp_path: Path
) -> None:
    times = Times({("litert", 1): 5, ("litert", 2): 5, ("openvino", 1): 9, ("openvino", 2): 9})
    settings: Any = {"cache": SpeedCache(tmp_path / "speeds.json"), "checks": CheckCache(tmp_path / "checks.json")}
    assert choose(times, **settings).engine == "litert"
    deny(open_bundle(golden_tiny["right"]).digest, "litert", "drifted: for the test", settings["checks"])
    found = choose(times, **settings)
    assert (found.engine, found.cached) == ("openvino", False)
    assert (found.tried[-1].engine, found.tried[-1].outcome) == ("litert", "drifted")
    again = choose(times, **settings)
    assert (again.engine, again.cached, again.tried) == ("openvino", True, found.tried)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engines": ()}, "expected some of: litert, tflite-runtime"),
        ({"engines": ("lite",)}, "expected some of: litert, tflite-runtime"),
        ({"threads": ()}, r"threads are \[\]; expected numbers from 1 to 256"),
        ({"threads": (1, 0)}, r"threads are \[1, 0\]; expected numbers from 1 to 256"),
        ({"budget_ms": 0}, "budget_ms is 0"),
        ({"budget_ms": float("nan")}, "budget_ms is nan"),
        ({"tie": -0.1}, "tie -0.1"),
    ],
)
def test_arguments_are_checked_before_anything_runs(settings: Any, message: str, choose: Choose) -> None:
    check, times = Checks(), Times({})
    with pytest.raises(UsageError, match=message):
        choose(times, check=check, **settings)
    assert (check.asked, times.asked) == ([], [])
