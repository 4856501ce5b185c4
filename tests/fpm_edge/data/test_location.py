"""Where a data set is: ``~`` is the home folder, and where there is none that is one line."""

import os
from pathlib import Path

import pytest
from forked import in_a_fork

from fpm_edge.__main__ import main
from fpm_edge.cli.options import DataSource
from fpm_edge.cli.train_data import with_papers_split
from fpm_edge.data import load_dataset
from fpm_edge.data.location import local_path
from fpm_edge.data.paper import paper_split
from fpm_edge.data.reader import READERS
from fpm_edge_runtime import UsageError

NOBODY = "~no-such-user-here"
SAID = f"there is no home folder for {NOBODY}; set HOME, or write the path out"


def test_home_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/data") == tmp_path / "data"
    assert local_path("data/~") == Path("data/~")


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"rendered", "backdrops"}))
@pytest.mark.parametrize("rest", ["", "/data", "/data#train"])
def test_every_reader_says_that_there_is_no_home(kind: str, rest: str) -> None:
    with pytest.raises(UsageError, match=SAID):
        load_dataset(f"{kind}:{NOBODY}{rest}")


def test_so_does_what_looks_for_the_contests_parts() -> None:
    with pytest.raises(UsageError, match=SAID):
        paper_split(f"fashionai:{NOBODY}/data")
    with pytest.raises(UsageError, match=SAID):
        with_papers_split(DataSource(f"fashionai:{NOBODY}/data"), "paper")


def test_a_command_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["data", "check", f"coco:{NOBODY}/a.json"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become a user without home")
def test_a_user_whom_the_system_does_not_know_has_no_home() -> None:
    """As in containers that run with a number of their own."""

    def child() -> tuple[str, int, tuple[str, ...]]:
        os.setuid(54321)
        for name in ("HOME", "XDG_CACHE_HOME"):
            os.environ.pop(name, None)
        with pytest.raises(UsageError) as raised:
            load_dataset("coco:~/a.json")
        rendered = load_dataset("rendered:2@0/32")
        return str(raised.value), len(rendered), rendered.notes

    said, count, notes = in_a_fork(child)
    assert said.startswith("~/a.json: there is no home folder for ~; set HOME")
    assert count == 2
    assert notes == (
        "landmarks are not kept, so that they will be drawn again: there is no home folder; set XDG_CACHE_HOME",
    )
