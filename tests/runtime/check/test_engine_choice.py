"""Which engine is chosen, what is said of those passed over, and what is remembered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fpm_edge_runtime import (
    CheckCache,
    EngineCheck,
    GateError,
    MissingExtraError,
    UsageError,
    choose_engine,
    open_bundle,
)
from fpm_edge_runtime.check.isolated import Outcome


class Checks:
    """Stands for `check_in_child`, which has tests of its own; `asked` are the engines that were checked."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.asked: list[str] = []

    def __call__(self, source: Path, engine: str, **_: Any) -> EngineCheck:
        self.asked.append(engine)
        outcome = self.outcomes.get(engine, "ok")
        return EngineCheck(engine, outcome, "" if outcome == "ok" else f"it {outcome}", None, 0.1)


ORDER = ("openvino", "litert", "onnxruntime")


def test_real_engines(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    cache = CheckCache(tmp_path / "checks.json")
    found = choose_engine(golden_tiny["right"], ("tflite-runtime", "litert"), cache=cache)
    assert (found.engine, found.passed.cached, found.notes) == ("litert", False, ())
    assert [(entry.engine, entry.outcome) for entry in found.skipped] == [("tflite-runtime", "missing")]
    (record,) = cache.records()
    assert (record.key.engine, record.outcome, record.key.delegate) == ("litert", "ok", "none")
    assert record.key.bundle == open_bundle(golden_tiny["right"]).digest
    with pytest.raises(GateError, match=r"no engine passes the self-check: litert: wrong \(stage . disagrees"):
        choose_engine(golden_tiny["wrong"], ("litert",))


def test_the_first_that_passes_is_used_and_the_rest_named(golden_tiny: dict[str, Path]) -> None:
    check = Checks(openvino="crashed", litert="hung")
    found = choose_engine(golden_tiny["right"], ORDER, check=check)
    assert (found.engine, found.passed.outcome) == ("onnxruntime", "ok")
    said = [(entry.engine, entry.outcome, entry.reason, entry.cached) for entry in found.skipped]
    assert said == [("openvino", "crashed", "it crashed", False), ("litert", "hung", "it hung", False)]
    assert found.skipped[0].date.endswith("+00:00")


def test_what_was_found_is_remembered(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path, check = tmp_path / "checks.json", Checks(openvino="crashed")
    first = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=check)
    assert check.asked == ["openvino", "litert"]
    second = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=check)
    assert check.asked == ["openvino", "litert"]
    assert second.passed.cached
    assert second.skipped[0].cached
    assert [second.engine, second.skipped[0].reason] == [first.engine, first.skipped[0].reason]
    choose_engine(golden_tiny["wrong"], ORDER, cache=CheckCache(path), check=check)
    assert check.asked[2:] == ["openvino", "litert"], "another bundle is another matter"
    check.outcomes = {}
    third = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=check, again=True)
    assert (third.engine, third.skipped) == ("openvino", ())
    assert len(CheckCache(path).records()) == 4
    assert choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=Checks()).passed.cached


@pytest.mark.parametrize("field", ["engine_version", "system", "runtime", "delegate"])
def test_another_version_is_checked_again(field: str, golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "checks.json"
    choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=Checks(openvino="wrong"))
    content = msgspec.json.decode(path.read_bytes())
    for record in content["records"]:
        record["key"][field] += " older"
    path.write_bytes(msgspec.json.encode(content))
    check = Checks()
    assert choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=check).engine == "openvino"
    assert check.asked == ["openvino"]


def test_missing_engines_are_looked_for_each_time(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path, check = tmp_path / "checks.json", Checks(openvino="missing")
    for _ in range(2):
        choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=check)
    assert check.asked == ["openvino", "litert", "openvino"]
    with pytest.raises(MissingExtraError, match="none of the engines is installed: openvino"):
        choose_engine(golden_tiny["right"], ("openvino",), check=check)


def test_an_engine_that_does_not_read_the_format(float_path: Path) -> None:
    check = Checks()
    found = choose_engine(float_path, ("onnxruntime", "litert"), check=check)
    assert (found.engine, check.asked) == ("litert", ["litert"])
    assert found.skipped[0].reason == "it reads onnx and the bundle has tflite"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"records": [{"key": 1}]}', b"\xff" * 9, b"[" * 100_000])
def test_a_damaged_cache_counts_as_empty(content: bytes, golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "checks.json"
    path.write_bytes(content)
    found = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=Checks())
    assert (found.engine, len(found.notes)) == ("openvino", 1)
    assert found.notes[0].startswith(f"{path} cannot be read")
    again = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(path), check=Checks())
    assert (again.passed.cached, again.notes) == (True, ())


def test_a_cache_that_cannot_be_written(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    found = choose_engine(golden_tiny["right"], ORDER, cache=CheckCache(tmp_path / "no" / "c.json"), check=Checks())
    assert found.engine == "openvino"
    assert "the next start finds it out again" in found.notes[0]


def test_a_cache_is_bounded(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    cache = CheckCache(tmp_path / "checks.json")
    choose_engine(golden_tiny["right"], ORDER, cache=cache, check=Checks())
    (record,) = cache.records()
    for number in range(70):
        key = msgspec.structs.replace(record.key, bundle=str(number))
        cache.put(msgspec.structs.replace(record, key=key))
    kept = cache.records()
    assert len(kept) == 64
    assert kept[-1].key.bundle == "69"


@pytest.mark.parametrize("engines", [(), ("litert", "lite")])
def test_names_are_checked_before_anything_runs(engines: Sequence[str], golden_tiny: dict[str, Path]) -> None:
    check = Checks()
    with pytest.raises(UsageError, match="expected some of: litert, tflite-runtime"):
        choose_engine(golden_tiny["right"], engines, check=check)
    assert check.asked == []
