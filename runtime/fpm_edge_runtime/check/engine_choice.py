"""Which engine to use here: the first in order that passes the self-check, remembered for the next start."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import msgspec

from fpm_edge_runtime.check.device import system_build
from fpm_edge_runtime.check.isolated import EngineCheck, Outcome, check_in_child
from fpm_edge_runtime.check.record_cache import RecordCache, utc_now
from fpm_edge_runtime.engines import DEFAULT_ORDER, ENGINES, Delegate
from fpm_edge_runtime.errors import FpmEdgeError, GateError, MissingExtraError, UsageError
from fpm_edge_runtime.stages.bundle import Bundle, open_bundle

__all__ = [
    "DEFAULT_ORDER",
    "CheckCache",
    "CheckKey",
    "CheckRecord",
    "EngineChoice",
    "Known",
    "Tried",
    "check_names",
    "choose_engine",
    "deny",
    "is_denied",
    "notes_of",
    "nothing_passes",
    "try_engine",
]

Known = Outcome | Literal["drifted"]
"""What is known of an engine: the outcome of its self-check, or that it passed and the drift alarm found it out."""


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
    """What was found on `date` (UTC). Every outcome but ``ok`` puts the engine on the deny list."""

    key: CheckKey
    outcome: Known
    reason: str
    date: str


@dataclass(frozen=True)
class Tried:
    """One engine's turn. `date`: when it was checked; `cached`: not now, but at an earlier start.

    `delegate`: what the engine runs all of the pieces on. It is never less than all: that is ``refused``.
    """

    engine: str
    outcome: Known
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


class CheckCache(RecordCache[CheckRecord]):
    """Self-checks of earlier starts, in a JSON file. One that is damaged counts as empty, and `notes` say so."""

    record = CheckRecord


def choose_engine(
    source: str | Path | bytes,
    engines: Sequence[str] = DEFAULT_ORDER,
    *,
    threads: int | None = None,
    timeout: float = 60.0,
    cache: CheckCache | None = None,
    again: bool = False,
    trusted_keys: Iterable[str | Path | bytes] | None = None,
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
        trusted_keys: as for `open_bundle`; no engine gets anything of a bundle that none of them signed.
        check: makes a self-check; `check_in_child`, or it with some arguments set.

    Raises:
        BundleError: the bundle is damaged, or not signed as it must be.
        UsageError: a trusted key is not one; there is no engine of this name, or no name was given.
        MissingExtraError: none of the engines is installed.
        GateError: none passes; the message says what each did.
    """
    check_names(engines)
    bundle = open_bundle(source, trusted_keys)
    skipped: list[Tried] = []
    for name in engines:
        tried = try_engine(
            source, bundle, name, threads=threads, timeout=timeout, cache=cache, again=again, check=check
        )
        if tried.outcome == "ok":
            return EngineChoice(name, tried, tuple(skipped), notes_of(cache))
        skipped.append(tried)
    raise nothing_passes(skipped)


def check_names(engines: Sequence[str]) -> None:
    """Raise UsageError unless these are names of engines, and at least one."""
    unknown = [name for name in engines if name not in ENGINES]
    if unknown or not engines:
        raise UsageError(f"engines are {list(engines)}; expected some of: {', '.join(ENGINES)}")


def try_engine(
    source: str | Path | bytes,
    bundle: Bundle,
    name: str,
    *,
    threads: int | None,
    timeout: float,
    cache: CheckCache | None,
    again: bool,
    check: Callable[..., EngineCheck],
) -> Tried:
    """One engine's turn: what the cache knows, or a self-check.

    `bundle` is that of `source`; the other arguments are those of `choose_engine`.
    """
    known = ENGINES[name]
    if not set(known.formats) & set(bundle.formats):
        reason = f"it reads {', '.join(known.formats)} and the bundle has {', '.join(bundle.formats)}"
        return Tried(name, "refused", reason, utc_now(), False, known.delegate)
    key = _key(bundle.digest, name)
    record = cache.get(key) if cache is not None and key is not None and not again else None
    if record is not None:
        return Tried(name, record.outcome, record.reason, record.date, True, known.delegate)
    found = check(source, name, threads=threads, timeout=timeout)
    tried = Tried(name, found.outcome, found.reason, utc_now(), False, known.delegate)
    if cache is not None and key is not None and found.outcome != "missing":
        cache.put(CheckRecord(key, tried.outcome, tried.reason, tried.date))
    return tried


def nothing_passes(skipped: Sequence[Tried]) -> FpmEdgeError:
    """The error where no engine passes: MissingExtraError if none is installed, otherwise GateError."""
    said = "; ".join(f"{entry.engine}: {entry.outcome} ({entry.reason})" for entry in skipped)
    if all(entry.outcome == "missing" for entry in skipped):
        return MissingExtraError(f"none of the engines is installed: {said}")
    return GateError(f"no engine passes the self-check: {said}")


def notes_of(*caches: RecordCache[Any] | None) -> tuple[str, ...]:
    """What was noticed about these caches, each thing once."""
    return tuple(dict.fromkeys(note for cache in caches if cache is not None for note in cache.notes))


def deny(digest: str, engine: str, reason: str, cache: CheckCache) -> None:
    """Put an engine that passed the self-check and drifted all the same on the deny list, for the bundle of `digest`.

    It stays there as one that failed the self-check does: until it, the system or this package has another version,
    or is checked ``again``. Where its version is not known, nothing is remembered.
    """
    key = _key(digest, engine) if engine in ENGINES else None
    if key is not None:
        cache.put(CheckRecord(key, "drifted", reason, utc_now()))


def is_denied(digest: str, engine: str, cache: CheckCache | None) -> bool:
    """Whether the cache knows that an engine failed the self-check of the bundle of `digest`, or drifted."""
    key = _key(digest, engine) if cache is not None and engine in ENGINES else None
    record = cache.get(key) if cache is not None and key is not None else None
    return record is not None and record.outcome != "ok"


def _key(digest: str, engine: str) -> CheckKey | None:
    """None where the version is not known: what was found cannot be told from what a later version would do."""
    with suppress(metadata.PackageNotFoundError):
        known = ENGINES[engine]
        versions = metadata.version(known.package), metadata.version("fpm-edge")
        return CheckKey(digest, engine, versions[0], system_build(), versions[1], known.delegate)
    return None
