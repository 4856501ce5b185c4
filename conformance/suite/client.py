"""A client's process, and requests to it: each request and each answer is held to the schemas."""

import contextlib
import json
import math
import os
import queue
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from conformance.suite.tolerance import ANSWER_SECONDS

__all__ = ["Client", "ClientFault", "Refused"]

_SCHEMA = Path(__file__).resolve().parent.parent / "schema"
_END = object()
_KEPT = 8  # of a long list, at both ends


class Refused(Exception):  # noqa: N818
    """An error that the client answered with."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['class']}: {error['message']}")
        self.error_class: str = error["class"]
        self.exit_code: int = error["exit_code"]
        self.message: str = error["message"]


class ClientFault(AssertionError):  # noqa: N818
    """The client did not keep to the protocol, or is gone."""


class Client:
    """A running client.

    Attributes:
        hello: its answer to `hello`.
        answers: how many answers it has given; of those that hold several, each one counts.
    """

    def __init__(self, command: str, errors: Path) -> None:
        """Start it; its stderr goes to the file `errors`."""
        self._errors = errors
        with errors.open("ab") as stderr:
            self._process = subprocess.Popen(
                shlex.split(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self._lines: queue.Queue[Any] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._next = 1
        self.answers = 0
        self.hello = self.ask("hello")

    @property
    def abilities(self) -> set[str]:
        """What it can do beside what all can."""
        return set(self.hello["abilities"])

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, do: str, **fields: Any) -> Any:
        """One request and its answer. Raises Refused where that is an error."""
        (answer,) = self.ask_all([(do, fields)])
        if isinstance(answer, Refused):
            raise answer
        return answer

    def ask_all(self, requests: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Many requests, all written before an answer is waited for; an error is the `Refused` in its place."""
        asked = []
        for do, fields in requests:
            request = {"id": self._next, "do": do, **{name: _plain(value) for name, value in fields.items()}}
            self._next += 1
            _hold(request, "requests", do)
            asked.append((request["id"], do))
            self._write(json.dumps(request, allow_nan=False).encode() + b"\n")
        return [self._answer(number, do) for number, do in asked]

    def say(self, line: bytes) -> dict[str, Any]:
        """A line that may be no request, and what it is answered with."""
        self._write(line + b"\n")
        return self._line()

    def peak_bytes(self) -> int:
        """The most memory that its processes have had at once, added up; Linux only."""
        return sum(_peak(process) for process in _session(self._process.pid))

    def end(self) -> int | None:
        """Ask it to end, and return its exit code; None if it had to be killed."""
        try:
            if self.alive:
                self.ask("bye")
                return self._process.wait(ANSWER_SECONDS)
            return self._process.returncode
        except (ClientFault, subprocess.TimeoutExpired):
            return None
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # Its output ends with it, and the thread that reads it.
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(_END)

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            raise self._fault("is gone") from error

    def _answer(self, number: int, do: str) -> Any:
        line = self._line()
        if line.get("id") != number:
            raise self._fault(f"answered {line.get('id')!r} where {number} was to be answered")
        if "error" in line:
            self.answers += 1
            refused = Refused(line["error"])
            if refused.error_class == "Unexpected":
                raise self._fault(f"failed at {do}: {refused.message}")
            return refused
        answer = line["ok"]
        _hold(answer, "answers", do)
        several: Sequence[Any] = next(
            (answer[key] for key in ("verdicts", "readings", "results") if key in answer), [0]
        )
        self.answers += len(several)
        return answer

    def _line(self) -> dict[str, Any]:
        try:
            raw = self._lines.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            self.kill()
            raise self._fault(f"gave no answer within {ANSWER_SECONDS:.0f} s") from None
        if raw is _END:
            self.kill()
            raise self._fault("is gone")
        try:
            line: dict[str, Any] = json.loads(raw, parse_constant=_no_number)
        except ValueError as error:
            raise self._fault(f"wrote a line that is no answer ({error}): {raw[:200]!r}") from error
        _hold(line, "answers", "line")
        return line

    def _fault(self, what: str) -> ClientFault:
        said = self._errors.read_text("utf-8", "replace")[-2000:] if self._errors.exists() else ""
        return ClientFault(f"the client {what}\nits last words on stderr:\n{said}")


def _plain(value: Any) -> Any:
    """Paths as text, arrays and tuples as lists, NaN as null."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _validators() -> dict[tuple[str, str], Any]:
    made = {}
    for kind in ("requests", "answers"):
        schema = json.loads((_SCHEMA / f"{kind}.json").read_text("utf-8"))
        Draft202012Validator.check_schema(schema)
        for name in schema["$defs"]:
            made[kind, name] = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
    return made


_VALIDATORS: dict[tuple[str, str], Any] = {}


def _hold(document: Any, kind: str, name: str) -> None:
    """Raise ClientFault where a document is not as its schema says."""
    if not _VALIDATORS:
        _VALIDATORS.update(_validators())
    error = next(_VALIDATORS[kind, name].iter_errors(_shortened(document)), None)
    if error is not None:
        where = "/".join(map(str, error.absolute_path))
        raise ClientFault(f"{name} is not as schema/{kind}.json says: {where or 'as a whole'}: {error.message[:500]}")


def _shortened(document: Any) -> Any:
    """Without the middle of long lists, whose items are all of one kind: validating them takes longer than the rest."""
    if isinstance(document, dict):
        return {key: _shortened(item) for key, item in document.items()}
    if isinstance(document, list):
        kept = document if len(document) <= 2 * _KEPT else [*document[:_KEPT], *document[-_KEPT:]]
        return [_shortened(item) for item in kept]
    return document


def _session(leader: int) -> list[int]:
    """The processes of a session, Linux only."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(folder.name))
    return found


def _peak(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return int(kilobytes) * 1024
