"""Error messages that docs/troubleshooting.md quotes are those of the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docs_check.pages import ROOT, Problem

__all__ = ["check_messages"]

_SOURCES = ("fpm_edge", "runtime", "converters", "calibration")
_HOLE = "\0"


def check_messages(page: Path) -> Iterator[Problem]:
    """Each message that a heading of the third level quotes is in the code, but for the … of what differs."""
    for number, line in enumerate(page.read_text("utf-8").split("\n"), 1):
        quoted = re.match(r"^### (`+) ?(.*?) ?\1$", line)
        if quoted and not any(_holds(message, quoted[2]) for message in _messages()):
            yield Problem(page, number, f"no message in the code reads: {quoted[2]}")


def _holds(message: str, quoted: str) -> bool:
    """Whether the parts of a quotation between its … are in one message, in this order."""
    position = 0
    for part in quoted.split("…"):
        if not part.strip():
            continue
        found = message.find(part.strip(), position)
        if found < 0:
            return False
        position = found + len(part.strip())
    return True


@cache
def _messages() -> tuple[str, ...]:
    """Every string in the code, with a hole where an f-string has a value."""
    found = set()
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    found.add("".join(_literal(value) for value in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return tuple(sorted(found))


def _literal(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else _HOLE
