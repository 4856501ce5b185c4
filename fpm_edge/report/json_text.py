"""JSON that people can read: one field a line, but a list of numbers on one line."""

import re
from typing import Any

import msgspec

__all__ = ["json_text"]

# Strings of JSON hold no line breaks, so that this finds lists only.
_NUMBERS = re.compile(rb"\[\n\s*((?:-?\d[\d.eE+-]*|null)(?:,\n\s*(?:-?\d[\d.eE+-]*|null))*)\n\s*\]")


def json_text(value: Any) -> bytes:
    """`value` as indented JSON; lists that hold only numbers and nulls take one line each."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    return _NUMBERS.sub(lambda found: b"[" + re.sub(rb",\n\s*", b", ", found[1]) + b"]", text)
