"""What was found at earlier starts, in a small JSON file that nothing depends on."""

from datetime import datetime, timezone
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

import msgspec

from fpm_edge_runtime.errors import FpmEdgeError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.lock import locked

__all__ = ["RecordCache", "utc_now"]

_MOST = 64  # records that a cache keeps
_WAIT = 10.0  # seconds for another process that writes the cache


class _Record(Protocol):
    @property
    def key(self) -> msgspec.Struct: ...


_R = TypeVar("_R", bound=_Record)


class _File(msgspec.Struct, Generic[_R], forbid_unknown_fields=True):
    records: list[_R]


class RecordCache(Generic[_R]):
    """Records of one type, each found by its key; the newest 64 are kept.

    A file that is damaged counts as empty, one that cannot be written is done without, and `notes` say so. A subclass
    says in `record` what its records are: a struct with a field ``key``.
    """

    record: ClassVar[type[msgspec.Struct]]

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.notes: list[str] = []

    def records(self) -> list[_R]:
        """All of them, oldest first."""
        try:
            # Which records these are is known when it runs, and not to a type checker.
            found: _File[_R] = msgspec.json.decode(self._path.read_bytes(), type=_File[self.record])  # type: ignore[name-defined]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:
            self.notes.append(f"{self._path} cannot be read ({error}); it counts as empty")
            return []
        return found.records

    def get(self, key: msgspec.Struct) -> _R | None:
        """What is known."""
        return next((record for record in self.records() if record.key == key), None)

    def put(self, record: _R) -> None:
        """Keep it, instead of any other of its key."""
        try:
            with locked(self._path.with_name(f"{self._path.name}.lock"), _WAIT):
                others = [known for known in self.records() if known.key != record.key]
                content = msgspec.json.encode(_File([*others, record][-_MOST:]))
                write_atomically(self._path, msgspec.json.format(content, indent=1))
        except (OSError, FpmEdgeError) as error:
            self.notes.append(f"{self._path} cannot be written ({error}); the next start finds it out again")


def utc_now() -> str:
    """Date and time for a record."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
