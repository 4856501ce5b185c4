"""What the documentation says is so, and the checks that hold it to that find what is not."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from docs_check.commands import check_commands
from docs_check.links import check_links, check_lists, check_names
from docs_check.messages import check_messages
from docs_check.pages import ROOT, Problem, pages
from docs_check.snippets import check_snippets
from make_reference import PAGES

from fpm_edge_runtime import Bundle, Manifest, open_bundle

Check = Callable[[Path], Iterator[Problem]]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_true(page: Path) -> None:
    checks: list[Check] = [check_links, check_names, check_lists, check_commands, check_snippets]
    assert [str(problem) for check in checks for problem in check(page)] == []


def test_quoted_messages_are_those_of_the_code() -> None:
    page = ROOT / "docs" / "troubleshooting.md"
    assert len(re.findall(r"^### `", page.read_text("utf-8"), flags=re.MULTILINE)) > 30
    assert [str(problem) for problem in check_messages(page)] == []


@pytest.mark.parametrize(
    ("check", "text", "found"),
    [
        (check_links, "[a](missing.md)", "there is no such file"),
        (check_links, "# One\n[a](#two)", "no heading there"),
        (check_names, "`tests/fpm_edge/test_nothing.py`", "does not exist"),
        (check_lists, "- one\n\n  ```\n  code\n  ```\n", "indented by fewer than four"),
        (check_commands, "```sh\nfpm-edge convert m --int9 -o x\n```", "No such option '--int9'"),
        (check_commands, "```sh\nfpm-edge convert m \\\n  --int8 -o x\n```", "--calibration is missing"),
        (check_commands, "```sh\nfpm-edge run a.fpm --deadline-ms soon b.jpg\n```", "'soon' is not a valid float"),
        (check_commands, "```sh\nB=$(fpm-edge slots bot DIR)\n```", "has no command bot"),
        (check_commands, "Say `fpm-edge train --stopp`.", "No such option '--stopp'"),
        (check_commands, "```sh\nmake demos\n```", "no such target"),
        (check_commands, '```sh\npip install "fpm-edge[tools]"\n```', "no such extra"),
        (check_commands, "```sh\nbenchmarks/hostile.py --speed\n```", "has no option --speed"),
        (check_snippets, "```python\nfrom fpm_edge_runtime import Bundel\n```", "has no Bundel"),
        (check_snippets, "```python\nimport fpm_edge_runtime as f\nf.open(1)\n```", "f has no open"),
        (check_snippets, "```python\nfrom fpm_edge_runtime import Pool\nPool(1, size=2)\n```", "takes no size="),
        (check_snippets, "```python\nx = = 1\n```", "is not Python"),
        (check_snippets, "```python\n>>> 1 + 1\n3\n```", "Expected"),
        (check_messages, "### `the bundle is not to my taste`", "no message in the code"),
    ],
)
def test_checks_find_what_is_wrong(check: Check, text: str, found: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    problems = list(check(page))
    assert problems
    assert all(found in str(problem) for problem in problems)


def test_checks_take_what_is_right(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`: three\n[a](#one-two-three) [b](https://example.org/x) `[c](d)`\n\n"
        "```sh\nA=1 fpm-edge convert m ... -o x > y   # (not --so)\nmake test PYTHON=python3.12\n```\n"
        "```python\nimport fpm_edge_runtime\nfpm_edge_runtime.open_bundle('x', now=1).session(threads=2)\n```\n"
        "```python\n>>> 1 + 1\n2\n```\n",
        "utf-8",
    )
    checks: list[Check] = [check_links, check_names, check_lists, check_commands, check_snippets]
    assert [str(problem) for check in checks for problem in check(page)] == []


@pytest.mark.parametrize("name", PAGES)
def test_what_follows_from_the_code_does(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == PAGES[name](), "run: python scripts/make_reference.py"


def _schema(name: str) -> Any:
    schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_real_bundle_fits_the_schemas(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    manifest = json.loads(bundle.read("manifest.json"))
    _schema("manifest").validate(manifest)
    _schema("golden").validate(json.loads(bundle.read("golden/golden.json")))
    for wrong in (
        manifest | {"schema_version": 5},
        manifest | {"colour": "red"},
        {key: value for key, value in manifest.items() if key != "pieces"},
        manifest | {"pieces": {"tflite": [], "ncnn": []}},
        manifest | {"digests": {"card.md": "0"}},
    ):
        assert list(_schema("manifest").iter_errors(wrong))


def test_the_format_page_names_every_field_and_member(tiny_bundle: Path) -> None:
    text = (ROOT / "docs" / "bundle-format.md").read_text("utf-8")
    for field in msgspec.structs.fields(Manifest):
        assert f"`{field.name}`" in text
    for member in {re.sub(r"\d+", "<n>", member) for member in open_bundle(tiny_bundle).members}:
        assert member.replace("stages/<n>", "stages/<t>") in text, member


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Strictly: every page is in the navigation, and every link leads to a page of the site."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "index.html").read_text("utf-8")
    assert "make demo" in home
    assert 'href="start.html"' in home
    assert re.findall(r'(?:src|<link[^>]* href)="(?:https?:)?//[^"]*', home) == []


def test_the_start_page_runs(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docs_check.pages import blocks
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "demo").mkdir(parents=True)
    (tmp_path / "out" / "demo" / "garments.fpm").write_bytes(tiny_bundle.read_bytes())
    Image.new("RGB", (90, 60)).save(tmp_path / "photo.jpg")
    names: dict[str, Any] = {}
    for block in blocks((ROOT / "docs" / "start.md").read_text("utf-8")):
        if block.language == "python":
            exec(compile(block.code, "start.md", "exec"), names)
    assert isinstance(names["bundle"], Bundle)
    assert names["found"].landmarks.shape == (24, 2)
