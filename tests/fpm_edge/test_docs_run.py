"""The commands of the documentation run as they stand there; what is shortened or left out has a reason.

The running takes half an hour: `pytest -m slow tests/fpm_edge/test_docs_run.py`, once before each release.
"""

from pathlib import Path

import pytest
from docs_check.pages import ROOT
from docs_run.run import Runner
from docs_run.stand_ins import StandIns
from docs_run.steps import Step, pages_to_run, steps_of, unused_rules


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_to_run(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_end_as_it_says(page: Path, runner: Runner) -> None:
    assert [str(failure) for failure in runner.run(page)] == []


def test_no_rule_is_stale() -> None:
    assert unused_rules() == []


def test_the_pages_that_people_begin_with_run_whole() -> None:
    """Where something is left out there, it is installing and the project's own checks."""
    pages = pages_to_run()
    for name in ("README.md", "docs/start.md", "docs/your-data.md", "docs/kiosk.md", "docs/reference/cli.md"):
        assert ROOT / name in pages
    for name in ("README.md", "docs/start.md", "docs/your-data.md"):
        left_out = [step.written for step in steps_of(ROOT / name) if step.left_out]
        assert all(command.startswith(("pip install", "make test")) for command in left_out)


def _steps(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    monkeypatch.setattr("docs_run.steps.ROOT", folder)
    page = folder / "page.md"
    page.write_text(text, "utf-8")
    return steps_of(page)


def test_commands_are_read_as_a_shell_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "```sh\nfpm-edge bench a.fpm \\\n    --threads 1   # one\n\n# nothing\nB=$(fpm-edge slots boot DIR)\n```\n"
    first, second = _steps(text, tmp_path, monkeypatch)
    assert (first.line, first.written) == (2, "fpm-edge bench a.fpm --threads 1")
    assert first.run == "fpm-edge bench a.fpm --threads 1 --quick"
    assert (second.line, second.run) == (6, "B=$(fpm-edge slots boot SLOTS)")


def test_every_command_runs_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "```sh\npip install fpm-edge\nfpm-edge run photo.jpg\n```\n```python\n1\n```\n"
    install, run = _steps(text, tmp_path, monkeypatch)
    assert install.left_out
    assert run.left_out is None


def test_a_command_that_ends_otherwise_is_found_in_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the web example said: all 64 pictures set the ranges, and none is left to measure on."""
    page = tmp_path / "page.md"
    page.write_text("```sh\nX=three\ntest $X = three\nfpm-edge data check rendered:0\ntrue\n```\n", "utf-8")
    (tmp_path / "examples").mkdir()
    monkeypatch.setattr("docs_run.steps.ROOT", tmp_path)
    monkeypatch.setattr("docs_run.run.ROOT", tmp_path)
    (tmp_path / "work").mkdir()
    (failure,) = Runner(tmp_path / "work").run(page)
    assert failure.step.line == 4
    assert "page.md:4: fpm-edge data check rendered:0" in str(failure)
    assert "ended with 2" in str(failure)


def test_a_stand_in_is_put_where_a_page_names_it_and_does_not_make_it(tmp_path: Path) -> None:
    stand_ins = StandIns(tmp_path, {})
    (tmp_path / "mine.fpm").write_bytes(b"made")
    page = tmp_path / "page"
    page.mkdir()
    assert stand_ins.put("fpm-edge convert m -o mine.fpm\nfpm-edge run mine.fpm", page) == []
    assert stand_ins.put("fpm-edge run mine.fpm.old", page) == []
    assert stand_ins.put("fpm-edge run mine.fpm", page) == ["mine.fpm"]
    assert (page / "mine.fpm").read_bytes() == b"made"
    assert stand_ins.put("fpm-edge run mine.fpm", page) == []
