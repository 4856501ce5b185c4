"""The pages of the documentation, and what is where in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "Problem", "anchors", "blocks", "pages", "prose"]

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^ *```(\w*) *$")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$")


@dataclass(frozen=True)
class Problem:
    """Something that a page says and that is not so."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        language: as written after the fence; empty for none.
        line: of its first line of code, from 1.
        code: without the fences, and without the indentation of a list that it is in.
    """

    language: str
    line: int
    code: str


def pages(root: Path = ROOT) -> list[Path]:
    """Every page: those at the root, of docs/, of the conformance suite, of the examples and of the shipped models."""
    folders = (root / name for name in ("docs", "conformance", "examples", "fpm_edge"))
    found = [*root.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]
    return sorted(page for page in found if "node_modules" not in page.parts)


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    language, start, indent, code = None, 0, 0, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.match(line)
        if fence and language is None:
            language, start, indent, code = fence[1], number + 1, line.index("`"), []
        elif fence and language is not None:
            yield Block(language, start, "\n".join(code) + "\n")
            language = None
        elif language is not None:
            code.append(line[indent:] if not line[:indent].strip() else line)


def prose(text: str) -> Iterator[tuple[int, str]]:
    """(number, line) of every line that is not in a fenced block."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def anchors(text: str) -> set[str]:
    """What `#…` may name in a page: its headings by GitHub's rule, which mkdocs.yml asks for too."""
    found: set[str] = set()
    for _, line in prose(text):
        heading = _HEADING.match(line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            found.add(re.sub(r"[^\w\- ]", "", words.replace("`", "").replace("*", "").lower()).replace(" ", "-"))
    return found
