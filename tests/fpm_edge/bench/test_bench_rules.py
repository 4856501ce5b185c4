"""How `bench` counts: percentiles, warm-up, turns, shares of queries and seconds, energy counters."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from small_bundle import small_bundle

from fpm_edge.bench import Settings, read_frames, synthetic_frames
from fpm_edge.bench.energy import EnergyMeter, find_meter
from fpm_edge.bench.machine import describe_device
from fpm_edge.bench.plan import make_plan
from fpm_edge.bench.spread import drift_of, percentile, ratio_of, spread_of
from fpm_edge.bench.stream import Stream, take_turns
from fpm_edge.bench.turns import in_turns
from fpm_edge.bench.warm_up import WarmUpRule, warm_up
from fpm_edge_runtime import DataError, UsageError, open_bundle


def test_percentiles_are_loadgen_s() -> None:
    # ``sample_latencies[sample_count * percentile]`` of the sorted ones (MLPerf inference, loadgen/results.cc).
    ten = np.arange(1.0, 11.0)
    assert [percentile(ten, percent) for percent in (0, 50, 89, 90, 99)] == [1, 6, 9, 10, 10]
    thousand = np.arange(1000.0)
    assert [percentile(thousand, percent) for percent in (50, 90, 99)] == [500, 900, 990]
    assert percentile(np.array([7.0]), 99) == 7


def test_spread_is_of_times_that_occurred() -> None:
    found = spread_of([3.0, 1.0, 100.0, 2.0])
    assert (found.p50, found.p90, found.p99) == (3.0, 100.0, 100.0)
    assert (found.min, found.mean, found.max) == (1.0, 26.5, 100.0)
    steady = spread_of([0.1] * 3)
    assert steady.min <= steady.mean <= steady.max


def test_drift_compares_the_tenths_in_order() -> None:
    times = [10.0] * 10 + [11.0] * 80 + [15.0] * 10
    assert (drift_of(times).first, drift_of(times).last, drift_of(times).ratio) == (10.0, 15.0, 1.5)
    assert drift_of([2.0]).ratio == 1


def test_ratios_are_within_turns() -> None:
    noise = np.random.default_rng(0).uniform(1, 10, 20)  # hurts both alike
    mine, theirs = 3 * noise, 2 * noise
    found = ratio_of(mine.tolist(), theirs.tolist(), 4)
    assert found.row == 4
    assert [found.lower, found.estimate, found.upper] == pytest.approx([1.5] * 3)
    back = ratio_of(theirs.tolist(), (mine * np.linspace(0.8, 1.2, 20)).tolist(), 0)
    forth = ratio_of((mine * np.linspace(0.8, 1.2, 20)).tolist(), theirs.tolist(), 0)
    assert back.lower < back.estimate < back.upper
    assert back.estimate == pytest.approx(1 / forth.estimate)


class _Work:
    """Queries that take the given times, the last of them again and again, by its own clock."""

    def __init__(self, *seconds: float) -> None:
        self.now = 0.0
        self.asked = 0
        self._seconds = seconds

    def clock(self) -> float:
        return self.now

    def __call__(self) -> None:
        self.now += self._seconds[min(self.asked, len(self._seconds) - 1)]
        self.asked += 1


RULE = WarmUpRule(queries=4, seconds=1.0, most_window=8.0, windows=3, tolerance=0.05, most=100.0)


def test_warm_up_ends_when_three_windows_agree() -> None:
    steady = _Work(0.25)
    found = warm_up(steady, RULE, steady.clock)
    assert (found.queries, found.seconds, found.stable) == (12, 3.0, True)
    # Four queries each: 2 s, 1 s, then 0.5 s, which need eight for a window of a second... and twice 0.5 s.
    settling = _Work(*[2.0] * 4, *[1.0] * 4, 0.5)
    found = warm_up(settling, RULE, settling.clock)
    assert (found.queries, found.stable) == (4 + 4 + 3 * 4, True)


def test_a_window_lasts_long_enough_for_short_queries() -> None:
    fast = _Work(0.01)
    assert warm_up(fast, RULE, fast.clock).queries == pytest.approx(300, abs=3)


def test_a_window_ends_early_for_long_queries() -> None:
    slow = _Work(8.0)
    assert warm_up(slow, RULE, slow.clock).queries == 3


def test_warm_up_gives_up_and_says_so() -> None:
    growing = _Work(*[1.1**power for power in range(60)])
    found = warm_up(growing, RULE, growing.clock)
    assert not found.stable
    assert 100 <= found.seconds < 111
    endless = _Work(1000.0)
    assert warm_up(endless, RULE, endless.clock).queries == 1


def test_tolerance_is_the_line() -> None:
    rule = WarmUpRule(queries=1, seconds=0, windows=2, tolerance=0.05, most=10)
    within, beyond = _Work(1.0, 1.04), _Work(1.0, 1.06, 1.0, 1.06, 1.0, 1.06, 1.0, 1.06, 1.0, 1.06, 1.0)
    assert warm_up(within, rule, within.clock).queries == 2
    assert not warm_up(beyond, rule, beyond.clock).stable


def test_every_round_has_each_in_a_new_order() -> None:
    order = list(in_turns(5, 8))
    rounds = [[index for number, index in order if number == which] for which in range(8)]
    assert [number for number, _ in order] == sorted(number for number, _ in order)
    assert all(sorted(one) == list(range(5)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 4
    assert list(in_turns(5, 8)) == order != list(in_turns(5, 8, seed=1))


@pytest.fixture
def make_stream() -> Callable[[float], Stream]:
    """A real session; its clock moves by so many seconds each time it is read."""
    session = open_bundle(small_bundle()).session("onnxruntime", 1)
    frames = synthetic_frames(40, 30)

    def make(step: float) -> Stream:
        ticks: Iterator[int] = count()
        return Stream(session, 1, frames, lambda: next(ticks) * step)

    return make


def test_streams_take_turns(make_stream: Callable[[float], Stream]) -> None:
    streams = [make_stream(0.001) for _ in range(3)]
    seen: list[list[int]] = []
    take_turns(streams, Settings(30, 0.0, turns=5), advance=lambda: seen.append([len(one.total) for one in streams]))
    assert len(seen) == 15
    # After each round all have had the same share of their queries: nobody is measured in another part of the run.
    assert seen[2::3] == [[6 * number] * 3 for number in range(1, 6)]
    assert all(len(one.turns) == 5 for one in streams)


def test_a_turn_goes_on_until_both_are_met(make_stream: Callable[[float], Stream]) -> None:
    few = make_stream(0.5)  # two readings a query: a second each
    take_turns([few], Settings(queries=10, seconds=30.0, turns=5))
    assert few.seconds >= 30
    assert len(few.total) > 10
    many = make_stream(0.5)
    take_turns([many], Settings(queries=100, seconds=1.0, turns=7))
    assert len(many.total) == 100
    assert few.total[0] == pytest.approx(500)  # milliseconds


def test_more_turns_than_queries_are_not_taken(make_stream: Callable[[float], Stream]) -> None:
    stream = make_stream(0.001)
    take_turns([stream], Settings(queries=3, seconds=0.0, turns=20))
    assert (len(stream.turns), len(stream.total)) == (3, 3)


def test_what_is_quick() -> None:
    assert not Settings().quick
    assert Settings.short().quick
    assert Settings(queries=1023).quick
    assert Settings(seconds=59.9).quick
    for wrong in ({"queries": 0}, {"seconds": -1.0}, {"seconds": float("nan")}, {"turns": 0}, {"processes": 0}):
        with pytest.raises(UsageError, match="expected at least one query"):
            Settings(**wrong)  # type: ignore[arg-type]


def test_a_plan_is_everything_with_everything(tiny_bundle: Path) -> None:
    plan = make_plan([("a", open_bundle(tiny_bundle))], ["openvino", "litert"], [2, 1], [2, 1])
    assert [(one.engine, one.threads, one.stages) for one in plan.variants] == [
        (engine, threads, stages) for engine in ("openvino", "litert") for threads in (2, 1) for stages in (2, 1)
    ]
    plan = make_plan([("a", open_bundle(tiny_bundle)), ("b", open_bundle(small_bundle()))], None, [1], [2])
    assert [(one.label, one.engine, one.stages) for one in plan.variants] == [("a", "litert", 2)]
    assert plan.notes == ("b has 1 stages: left out with 2",)


def test_plan_leaves_out_what_cannot_be_and_says_so() -> None:
    bundle = open_bundle(small_bundle())  # ONNX, one stage
    plan = make_plan([("a", bundle)], ["onnxruntime", "litert"], [1, 2, 1], None)
    assert [(one.engine, one.threads, one.stages) for one in plan.variants] == [("onnxruntime", n, 1) for n in (1, 2)]
    assert plan.notes == ("a has onnx and litert reads tflite: left out",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], None, [1], None), "expected at least one"),
        ((["a", "a"], None, [1], None), "each label once"),
        ((["a"], ["lightning"], [1], None), "unknown engine 'lightning'"),
        ((["a"], None, [1], [2]), "stages is 2; expected 1 to 1"),
        ((["a"], ["litert"], [1], None), "nothing to measure: a has onnx and litert reads tflite"),
    ],
)
def test_plans_that_are_refused(arguments: tuple[list[str], list[str], list[int], list[int]], message: str) -> None:
    labels, engines, threads, stages = arguments
    with pytest.raises(UsageError, match=message):
        make_plan([(label, open_bundle(small_bundle())) for label in labels], engines, threads, stages)


def powercap(folder: Path, microjoules: int) -> Path:
    for zone, name in (("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "core"), ("intel-rapl:1", "psys")):
        (folder / zone).mkdir(exist_ok=True, parents=True)
        for file, content in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", 999_999)):
            (folder / zone / file).write_text(f"{content}\n")
    return folder


def test_energy_is_that_of_packages_and_wraps(tmp_path: Path) -> None:
    meter = find_meter(powercap(tmp_path, 400_000))
    assert isinstance(meter, EnergyMeter)
    assert meter.source == "RAPL, 1 package"
    before = meter.read()
    powercap(tmp_path, 450_000)
    assert meter.millijoules(before, meter.read()) == 50
    powercap(tmp_path, 100_000)
    assert meter.millijoules(before, meter.read()) == 700


def test_why_there_is_no_energy(tmp_path: Path) -> None:
    assert "has no RAPL counters" in str(find_meter(tmp_path / "none"))
    assert "has no package" in str(find_meter(tmp_path))
    (powercap(tmp_path, 1) / "intel-rapl:0" / "energy_uj").write_text("much")
    assert "cannot be read" in str(find_meter(tmp_path))


def test_the_device_names_itself(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    (tmp_path / "proc/meminfo").write_text("MemTotal:        2000000 kB\nMemFree: 1 kB\n")
    for number, governor in enumerate(("schedutil", "schedutil", "performance")):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    found = describe_device(root=tmp_path)
    assert found.name.startswith("Raspberry Pi 4 Model B Rev 1.4, ")
    assert found.governors == ("performance", "schedutil")
    assert found.memory_mb == 2048
    assert describe_device("kiosk 7", tmp_path).name == "kiosk 7"


def test_pictures(tmp_path: Path) -> None:
    frames = synthetic_frames(64, 48)
    assert frames.sizes == ((64, 48),)
    assert np.array_equal(frames.of(3), synthetic_frames(64, 48).of(3 + len(frames.pictures)))
    with pytest.raises(DataError, match="has no pictures"):
        read_frames(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        read_frames(tmp_path / "none")
