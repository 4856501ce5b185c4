"""The commands of a page, as they are run: shortened, left out with a reason, with the exit code that the page says."""

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs_check.pages import ROOT, Block, blocks, pages

from docs_run.rules import EXITS, NOT_HERE, PAGES_LEFT_OUT, SHORTER, Exit, NotHere, Shorter

__all__ = ["Step", "pages_to_run", "steps_of", "unused_rules"]

_SHELLS = ("sh", "bash", "console")


@dataclass(frozen=True)
class Step:
    """A command of a page.

    Attributes:
        line: of the page, from 1.
        block: line of the block that it is in; steps of one block share a shell.
        written: as on the page, without its comment.
        run: as it is run.
        exit: the code that it must end with.
        left_out: why it is not run; None where it is.
        rules: those that were applied.
    """

    line: int
    block: int
    written: str
    run: str
    exit: int
    left_out: str | None
    rules: tuple[Shorter | NotHere | Exit, ...]


def pages_to_run() -> list[Path]:
    """Every page with a command to run that is not left out as a whole."""
    return [
        page
        for page in pages()
        if not any(fnmatch.fnmatch(_name(page), pattern) for pattern in PAGES_LEFT_OUT)
        and any(step.left_out is None for step in steps_of(page))
    ]


def steps_of(page: Path) -> list[Step]:
    """The commands of a page's shell blocks, in order."""
    return [
        _step(_name(page), block, line, command)
        for block in blocks(page.read_text("utf-8"))
        if block.language in _SHELLS
        for line, command in _commands(block)
    ]


def unused_rules() -> list[Shorter | NotHere | Exit]:
    """Rules that no command of any page needs."""
    used = {rule for page in pages() for step in steps_of(page) if not _left_out(page) for rule in step.rules}
    return [rule for rule in (*SHORTER, *NOT_HERE, *EXITS) if rule not in used]


def _left_out(page: Path) -> bool:
    return any(fnmatch.fnmatch(_name(page), pattern) for pattern in PAGES_LEFT_OUT)


def _commands(block: Block) -> Iterator[tuple[int, str]]:
    """(line, command) of each; a line that ends in a backslash goes on, a comment ends one."""
    pending, start = "", 0
    for number, line in enumerate(block.code.split("\n"), block.line):
        start = start if pending else number
        pending += re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if pending.endswith("\\"):
            pending = re.sub(r"\s*\\$", " ", pending)
            continue
        if pending.strip():
            yield start, re.sub(r"\s+", " ", pending.strip())
        pending = ""


def _step(page: str, block: Block, line: int, written: str) -> Step:
    rules: list[Shorter | NotHere | Exit] = []
    reason, code, command = None, 0, written
    for not_here in NOT_HERE:
        if reason is None and fnmatch.fnmatch(page, not_here.page) and re.search(not_here.pattern, written):
            reason = not_here.reason
            rules.append(not_here)
    for shorter in SHORTER if reason is None else ():
        changed = re.sub(shorter.pattern, shorter.new, command)
        if changed != command:
            command = changed
            rules.append(shorter)
    for other in EXITS:
        if fnmatch.fnmatch(page, other.page) and re.search(other.pattern, written):
            code = other.code
            rules.append(other)
    return Step(line, block.line, written, command, code, reason, tuple(rules))


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
