"""The drift policy: what each step does, what it leaves, and that a step that cannot be done is skipped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_device import LONG, FaultyDevice, photo

from fpm_edge_runtime import (
    Bundle,
    CheckCache,
    Detection,
    DriftMonitor,
    EngineCheck,
    GateError,
    Guard,
    Live,
    Shadow,
    UsageError,
    choose_engine,
    open_bundle,
)
from fpm_edge_runtime.check.isolated import Outcome
from fpm_edge_runtime.check.self_check import check_goldens

# As in conftest.py: only a fresh environment with the plain wheel has one engine.
several_engines = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnxruntime", "openvino")), reason="there is one engine"
)


class Checks:
    """Stands for `check_in_child`, which has tests of its own. `go`: answers come only while it is set."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes, self.asked = outcomes, list[str]()
        self.entered, self.go = threading.Event(), threading.Event()
        self.go.set()

    def __call__(self, source: Path, engine: str, **_: Any) -> EngineCheck:
        self.asked.append(engine)
        self.entered.set()
        assert self.go.wait(LONG)
        outcome = self.outcomes.get(engine, "ok")
        return EngineCheck(engine, outcome, "" if outcome == "ok" else f"it {outcome}", None, 0.1)


@pytest.fixture(scope="module")
def bundle(golden_tiny: dict[str, Path]) -> Bundle:
    return open_bundle(golden_tiny["right"])


@pytest.fixture
def device(bundle: Bundle) -> Iterator[FaultyDevice]:
    made = FaultyDevice(bundle)
    yield made
    made.shadow.close()


def test_without_drift_it_is_a_shadow(device: FaultyDevice) -> None:
    guard = device.guard("raise")
    for seed in range(10):
        found, plain = (d(photo(seed), category="warm", stages=1) for d in (guard.detect, device.session.detect))
        np.testing.assert_array_equal(found.landmarks, plain.landmarks)
        assert (found.fallback, found.stages_run, found.category) == (None, 1, "warm")
        assert device.shadow.flush(LONG)
    assert (guard.taken, guard.monitor, guard.monitor.report().samples) == ((), device.monitor, 10)


def test_report_only_says_it(device: FaultyDevice) -> None:
    guard = device.guard("report")
    device.break_it()
    found = device.act(guard)
    (step,) = guard.taken
    assert (step.step, step.before, step.after) == ("report", step.before, step.before)
    assert step.before == f"litert {device.engine.version}"
    assert "the evidence reached 100 at sample" in step.reason
    assert step.time.endswith("+00:00")
    assert (found.fallback, found.engine) == (None, "litert")
    # It was the last step: the verdict stays, and nothing else happens.
    assert guard.monitor is device.monitor
    device.drift(guard)
    guard.detect(photo())
    assert len(guard.taken) == 1


def test_report_gives_a_second_chance(device: FaultyDevice) -> None:
    """With a step after it, that one is taken only if the next monitor finds drift too."""
    guard = device.guard("report", "raise")
    device.break_it()
    device.act(guard)
    assert guard.monitor is not device.monitor
    device.engine.faulty = set()
    assert device.shadow.flush(LONG)
    guard.monitor.reset()
    device.stays_ok(guard)
    device.break_it()
    with pytest.raises(GateError, match="the policy says raise: the mean disagreement"):
        device.act(guard)
    assert [step.step for step in guard.taken] == ["report", "raise"]


def test_more_stages_than_the_call_asks_for(device: FaultyDevice) -> None:
    """Stage 1 is at fault and stage 2 is not; the calls end after stage 1, by one of three reasons."""
    guard = device.guard("more stages")
    device.break_it("heatmap_1")
    hurry: dict[str, Any] = {"category": "all", "deadline_ms": 0}
    found = device.act(guard, **hurry)
    assert (found.stages_run, found.stop_reason, found.fallback) == (2, "all stages", "more stages")
    for more in ({"stages": 1}, {"converge_px": 1e6}):
        assert guard.detect(photo(), **{**hurry, **more}).stages_run == 2
    (step,) = guard.taken
    assert step.after == f"{step.before}, all stages"
    # Measured at the stage that answers now: it does not disagree, although stage 1 still does.
    device.stays_ok(guard, **hurry)
    report = guard.monitor.report()
    assert report.stages[0].mean is not None
    assert report.stages[0].mean > 0.05
    assert report.stages[1].count == report.stages[0].count
    assert report.alarm_sample is None


def test_more_stages_is_skipped_where_there_are_none(device: FaultyDevice, bundle: Bundle) -> None:
    guard = device.guard("more stages", "report")
    device.break_it()
    assert device.act(guard).fallback is None
    skipped, report = guard.taken
    assert (skipped.after, skipped.note) == (None, "all 2 stages ran for every compared frame")
    assert report.step == "report"
    short = FaultyDevice(bundle, stages=1)
    with short.guard("more stages") as guard:
        short.break_it()
        short.act(guard)
        assert [step.note for step in guard.taken] == ["one stage is loaded"]


@several_engines
def test_another_engine_that_passes_the_self_check(device: FaultyDevice, bundle: Bundle, tmp_path: Path) -> None:
    """With real engines, checked in a real child. What drifted is not chosen at the next start either."""
    cache = CheckCache(tmp_path / "checks.json")
    order = ("litert", "tflite-runtime", "onnxruntime")
    guard = device.guard("engine", engines=order, threads=1, cache=cache)
    device.break_it()
    found = device.act(guard, category="warm", stages=1)
    assert (found.engine, found.fallback, found.stages_run, found.category) == ("onnxruntime", "engine", 1, "warm")
    (step,) = guard.taken
    assert (step.before, step.after) == (
        f"litert {device.engine.version}",
        f"onnxruntime {device.shadow.session.engine_version}",
    )
    assert step.note.startswith("tflite-runtime: missing")
    device.stays_ok(guard)
    assert guard.monitor.report().golden == "ok"
    chosen = choose_engine(bundle.source, order, cache=cache)
    assert (chosen.engine, chosen.passed.cached) == ("onnxruntime", True)
    denied = chosen.skipped[0]
    assert (denied.engine, denied.outcome, denied.cached) == ("litert", "drifted", True)
    assert "the evidence reached 100" in denied.reason


@several_engines
def test_detecting_goes_on_while_an_engine_is_prepared(device: FaultyDevice) -> None:
    check = Checks()
    check.go.clear()
    guard = device.guard("engine", engines=("onnxruntime",), check=check)
    device.break_it()
    device.drift(guard)
    for seed in range(20):
        assert guard.detect(photo(seed)).engine == "litert"
        assert check.entered.wait(LONG)
    assert guard.preparing
    assert (guard.taken, check.asked) == ((), ["onnxruntime"])
    assert not guard.wait(0)
    check.go.set()
    assert guard.wait(LONG)
    assert guard.detect(photo()).engine == "onnxruntime"


@several_engines
def test_without_another_engine_the_next_step_is_taken(device: FaultyDevice, tmp_path: Path) -> None:
    """And the one that drifted is not denied: the next start would have none."""
    cache, check = CheckCache(tmp_path / "checks.json"), Checks(onnxruntime="hung", openvino="crashed")
    engines = ("litert", "onnxruntime", "openvino")
    guard = device.guard("engine", "engine", "float", engines=engines, cache=cache, check=check)
    device.break_it()
    found = device.act(guard)
    assert (found.fallback, found.engine) == ("float", "litert")
    for step in guard.taken[:2]:
        assert (step.step, step.after) == ("engine", None)
        assert "no engine passes the self-check: " in step.note
        assert "onnxruntime: hung (it hung)" in step.note
    assert {record.key.engine for record in cache.records()} == {"onnxruntime", "openvino"}
    alone = device.guard("engine", engines=("litert",))
    device.shadow.switch(device.session, device.monitor, None)
    alone.detect(photo())
    assert alone.wait(LONG)
    assert alone.taken[0].note == "no other engine is left"


@several_engines
def test_an_engine_that_fails_in_this_process_is_not_used(golden_tiny: dict[str, Path]) -> None:
    """The check elsewhere says "ok", and the golden case is wrong: as if the two processes were not alike."""
    device = FaultyDevice(open_bundle(golden_tiny["wrong"]))
    with device.guard("engine", engines=("onnxruntime",), check=Checks()) as guard:
        device.break_it()
        device.act(guard)
        (step,) = guard.taken
        assert (step.after, guard.detect(photo()).engine) == (None, "litert")
        assert step.note == "onnxruntime passes the self-check in a process of its own, and fails it in this one"


def test_a_file_that_was_replaced_is_not_checked_in_its_place(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path, check = tmp_path / "mine.fpm", Checks()
    path.write_bytes(golden_tiny["right"].read_bytes())
    device = FaultyDevice(open_bundle(path))
    path.write_bytes(golden_tiny["wrong"].read_bytes())
    with device.guard("engine", check=check) as guard:
        device.break_it()
        device.act(guard)
        assert "file is another one by now" in guard.taken[0].note
        assert check.asked == []


def test_the_float_model_answers(device: FaultyDevice) -> None:
    guard = device.guard("float")
    device.break_it()
    found = device.act(guard, category="warm", stages=1)
    assert (found.fallback, found.stages_run, found.category) == ("float", 1, "warm")
    np.testing.assert_array_equal(found.landmarks, device.reference.detect(photo(1), stages=1).landmarks)
    assert (found.landmarks != device.session.detect(photo(1), stages=1).landmarks).any()
    assert guard.taken[0].after == f"float model in litert {device.engine.version}"
    sampled = device.shadow.counts.sampled
    device.stays_ok(guard)
    assert (device.shadow.counts.sampled, guard.monitor.report().samples) == (sampled, 0)


def test_a_float_model_that_is_itself_at_fault_does_not_answer(device: FaultyDevice) -> None:
    guard = device.guard("float", "raise")
    device.float_engine.faulty = {"heatmap_1", "heatmap_2"}
    with pytest.raises(GateError):
        device.act(guard)
    assert guard.taken[0].note.startswith("the float model fails the self-check itself, at stage ")
    assert [step.after for step in guard.taken] == [None, "GateError"]


@several_engines
def test_without_golden_cases_the_float_model_is_used_and_that_is_said(tiny: Bundle) -> None:
    device = FaultyDevice(tiny)
    with device.guard("engine", "float", engines=("onnxruntime",), check=Checks()) as guard:
        device.break_it()
        assert device.act(guard).fallback == "float"
        engine, step = guard.taken
        assert "has no self-check cases" in engine.note
        assert step.note == "not checked: the bundle has no golden cases"


def test_raise_raises_from_then_on(device: FaultyDevice) -> None:
    guard = device.guard("raise")
    device.break_it()
    device.drift(guard)
    for _ in range(3):
        with pytest.raises(GateError, match="install another bundle") as caught:
            guard.detect(photo())
    assert caught.value.exit_code == 3
    assert [step.after for step in guard.taken] == ["GateError"]
    with Live(guard) as live:
        assert isinstance(live.submit(photo()).exception(LONG), GateError)


@several_engines
def test_step_by_step_to_the_end(device: FaultyDevice) -> None:
    """The float model is made faulty, and everything drifts; it is whole when its own turn comes."""
    steps = ("report", "more stages", "engine", "more stages", "float")
    guard = device.guard(*steps, engines=("litert", "onnxruntime"), check=Checks())
    seen: list[tuple[Any, str, int]] = []
    monitors: list[DriftMonitor] = []
    for step in steps:
        device.float_engine.faulty = {"heatmap_1", "heatmap_2"}
        device.drift(guard, stages=1)
        device.float_engine.faulty = set()
        assert guard.monitor not in monitors
        monitors.append(guard.monitor)
        guard.detect(photo(), stages=1)
        assert guard.wait(LONG)
        found = guard.detect(photo(), stages=1)
        seen.append((found.fallback, found.engine, found.stages_run))
        assert guard.taken[-1].step == step
    assert seen == [
        (None, "litert", 1),
        ("more stages", "litert", 2),
        ("engine", "onnxruntime", 1),
        ("more stages", "onnxruntime", 2),
        ("float", "litert", 1),
    ]
    assert [after.before for after in guard.taken[1:]] == [before.after for before in guard.taken[:-1]]


def test_a_failed_golden_case_is_acted_on_before_the_first_frame(
    device: FaultyDevice, golden_tiny: dict[str, Path]
) -> None:
    device.monitor.add_golden(check_goldens(open_bundle(golden_tiny["wrong"]).session(threads=1)))
    shadow = Shadow(device.session, device.reference, device.monitor)
    with Guard(shadow, ("more stages", "report", "raise")) as guard:
        guard.detect(photo())
        assert [step.step for step in guard.taken] == ["more stages", "report"]
        # Without a second chance: what failed did not fail by chance.
        with pytest.raises(GateError, match="a golden case disagrees"):
            guard.detect(photo())
    notes = [step.note for step in guard.taken]
    assert notes == ["a golden case failed, and the self-check runs all stages", "", ""]


@several_engines
def test_closing_waits_for_what_is_being_prepared(device: FaultyDevice) -> None:
    check, before = Checks(), threading.active_count()
    check.go.clear()
    guard = device.guard("engine", engines=("onnxruntime",), check=check)
    device.break_it()
    device.drift(guard)
    guard.detect(photo())
    assert check.entered.wait(LONG)
    closing = threading.Thread(target=guard.close)
    closing.start()
    assert guard.detect(photo()).engine == "litert"
    check.go.set()
    closing.join(LONG)
    assert threading.active_count() == before - 1
    assert [step.step for step in guard.taken] == ["engine"]
    guard.close()
    assert guard.detect(photo()).engine == "onnxruntime"


@several_engines
def test_threads_take_each_step_once(device: FaultyDevice) -> None:
    guard = device.guard("report", "more stages", "engine", "float", engines=("onnxruntime",), check=Checks())
    device.float_engine.faulty = {"heatmap_1", "heatmap_2"}
    wrong: list[object] = []
    stop = threading.Event()
    expected = {None: ("litert", 1), "more stages": ("litert", 2), "engine": ("onnxruntime", 1), "float": ("litert", 1)}

    def call(seed: int) -> None:
        try:
            while not stop.is_set():
                found = guard.detect(photo(seed), stages=1)
                if (found.engine, found.stages_run) != expected[found.fallback]:
                    wrong.append(found)
                stop.wait(0.02)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(round(LONG / 0.05)):
        # The last one is skipped, since the float model is at fault.
        if len(guard.taken) == 4 or wrong:
            break
        stop.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join(LONG)
    assert wrong == []
    assert [step.step for step in guard.taken] == ["report", "more stages", "engine", "float"]
    assert guard.taken[-1].after is None


@pytest.mark.parametrize(
    ("steps", "settings", "says"),
    [
        ((), {}, "expected a list of some of: report, more stages, engine, float, raise"),
        (("report", "restart"), {}, "'restart'"),
        (("raise", "report"), {}, "nothing can come after raise"),
        (("engine",), {"engines": ("lite",)}, "expected some of: litert"),
        (("engine",), {"engines": ()}, "expected some of: litert"),
    ],
)
def test_policies_that_make_no_sense(
    steps: Sequence[Any], settings: dict[str, Any], says: str, device: FaultyDevice
) -> None:
    with pytest.raises(UsageError, match=says):
        Guard(device.shadow, steps, **settings)


def test_errors_of_detect_stay_what_they_are(device: FaultyDevice) -> None:
    guard: Callable[..., Detection] = device.guard("report").detect
    with pytest.raises(UsageError, match="stages is 9"):
        guard(photo(), stages=9)
