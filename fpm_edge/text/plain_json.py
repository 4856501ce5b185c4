"""JSON for other programs, in ASCII: the same bytes in every encoding of stdout, and for every name of a file."""

import json
import math
from typing import Any

import msgspec

__all__ = ["json_document", "json_line"]


def json_line(value: Any) -> str:
    """`value` as JSON on one line.

    Characters beyond ASCII are ``\\u`` escapes. So are bytes of file names that are not UTF-8, as lone surrogates
    from U+DC80 on: Python's `json` reads back the name, and `os.fsencode` gives its bytes. NaN and infinity are null.
    """
    return json.dumps(_plain(value), allow_nan=False, separators=(",", ":"))


def json_document(value: Any) -> str:
    """`json_line` over several lines, for people too."""
    return json.dumps(_plain(value), allow_nan=False, indent=2)


def _plain(value: Any) -> Any:
    return _finite(msgspec.to_builtins(value, str_keys=True))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
