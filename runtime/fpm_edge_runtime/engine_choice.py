"""Which engine to use here: the first in order that passes the self-check, remembered for the next start."""

import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from fpm_edge_runtime.bundle import open_bundle
from fpm_edge_runtime.engines import ENGINES, Delegate
from fpm_edge_runtime.errors import FpmEdgeError, GateError, MissingExtraError, UsageError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.isolated import EngineCheck, Outcome, check_in_child
from fpm_edge_runtime.lock import locked

__all__ = ["CheckCache", "CheckKey", "CheckRecord", "EngineChoice", "Tried", "choose_engine"]

DEFAULT_ORDER = ("litert", "tflite-runtime", "onnxruntime", "openvino")
"""The engines that are tried where nobody says which; those for a GPU or NPU have to be named."""

_MOST = 64  # records that a cache keeps
_WAIT = 10.0  # seconds for another process that writes the cache


class CheckKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a self-check holds for. `delegate` is what the engine runs on: ``none`` (the processor), ``gpu``, ``npu``.

    No version of a driver is in it, as LiteRT names none: after an update of it, check with `again`.
    """

    bundle: str
    engine: str
    engine_version: str
    system: str
    runtime: str
    delegate: str = "none"


class CheckRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A self-check that was made, on `date` (UTC). Every outcome but ``ok`` puts the engine on the deny list."""

    key: CheckKey
    outcome: Outcome
    reason: str
    date: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    records: list[CheckRecord]


@dataclass(frozen=True)
class Tried:
    """One engine's turn. `date`: when it was checked; `cached`: not now, but at an earlier start.

    `delegate`: what the engine runs all of the pieces on. It is never less than all: that is ``refused``.
    """

    engine: str
    outcome: Outcome
    reason: str
    date: str
    cached: bool
    delegate: Delegate = "none"


@dataclass(frozen=True)
class EngineChoice:
    """Which engine to use: `engine`, which passed. `skipped` are those before it in the order, and why.

    `notes` say what was noticed about the cache.
    """

    engine: str
    passed: Tried
    skipped: tuple[Tried, ...]
    notes: tuple[str, ...]


class CheckCache:
    """Self-checks of earlier starts, in a JSON file. One that is damaged counts as empty, and `notes` say so."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.notes: list[str] = []

    def records(self) -> list[CheckRecord]:
        """All of them, oldest first."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File).records
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:
            self.notes.append(f"{self._path} cannot be read ({error}); engines are checked again")
            return []

    def get(self, key: CheckKey) -> CheckRecord | None:
        """What is known."""
        return next((record for record in self.records() if record.key == key), None)

    def put(self, record: CheckRecord) -> None:
        """Keep it, instead of any other of its key. Where the file cannot be written, `notes` say so."""
        try:
            with locked(self._path.with_name(f"{self._path.name}.lock"), _WAIT):
                others = [known for known in self.records() if known.key != record.key]
                content = msgspec.json.encode(_File([*others, record][-_MOST:]))
                write_atomically(self._path, msgspec.json.format(content, indent=1))
        except (OSError, FpmEdgeError) as error:
            self.notes.append(f"{self._path} cannot be written ({error}); the next start checks again")


def choose_engine(
    source: str | Path | bytes,
    engines: Sequence[str] = DEFAULT_ORDER,
    *,
    threads: int | None = None,
    timeout: float = 60.0,
    cache: CheckCache | None = None,
    again: bool = False,
    check: Callable[..., EngineCheck] = check_in_child,
) -> EngineChoice:
    """The first engine in order that answers the bundle's golden cases as the float model did.

    Args:
        source: path of a ``.fpm`` file, or its content.
        engines: names, best first.
        threads: for the engine; None leaves it to the engine.
        timeout: seconds for each self-check.
        cache: of earlier starts; None checks at every call.
        again: check also what the cache knows, for example because the device was only too busy then.
        check: makes a self-check; `check_in_child`, or it with some arguments set.

    Raises:
        BundleError: the bundle is damaged.
        UsageError: there is no engine of this name, or no name was given.
        MissingExtraError: none of the engines is installed.
        GateError: none passes; the message says what each did.
    """
    unknown = [name for name in engines if name not in ENGINES]
    if unknown or not engines:
        raise UsageError(f"engines are {list(engines)}; expected some of: {', '.join(ENGINES)}")
    bundle = open_bundle(source)
    skipped: list[Tried] = []
    for name in engines:
        known = ENGINES[name]
        if not set(known.formats) & set(bundle.formats):
            reason = f"it reads {', '.join(known.formats)} and the bundle has {', '.join(bundle.formats)}"
            skipped.append(Tried(name, "refused", reason, _now(), False, known.delegate))
            continue
        key = _key(bundle.digest, name)
        record = cache.get(key) if cache is not None and key is not None and not again else None
        if record is not None:
            tried = Tried(name, record.outcome, record.reason, record.date, True, known.delegate)
        else:
            found = check(source, name, threads=threads, timeout=timeout)
            tried = Tried(name, found.outcome, found.reason, _now(), False, known.delegate)
            if cache is not None and key is not None and found.outcome != "missing":
                cache.put(CheckRecord(key, tried.outcome, tried.reason, tried.date))
        if tried.outcome == "ok":
            notes = () if cache is None else tuple(dict.fromkeys(cache.notes))
            return EngineChoice(name, tried, tuple(skipped), notes)
        skipped.append(tried)
    said = "; ".join(f"{entry.engine}: {entry.outcome} ({entry.reason})" for entry in skipped)
    if all(entry.outcome == "missing" for entry in skipped):
        raise MissingExtraError(f"none of the engines is installed: {said}")
    raise GateError(f"no engine passes the self-check: {said}")


def _key(digest: str, engine: str) -> CheckKey | None:
    """None where the version is not known: what was found cannot be told from what a later version would do."""
    with suppress(metadata.PackageNotFoundError):
        known = ENGINES[engine]
        system = f"{platform.platform()} {platform.version()}"
        versions = metadata.version(known.package), metadata.version("fpm-edge")
        return CheckKey(digest, engine, versions[0], system, versions[1], known.delegate)
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
