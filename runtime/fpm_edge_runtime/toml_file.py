"""TOML files of users: what cannot be read is named with file and reason, and what a key holds is told shortly."""

import sys
from pathlib import Path
from typing import Any, Protocol

import msgspec

from fpm_edge_runtime.errors import FpmEdgeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["decode_toml", "found_value", "read_toml"]

_SHOWN = 60
_UTF8_MARK = b"\xef\xbb\xbf"
# UTF-16 of either order; UTF-32 begins with one of them or holds zeros.
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


class _Readable(Protocol):
    """A path, or a file of a package."""

    def read_bytes(self) -> bytes: ...


def read_toml(file: _Readable | Path, where: str, error: type[FpmEdgeError]) -> dict[str, Any]:
    """The table in `file`; see `decode_toml`. Raises `error` where it cannot be read."""
    try:
        source = file.read_bytes()
    except OSError as reason:
        raise error(f"{where}: cannot be read: {reason.strerror or reason}; expected a TOML file") from reason
    return decode_toml(source, where, error)


def decode_toml(source: bytes | str, where: str, error: type[FpmEdgeError]) -> dict[str, Any]:
    """The table in the content of a TOML file.

    Args:
        source: UTF-8, with or without a mark of the byte order, which editors on Windows write; or its text.
        where: the file, for messages.
        error: what to raise.

    Raises:
        error: it is in another encoding, or not TOML; with `where`, and line and column where they are known.
    """
    text = _text(source, where, error) if isinstance(source, bytes) else source
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{where}: not valid TOML: lists or tables nested too deeply") from None
    except ValueError as reason:  # more than TOMLDecodeError: a number of thousands of digits, for one
        raise error(f"{where}: not valid TOML: {reason}") from reason


def found_value(value: Any) -> str:
    """A value of a file for a message, as JSON; the end of a long one is left out."""
    text = repr(value) if isinstance(value, float) else msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(source: bytes, where: str, error: type[FpmEdgeError]) -> str:
    if source.startswith(_WIDE_MARKS) or b"\0" in source:
        raise error(f"{where}: UTF-16 text or no text at all; TOML is UTF-8, so save it with that encoding")
    source = source.removeprefix(_UTF8_MARK)
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as reason:
        line = source.count(b"\n", 0, reason.start) + 1
        raise error(
            f"{where}: line {line}: the byte 0x{source[reason.start]:02X} is not UTF-8 (Latin-1, perhaps); TOML is "
            "UTF-8, so save it with that encoding"
        ) from reason
