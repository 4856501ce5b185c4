"""Which engine is the fastest here, and with how many threads: measured once, remembered for the next start."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec

from fpm_edge_runtime.check.device import Device, this_device, thread_words, usual_threads
from fpm_edge_runtime.check.engine_choice import (
    DEFAULT_ORDER,
    CheckCache,
    Known,
    Tried,
    check_names,
    is_denied,
    notes_of,
    nothing_passes,
    try_engine,
)
from fpm_edge_runtime.check.isolated import EngineCheck, check_in_child
from fpm_edge_runtime.check.isolated_speed import Measured, measure_in_children
from fpm_edge_runtime.check.record_cache import RecordCache, utc_now
from fpm_edge_runtime.engines import ENGINES
from fpm_edge_runtime.errors import GateError, UsageError
from fpm_edge_runtime.stages.bundle import open_bundle
from fpm_edge_runtime.stages.session import MOST_THREADS

__all__ = ["DEFAULT_BUDGET_MS", "Speed", "SpeedCache", "SpeedChoice", "SpeedKey", "SpeedRecord", "fastest_engine"]

DEFAULT_BUDGET_MS = 2000.0

_Time = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True)
class Speed:
    """One candidate.

    Attributes:
        engine: its name.
        threads: number of them; None for an engine that did not come so far as to be measured.
        outcome: ``ok`` if it was measured; otherwise what happened, as of `EngineCheck`, or ``drifted``.
        reason: in words, empty for ``ok``.
        ms: median over the rounds; None if it was not measured.
        ratio: to the fastest, the median over the rounds of the ratio within a round; None if it was not measured.
    """

    engine: str
    threads: int | None
    outcome: Known
    reason: str = ""
    ms: _Time | None = None
    ratio: _Time | None = None

    @property
    def name(self) -> str:
        """Engine and threads in words."""
        return self.engine if self.threads is None else f"{self.engine} with {thread_words(self.threads)}"


class SpeedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a measurement holds for. `engines` have their versions: one that is new here, or newer, is measured."""

    device: Device
    bundle: str
    engines: tuple[tuple[str, str], ...]
    threads: tuple[int, ...]
    runtime: str


class SpeedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measurement that was made, on `date` (UTC)."""

    key: SpeedKey
    speeds: tuple[Speed, ...]
    date: str


class SpeedCache(RecordCache[SpeedRecord]):
    """Measurements of earlier starts, in a JSON file. One that is damaged counts as empty, and `notes` say so."""

    record = SpeedRecord


@dataclass(frozen=True)
class SpeedChoice:
    """Which engine to use, and with how many threads.

    Attributes:
        engine: its name.
        threads: number of them.
        ms: its time, median; what is timed, `measure_in_children` says.
        tried: all candidates, those that are preferred among equals first; then the engines that were not measured.
        date: when it was measured (UTC).
        cached: not now, but at an earlier start.
        notes: what was noticed about the caches.
    """

    engine: str
    threads: int
    ms: float
    tried: tuple[Speed, ...]
    date: str
    cached: bool
    notes: tuple[str, ...]


def fastest_engine(
    source: str | Path | bytes,
    engines: Sequence[str] = DEFAULT_ORDER,
    *,
    threads: Sequence[int] | None = None,
    budget_ms: float = DEFAULT_BUDGET_MS,
    tie: float = 0.03,
    timeout: float = 60.0,
    cache: SpeedCache | None = None,
    checks: CheckCache | None = None,
    again: bool = False,
    trusted_keys: Iterable[str | Path | bytes] | None = None,
    check: Callable[..., EngineCheck] = check_in_child,
    measure: Callable[..., Sequence[Measured]] = measure_in_children,
) -> SpeedChoice:
    """The fastest engine that answers the bundle's golden cases as the float model did, and its number of threads.

    Every engine that passes the self-check is timed with every number of threads, in child processes that take turns:
    the golden pictures, all stages and the decoding of the last one, without pre-processing (`measure_in_children`).
    Of all that are within `tie` of the fastest, the one with the fewest threads is chosen, as the app has other work
    for them; of those, the first in the order of `engines`.

    Args:
        source: path of a ``.fpm`` file, or its content.
        engines: names, those that are preferred among equals first.
        threads: numbers of them to try; None for 1, 2, 4, … up to the processors that this process may use.
        budget_ms: for all timed runs together. Starting, loading and checking come on top, about a second for each
            engine and number of threads on a small processor.
        tie: so much slower than the fastest counts as equally fast, as a share.
        timeout: seconds for each self-check, and see `measure_in_children`.
        cache: measurements of earlier starts; None measures at every call. What is known starts no engine at all.
        checks: self-checks of earlier starts, which `choose_engine` may share. An engine that failed one is not tried;
            neither is one that drifted since it was measured.
        again: check and measure also what the caches know, for example because the device was busy then.
        trusted_keys: as for `open_bundle`; no engine gets anything of a bundle that none of them signed.
        check: makes a self-check, as for `choose_engine`.
        measure: times candidates; `measure_in_children`, or it with some arguments set.

    Raises:
        BundleError: the bundle is damaged, or not signed as it must be.
        UsageError: a trusted key is not one; there is no engine of this name, or no name was given; a number is out of
            range.
        MissingExtraError: none of the engines is installed.
        GateError: none passes the self-check, or none of those that do could be measured.
    """
    check_names(engines)
    counts = _counts(threads)
    if not (math.isfinite(budget_ms) and budget_ms > 0 and math.isfinite(tie) and tie >= 0):
        raise UsageError(f"budget_ms is {budget_ms} and tie {tie}; expected milliseconds over 0, and a share from 0 on")
    bundle = open_bundle(source, trusted_keys)
    names = tuple(dict.fromkeys(engines))
    key = _key(bundle.digest, names, counts)
    known = cache.get(key) if cache is not None and key is not None and not again else None
    if known is not None and any(
        entry.outcome == "ok" and is_denied(bundle.digest, entry.engine, checks) for entry in known.speeds
    ):
        known = None
    if known is not None:
        speeds, date = known.speeds, known.date
    else:
        tried = [
            try_engine(source, bundle, name, threads=None, timeout=timeout, cache=checks, again=again, check=check)
            for name in names
        ]
        able = {entry.engine: counts for entry in tried if entry.outcome == "ok"}
        if not able:
            raise nothing_passes(tried)
        speeds, date = _speeds(measure(source, able, budget_ms=budget_ms, timeout=timeout), tried), utc_now()
    chosen = _chosen(speeds, tie)
    if known is None and cache is not None and key is not None:
        cache.put(SpeedRecord(key, speeds, date))
    return SpeedChoice(*chosen, speeds, date, known is not None, notes_of(checks, cache))


def _counts(threads: Sequence[int] | None) -> tuple[int, ...]:
    """Numbers of threads, fewest first."""
    if threads is None:
        return usual_threads()
    if not threads or not all(1 <= count <= MOST_THREADS for count in threads):
        raise UsageError(f"threads are {list(threads)}; expected numbers from 1 to {MOST_THREADS}, at least one")
    return tuple(sorted(set(threads)))


def _speeds(measured: Sequence[Measured], tried: Sequence[Tried]) -> tuple[Speed, ...]:
    """What each candidate's rounds say, in the order of `SpeedChoice.tried`."""
    ran = [entry for entry in measured if entry.outcome == "ok"]
    fastest = min(ran, key=lambda entry: median(entry.rounds), default=None)
    place = {entry.engine: number for number, entry in enumerate(tried)}
    speeds = []
    for entry in sorted(measured, key=lambda entry: (entry.threads, place[entry.engine])):
        ms = ratio = None
        if entry.outcome == "ok" and fastest is not None:
            ms = median(entry.rounds)
            ratio = median(mine / its for mine, its in zip(entry.rounds, fastest.rounds, strict=True))
        speeds.append(Speed(entry.engine, entry.threads, entry.outcome, entry.reason, ms, ratio))
    left = [Speed(entry.engine, None, entry.outcome, entry.reason) for entry in tried if entry.outcome != "ok"]
    return (*speeds, *left)


def _chosen(speeds: Sequence[Speed], tie: float) -> tuple[str, int, float]:
    """Engine, threads and milliseconds of the first that is about as fast as the fastest."""
    for entry in speeds:
        if entry.threads is not None and entry.ms is not None and entry.ratio is not None and entry.ratio <= 1 + tie:
            return entry.engine, entry.threads, entry.ms
    said = "; ".join(f"{entry.name}: {entry.outcome} ({entry.reason})" for entry in speeds)
    raise GateError(f"no engine could be measured: {said}")


def _key(digest: str, engines: Sequence[str], threads: tuple[int, ...]) -> SpeedKey | None:
    """None where our version is not known: another may be faster."""
    with suppress(metadata.PackageNotFoundError):
        versions = tuple((name, _version(name)) for name in engines)
        return SpeedKey(this_device(), digest, versions, threads, metadata.version("fpm-edge"))
    return None


def _version(engine: str) -> str:
    """Empty for an engine that is not installed."""
    try:
        return metadata.version(ENGINES[engine].package)
    except metadata.PackageNotFoundError:
        return ""
