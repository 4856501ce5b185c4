"""What a drift policy leaves behind: lines in the log, and a state that the next start goes on from."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from faulty_device import LONG, FaultyDevice, photo

from fpm_edge_runtime import Bundle, DataError, GateError, open_bundle
from fpm_edge_runtime.drift.log import DriftLog, read_drift_log
from fpm_edge_runtime.drift.steps import StepTaken


@pytest.fixture(scope="module")
def bundle(golden_tiny: dict[str, Path]) -> Bundle:
    return open_bundle(golden_tiny["right"])


@pytest.fixture
def device(bundle: Bundle, tmp_path: Path) -> Iterator[FaultyDevice]:
    made = FaultyDevice(bundle, log=DriftLog(tmp_path / "drift.jsonl"))
    yield made
    made.shadow.close()


def test_the_log_has_every_step_and_what_answers(device: FaultyDevice, bundle: Bundle, tmp_path: Path) -> None:
    with device.guard("more stages", "engine", "float", engines=("litert",)) as guard:
        device.break_it("heatmap_1")
        device.act(guard, stages=1)
        device.stays_ok(guard, stages=1)
        device.break_it()
        device.act(guard, stages=1)
    entries = read_drift_log(tmp_path / "drift.jsonl").entries
    steps = [entry.step for entry in entries if entry.step is not None]
    assert tuple(steps) == guard.taken
    plain = f"litert {device.engine.version}"
    assert [(step.step, step.before, step.after) for step in steps] == [
        ("more stages", plain, f"{plain}, all stages"),
        ("engine", f"{plain}, all stages", None),
        ("float", f"{plain}, all stages", f"float model in {plain}"),
    ]
    # A step's line says what the monitor knew; after it, another monitor begins, and the line says of what.
    shown = [(entry.verdict, entry.engine) for entry in entries if entry.verdict != "warning"]
    assert list(dict.fromkeys(shown)) == [
        ("ok", plain),
        ("drifted", plain),
        ("ok", f"{plain}, all stages"),
        ("drifted", f"{plain}, all stages"),
        ("ok", f"float model in {plain}"),
    ]
    assert {entry.subject for entry in entries} == {bundle.digest}
    assert entries[-1].samples == 0


def test_lines_without_a_step_are_as_they_were(device: FaultyDevice, tmp_path: Path) -> None:
    """Read by older versions, and those of older versions are read."""
    device.shadow.detect(photo())
    device.shadow.close()
    line = json.loads((tmp_path / "drift.jsonl").read_text().splitlines()[0])
    assert "step" not in line["entry"]
    assert read_drift_log(tmp_path / "drift.jsonl").entries[0].step is None


def test_a_line_of_a_step_fits_into_the_smallest_log(device: FaultyDevice, tmp_path: Path) -> None:
    step = StepTaken.now("engine", "\x00\n" * 5000, "litert 2.3", None, "é" * 5000)
    assert (len(step.reason), len(step.note)) == (500, 500)
    assert step.reason.isprintable()
    log = DriftLog(tmp_path / "small.jsonl", max_bytes=4096)
    other = FaultyDevice(device.session.bundle, log=log)
    other.shadow.record(step, other.monitor.report())
    other.shadow.close()
    assert read_drift_log(tmp_path / "small.jsonl").entries[0].step == step


def test_a_step_that_cannot_be_logged_is_taken(device: FaultyDevice, tmp_path: Path) -> None:
    (tmp_path / "drift.jsonl").unlink()
    device.shadow._log.close()  # type: ignore[union-attr]
    (tmp_path / "drift.jsonl").mkdir()
    guard = device.guard("more stages")
    device.break_it("heatmap_1")
    assert device.act(guard, stages=1).fallback == "more stages"
    # However many comparisons went well since, nobody must believe that the log has it.
    for seed in range(3):
        guard.detect(photo(seed))
        assert device.shadow.flush(LONG)
        report = guard.monitor.report()
        assert (report.verdict, "IsADirectoryError" in report.reason) == ("warning", True)
    (tmp_path / "drift.jsonl").rmdir()
    guard.detect(photo())
    assert device.shadow.flush(LONG)
    guard.detect(photo())
    assert device.shadow.flush(LONG)
    assert guard.monitor.report().verdict == "ok"
    steps = [entry.step for entry in read_drift_log(tmp_path / "drift.jsonl").entries if entry.step is not None]
    assert tuple(steps) == guard.taken


@pytest.mark.parametrize("step", ["more stages", "float"])
def test_the_next_start_goes_on(step: str, device: FaultyDevice, bundle: Bundle, tmp_path: Path) -> None:
    guard, path = device.guard("report", step, "raise"), tmp_path / "guard.json"
    device.break_it("heatmap_1")
    device.act(guard, stages=1)
    assert device.act(guard, stages=1).fallback == step
    assert device.shadow.flush(LONG)
    guard.save(path)
    samples = guard.monitor.report().samples
    again = FaultyDevice(bundle)
    with again.guard("report", step, "raise") as later:
        assert later.load(path)
        assert later.taken == guard.taken
        assert later.monitor.report().samples == samples
        found = later.detect(photo(), stages=1)
        assert (found.fallback, found.stages_run) == (step, 2 if step == "more stages" else 1)
        if step == "more stages":
            again.break_it()
            with pytest.raises(GateError):
                again.act(later, stages=1)
            later.save(path)
    if step == "more stages":
        with FaultyDevice(bundle).guard("report", step, "raise") as last:
            assert last.load(path)
            with pytest.raises(GateError, match="remove what the policy saved"):
                last.detect(photo())


def test_a_step_that_was_being_prepared_is_begun_again(device: FaultyDevice, bundle: Bundle, tmp_path: Path) -> None:
    guard, path = device.guard("float"), tmp_path / "guard.json"
    device.break_it()
    device.drift(guard)
    guard.save(path)
    with FaultyDevice(bundle).guard("float") as later:
        assert later.load(path)
        later.detect(photo())
        assert later.wait(LONG)
        assert later.detect(photo()).fallback == "float"


def test_what_was_found_of_another_version_of_the_engine_does_not_count(
    device: FaultyDevice, bundle: Bundle, tmp_path: Path
) -> None:
    guard, path = device.guard("more stages"), tmp_path / "guard.json"
    device.break_it("heatmap_1")
    device.act(guard, stages=1)
    guard.save(path)
    saved = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**saved, "device": "litert 0.1"}))
    with FaultyDevice(bundle).guard("more stages") as later:
        assert not later.load(path)
        assert (later.taken, later.monitor.report().samples) == ((), 0)
        assert later.detect(photo(), stages=1).stages_run == 1


def test_states_that_do_not_fit(device: FaultyDevice, tiny: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    device.guard("report", "float").save(path)
    with pytest.raises(DataError, match="another version or policy"):
        device.guard("float").load(path)
    with (
        FaultyDevice(tiny).guard("report", "float") as other,
        pytest.raises(DataError, match="another version, bundle"),
    ):
        other.load(path)
    for content in (b"", b"{}", path.read_bytes()[:-30], b"\xff"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no state of a drift policy"):
            device.guard("report", "float").load(path)
    with pytest.raises(FileNotFoundError):
        device.guard("report").load(tmp_path / "absent.json")
