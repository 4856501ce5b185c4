"""What the documentation points to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for name in ("docs", "examples", "fpm_edge") for page in (ROOT / name).rglob("*.md"))]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_and_tests_that_are_named_exist(page: Path) -> None:
    named = set(
        re.findall(r"(?:benchmarks|tests|scripts|docs|fpm_edge)/[\w/.-]+\.(?:py|sh|md)\b", page.read_text("utf-8"))
    )
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not (page.parent / name).exists()] == []
