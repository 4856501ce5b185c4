"""The self-check in a child process: an engine that crashes, hangs or answers wrongly does it there, not in the app."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import msgspec

from fpm_edge_runtime.check.checked import Answer
from fpm_edge_runtime.check.child_process import child_program, how_it_died, kill_child, last_words, start_child
from fpm_edge_runtime.engines import ENGINES, default_engine
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.bundle import open_bundle

__all__ = ["EngineCheck", "Outcome", "check_in_child"]

Outcome = Literal["ok", "wrong", "not finite", "crashed", "hung", "no answer", "garbage", "refused", "missing"]


@dataclass(frozen=True)
class EngineCheck:
    """How an engine did.

    Attributes:
        engine: its name.
        outcome: ``ok``; ``wrong``: a golden case disagrees more than its limit; ``not finite``: infinite values, or
            none; ``crashed``: ended by a signal or an exit code; ``hung``: no end within the time; ``no answer``:
            ended as if all were well, without one; ``garbage``: an answer that is none; ``refused``: an error that
            says why it cannot run this bundle; ``missing``: not installed.
        reason: in words, empty for ``ok``.
        report: `GoldenReport.to_dict`, where it came so far.
        seconds: that the child took.
    """

    engine: str
    outcome: Outcome
    reason: str
    report: dict[str, Any] | None
    seconds: float

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


def check_in_child(
    source: str | Path | bytes,
    engine: str | None = None,
    *,
    threads: int | None = None,
    timeout: float = 60.0,
    program: Sequence[str] | None = None,
) -> EngineCheck:
    """Run a bundle's golden cases in an engine, in a process of its own. What the engine does wrong is a value.

    Args:
        source: path of a ``.fpm`` file, or its content.
        engine: its name; None for the one that `Bundle.session` takes by itself.
        threads: for the engine; None leaves it to the engine.
        timeout: seconds after which the child is killed: it imports, loads and runs everything in that time.
        program: the child's program, whose arguments are bundle (``-``: on stdin), engine, threads. By default this
            package's own, in the running Python. An app that is frozen into one executable must give one that calls
            `fpm_edge_runtime.check.child.main`.

    Raises:
        BundleError: the bundle is damaged.
        UsageError: there is no engine of this name, or no Python to run the child in.
        MissingExtraError: no engine was named, and none is installed.
    """
    if engine is not None and engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}; expected one of: {', '.join(ENGINES)}")
    bundle = open_bundle(source)
    digest, engine = bundle.digest, engine or default_engine(bundle.formats)
    command = child_program(program)
    path, given = ("-", source) if isinstance(source, bytes) else (str(Path(source).absolute()), b"")
    start = perf_counter()
    with start_child([*command, path, engine, "" if threads is None else str(threads)]) as child:
        try:
            said, words = child.communicate(given, timeout)
            outcome, reason, report = _judge(child.returncode, said, digest)
        except subprocess.TimeoutExpired:
            kill_child(child)
            _, words = child.communicate()
            outcome, reason, report = "hung", f"no answer within {timeout:g} s", None
        except BaseException:
            kill_child(child)
            raise
    if outcome in ("crashed", "hung", "no answer", "garbage"):
        reason += last_words(words)
    return EngineCheck(engine, outcome, reason, report, perf_counter() - start)


def _judge(code: int, said: bytes, digest: str) -> tuple[Outcome, str, dict[str, Any] | None]:
    died = how_it_died(code)
    if died is not None:
        return "crashed", died, None
    if not said.strip():
        return "no answer", "it ended with exit code 0 and said nothing", None
    try:
        answer = msgspec.json.decode(said, type=Answer)
    except ValueError as error:
        return "garbage", f"its answer cannot be read: {error}", None
    if answer.digest != digest:
        return "garbage", f"it checked bundle {answer.digest}, not {digest}; was the file replaced?", None
    return answer.outcome, answer.reason, answer.report
