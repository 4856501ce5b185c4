"""The reference as a client of the conformance suite, with one fault: python faulty_client.py FAULT"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from conformance.clients import given, pieces, plain, python, reference
from fpm_edge_runtime.bundle import contents, conversion, manifest
from fpm_edge_runtime.drift import betting, monitor
from fpm_edge_runtime.errors import BundleError, DataError
from fpm_edge_runtime.pixels import decode
from fpm_edge_runtime.stages import convergence, looks, pace, recognizer, session

Change = Callable[[Any], Any]


def changed(owner: Any, name: str, change: Change) -> Callable[[], None]:
    """Replace something by what `change` makes of it."""

    def apply() -> None:
        setattr(owner, name, change(getattr(owner, name)))

    return apply


def _answering(change: Change) -> Change:
    """A function whose answer is changed."""
    return lambda function: lambda *args, **options: change(function(*args, **options))


def _one_byte(pixels: Any) -> Any:
    pixels.flat[-1] ^= 1
    return pixels


def _beside(reading: Any) -> Any:
    reading.cells[..., 0] += 0.002
    return reading


def _evidence(found: Any) -> Any:
    return found * (1 + 1e-6)


def _half_up(values: Any, out: Any) -> Any:
    return np.floor(values + np.float32(0.5), out=out)


class _Numpy:
    """NumPy, but for rounding."""

    rint = staticmethod(_half_up)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


_LEAK: list[bytearray] = []


def _leaking(verdict: Any) -> Any:
    _LEAK.append(bytearray(b"\1" * 2**17))
    return verdict


def _without_doubts(answer: Any) -> Any:
    del answer["doubts"]
    return answer


def _of_the_first(function: Any) -> Any:
    """A clock that only the first run of a piece moves."""
    seen: set[tuple[int, str]] = set()

    def run(clock: Any, piece: str) -> None:
        if (id(clock), piece) not in seen:
            seen.add((id(clock), piece))
            function(clock, piece)

    return run


def _data_error(function: Any) -> Any:
    def check(*args: Any) -> Any:
        try:
            return function(*args)
        except BundleError as error:
            raise DataError(str(error)) from error

    return check


def _never_expiring(function: Any) -> Any:
    return lambda bundle, keys, _: function(bundle, keys, 1_790_000_001.0)


def _unlimited() -> None:
    limits: Any = decode._LIMITS  # type: ignore[attr-defined]
    limits[np.dtype(np.float32)] = (-np.inf, np.inf)


def _ignoring(*_: Any) -> Any:
    """What does nothing, in place of a check."""
    return lambda *args: None


FAULTS: Mapping[str, tuple[str, Callable[[], None]]] = {
    "letterbox: one byte": ("letterbox", changed(pieces, "letterbox", _answering(_one_byte))),
    "letterbox in a session: one byte": ("stages", changed(session, "letterbox", _answering(_one_byte))),
    "decode: 0.002 cell": ("decode", changed(pieces, "read_heatmaps", _answering(_beside))),
    "decode in a session: 0.002 cell": ("stages", changed(session, "read_heatmaps", _answering(_beside))),
    "decode: float maps end nowhere": ("decode", _unlimited),
    "error: another class": ("hostile", changed(contents, "read_entries", _data_error)),
    "error: another exit code": ("errors", lambda: setattr(DataError, "exit_code", 3)),
    "error: none of the runtime's": ("errors", changed(session, "check_stages", lambda _: lambda *args: 1 // 0)),
    "pace: 90 %": ("pace", changed(pace, "_QUANTILE", lambda _: 0.9)),
    "pace: 60 times": ("pace", changed(pace, "_MEMORY", lambda _: 60)),
    "clock: runs after the first take no time": ("pace", changed(given.GivenClock, "run", _of_the_first)),
    "convergence: clear from 0.27": ("convergence", changed(convergence, "CLEAR_PEAK", lambda _: 0.27)),
    "looks: a margin of 0.31": ("looks", changed(looks, "second_region", lambda f: partial(f, margin=0.31))),
    "tensors: halves are rounded up": ("stages", changed(conversion, "np", lambda _: _Numpy())),
    "recognition: float32": ("recognition", changed(recognizer, "exp", lambda f: lambda x: float(np.float32(f(x))))),
    "recognition: any category is taken": ("recognition", changed(recognizer.Recognizer, "check", _ignoring)),
    "alarm: evidence 1e-6": ("alarm", changed(betting.ChangeAlarm, "evidence", _answering(_evidence))),
    "alarm: a cap of 0.26": ("alarm", changed(monitor, "CAP", lambda _: 0.26)),
    "signature: never expires": (
        "signatures",
        changed(contents.BundleContents, "_check_signature", _never_expiring),
    ),
    "keys that occur twice are taken": ("hostile", changed(manifest, "_refuse_repeated_keys", lambda _: dict)),
    "data in other files is taken": ("hostile", changed(contents, "refuse_external_data", _ignoring)),
    "a leak": ("hostile", changed(pieces, "_verdict", _answering(_leaking))),
    "an answer with another field": (
        "opening",
        changed(reference, "plain_bundle", _answering(lambda answer: {**answer, "more": 1})),
    ),
    "an answer without a field": ("stages", changed(plain, "_found", _answering(_without_doubts))),
}
"""Fault → the area of the suite that must find it, and what makes it."""


if __name__ == "__main__":
    FAULTS[sys.argv[1]][1]()
    python.main()
