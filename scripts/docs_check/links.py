"""Links lead somewhere, and files that are named exist. Nothing is fetched."""

import re
from collections.abc import Iterator
from pathlib import Path

from docs_check.pages import ROOT, Problem, anchors, prose

__all__ = ["check_links", "check_lists", "check_names"]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"(?:benchmarks|tests|scripts|docs|fpm_edge|examples)/[\w/.-]+\.(?:py|sh|md|toml|json)\b")


def check_links(page: Path) -> Iterator[Problem]:
    """Relative links name a file, and their anchors a heading in it."""
    for number, line in prose(page.read_text("utf-8")):
        for link in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if "://" in link or link.startswith("mailto:"):
                continue
            target, _, anchor = link.partition("#")
            there = (page.parent / target) if target else page
            if not there.exists():
                yield Problem(page, number, f"link to {link}: there is no such file")
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
                yield Problem(page, number, f"link to {link}: no heading there gives this anchor")


def check_names(page: Path) -> Iterator[Problem]:
    """Files of the project that are named, in prose or in code, exist; from the root or from the page's folder."""
    for number, line in enumerate(page.read_text("utf-8").split("\n"), 1):
        for name in _NAMED.findall(line):
            if not (ROOT / name).exists() and not (page.parent / name).exists():
                yield Problem(page, number, f"{name} does not exist")


def check_lists(page: Path) -> Iterator[Problem]:
    """What is nested in a list is indented by four: GitHub takes two as well, the site does not."""
    for number, line in enumerate(page.read_text("utf-8").split("\n"), 1):
        if re.match(r"^ {1,3}(?:[-*] |[0-9]+\. |```)", line):
            yield Problem(page, number, "nested in a list, and indented by fewer than four: the site shows it outside")
