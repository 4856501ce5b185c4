"""LiteRT's CompiledModel: on the CPU it is LiteRT; a GPU or NPU takes all of a bundle, or says that it does not."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from fpm_edge_runtime import (
    Bundle,
    BundleError,
    FpmEdgeError,
    GateError,
    MissingExtraError,
    PieceRunner,
    Session,
    check_goldens,
    choose_engine,
    load_engine,
    open_bundle,
)
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.check.engine_choice import DEFAULT_ORDER, CheckCache
from fpm_edge_runtime.engines import ENGINES

ACCELERATORS = [name for name, known in ENGINES.items() if known.delegate != "none"]


def _input(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 48, 3), np.uint8)


def _session_or_refusal(bundle: Bundle, name: str) -> Session | str:
    """What there is on this machine: a session, or the words in which the engine refuses."""
    try:
        return bundle.session(name)
    except (BundleError, MissingExtraError):
        raise
    except FpmEdgeError as error:
        return str(error)


def test_on_the_cpu_it_is_litert(tiny: Bundle) -> None:
    compiled, interpreted = tiny.session("litert-compiled", threads=1), tiny.session("litert", threads=1)
    for seed in range(3):
        for found, expected in zip(
            compiled.detect_input(_input(seed)), interpreted.detect_input(_input(seed)), strict=True
        ):
            np.testing.assert_array_equal(found.landmarks, expected.landmarks)
            np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("name", ["litert", "onnxruntime", "litert-compiled"])
def test_on_the_cpu_nothing_is_delegated(tiny: Bundle, name: str) -> None:
    session = tiny.session(name)
    assert (session.delegate, session.delegated) == ("none", 0.0)
    assert session.detect(_input()).engine == name


def test_pieces_share_what_litert_needs_once(tiny: Bundle) -> None:
    engine = load_engine("litert-compiled")
    runners = [engine.load(piece, tiny.read(piece.member), None) for piece in tiny.manifest.pieces["tflite"]]
    environments = {id(runner._compiled.environment) for runner in runners}  # type: ignore[attr-defined]
    assert (len(runners), len(environments)) == (3, 1)


@pytest.mark.parametrize("name", ACCELERATORS)
def test_an_accelerator_takes_all_or_says_so(tiny: Bundle, name: str) -> None:
    found = _session_or_refusal(tiny, name)
    if isinstance(found, str):
        kind = ENGINES[name].delegate.upper()
        assert found.startswith(
            f"{name} cannot run stages/1.tflite: no {kind} here takes all of its operations (LiteRT"
        )
        assert found.endswith("use another engine")
    else:
        assert (found.engine, found.delegate, found.delegated) == (name, ENGINES[name].delegate, 1.0)


@pytest.mark.parametrize("name", ACCELERATORS)
def test_stdout_is_left_to_the_app(tiny: Bundle, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    _session_or_refusal(tiny, name)
    os.write(1, b"an answer")
    assert capfd.readouterr().out == "an answer"


@pytest.mark.parametrize("name", ACCELERATORS)
def test_an_accelerator_answers_as_the_cpu(golden_tiny: dict[str, Path], name: str) -> None:
    found = _session_or_refusal(open_bundle(golden_tiny["right"]), name)
    if isinstance(found, str):
        pytest.skip(found)
    assert check_goldens(found).ok


@pytest.mark.parametrize("name", ACCELERATORS)
def test_a_refusal_is_passed_over_when_an_engine_is_chosen(
    golden_tiny: dict[str, Path], name: str, tmp_path: Path
) -> None:
    refusal = _session_or_refusal(open_bundle(golden_tiny["right"]), name)
    if not isinstance(refusal, str):
        pytest.skip(f"{name} runs here")
    cache = CheckCache(tmp_path / "checks.json")
    found = choose_engine(golden_tiny["right"], (name, "litert-compiled"), cache=cache)
    assert (found.engine, found.passed.delegate) == ("litert-compiled", "none")
    (skipped,) = found.skipped
    assert (skipped.outcome, skipped.reason, skipped.delegate) == ("refused", refusal, ENGINES[name].delegate)
    assert [record.key.delegate for record in cache.records()] == [ENGINES[name].delegate, "none"]
    with pytest.raises(GateError, match=rf"no engine passes the self-check: {name}: refused"):
        choose_engine(golden_tiny["right"], (name,), cache=cache)


@pytest.mark.parametrize("name", ACCELERATORS)
@pytest.mark.parametrize("content", [b"not a model", b"\x1c\0\0\0TFL3" + b"\xff" * 100])
def test_a_damaged_model_is_not_blamed_on_the_accelerator(tiny: Bundle, name: str, content: bytes) -> None:
    piece = tiny.manifest.pieces["tflite"][0]
    with pytest.raises(BundleError, match=rf"{name} cannot load {piece.member}"):
        load_engine(name).load(piece, content, None)


@pytest.mark.parametrize("name", ["litert-compiled", *ACCELERATORS])
def test_engines_are_what_their_name_says(name: str) -> None:
    engine = load_engine(name)
    assert (engine.name, engine.formats) == (name, ("tflite",))
    assert engine.delegate == ENGINES[name].delegate  # type: ignore[attr-defined]


class _HalfOnGpu:
    """An engine of one's own whose GPU takes half of the context, and all of the other pieces."""

    name, version, formats = "half", "0", ("tflite",)

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        runner = load_engine("litert-compiled").load(piece, model, threads)
        runner.delegate = "gpu"  # type: ignore[attr-defined]
        runner.delegated = 0.5 if piece.name == "context" else 1.0  # type: ignore[attr-defined]
        return runner


def test_an_engine_of_ones_own_says_what_it_delegates(tiny: Bundle) -> None:
    session = tiny.session(_HalfOnGpu())
    assert (session.delegate, session.delegated) == ("gpu", 0.5)


@pytest.mark.parametrize("name", ["litert-compiled", *ACCELERATORS])
def test_a_litert_without_compiled_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.compiled_model", None)
    for module in ("_compiled", ENGINES[name].module):
        monkeypatch.delitem(sys.modules, f"fpm_edge_runtime.engines.{module}", raising=False)
    with pytest.raises(MissingExtraError, match=rf"engine {name} cannot be imported .* pip install -U ai-edge-litert"):
        load_engine(name)


def test_none_of_them_runs_unasked() -> None:
    assert set(ENGINES) - set(DEFAULT_ORDER) == {"litert-compiled", *ACCELERATORS}
