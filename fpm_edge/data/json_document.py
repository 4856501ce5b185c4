"""JSON in which nothing is said twice: of two equal keys, a plain reader drops the first without a word."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["parse_json"]


def parse_json(content: str | bytes) -> object:
    """The value of a JSON document. Raises ValueError: not JSON, cut short, nested too deeply, or with a key twice."""
    try:
        return json.loads(content, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} occurs twice in one object")
    return found
