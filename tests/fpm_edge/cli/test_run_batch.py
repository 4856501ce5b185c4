"""`fpm-edge run` on many pictures: a bad one costs no other its answer, and exit code 0 means that all were used."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_bundle import small_bundle

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle, two good pictures, and one that is cut short."""
    (tmp_path / "colours.fpm").write_bytes(small_bundle())
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for name in ("good.png", "good2.png", "cut.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    cut = tmp_path / "cut.png"
    cut.write_bytes(cut.read_bytes()[:2000])
    return tmp_path


def asked(folder: Path, *names: str) -> list[object]:
    return ["run", folder / "colours.fpm", *(folder / name for name in names), "--category", "warm"]


def test_a_bad_picture_is_one_element(folder: Path, run: Run) -> None:
    code, out, said = run(*asked(folder, "good.png", "cut.png", "none.png", "good2.png"), "--json")
    assert code == 1
    answers = json.loads(out)
    assert [Path(answer["image"]).name for answer in answers] == ["good.png", "cut.png", "none.png", "good2.png"]
    assert [sorted(answer) == ["error", "image"] for answer in answers] == [False, True, True, False]
    assert answers[0]["landmarks"] == answers[3]["landmarks"] != {}
    assert "damaged or cut short" in answers[1]["error"]
    assert "cut.png is damaged" in said
    assert "2 of 4 pictures could not be used" in said
    # A line a picture, each of them whole.
    assert [json.loads(line[1:])["image"] for line in out.splitlines()[:-1]] == [a["image"] for a in answers]


def test_a_bad_picture_is_no_row(folder: Path, run: Run) -> None:
    code, out, said = run(*asked(folder, "cut.png", "good.png", "good2.png"), "--overlay", folder / "out")
    assert code == 1
    assert "good.png" in out
    assert "good2.png" in out
    assert "cut.png" not in out
    assert "2 pictures with landmarks written" in said
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["good.png", "good2.png"]


def test_an_alone_bad_picture_is_the_error(folder: Path, run: Run) -> None:
    code, out, said = run(*asked(folder, "cut.png"))
    assert (code, out) == (1, "")
    assert len(said.splitlines()) == 1
    assert json.loads(run(*asked(folder, "cut.png"), "--json")[1])[0]["error"] in said


def test_answers_come_one_by_one(folder: Path) -> None:
    """The first can be read while the second picture, a pipe, has not come."""
    pipe = folder / "pipe.png"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "fpm_edge", *map(str, asked(folder, "good.png", "pipe.png")), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        first = started.stdout.readline()
        assert json.loads(first[1:])["image"] == str(folder / "good.png")
        pipe.write_bytes(b"no picture")
        assert len(json.loads(first + started.stdout.read())) == 2
    assert started.returncode == 1


def test_a_blank_picture_is_called_so(folder: Path, run: Run) -> None:
    Image.new("L", (64, 64), 3).save(folder / "grey.png")
    code, out, said = run(*asked(folder, "grey.png", "good.png"), "--json")
    assert code == 0
    assert [answer["blank"] for answer in json.loads(out)] == [True, False]
    assert "grey.png is blank" in said
    assert "good.png is blank" not in said
    assert "blank; warm (as given)" in run(*asked(folder, "grey.png"))[1]


def test_a_category_that_does_not_exist_is_no_bad_picture(folder: Path, run: Run) -> None:
    code, out, said = run("run", folder / "colours.fpm", folder / "good.png", "--category", "hat", "--json")
    assert (code, out) == (1, "")
    assert "all, warm" in said


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files")
def test_a_full_disk_names_the_overlay(folder: Path, run: Run) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        code, out, said = run(*asked(folder, "good.png"), "--json", "--overlay", folder / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 1
    assert f"{folder / 'out' / 'good.png'}: File too large" in said
    (answer,) = json.loads(out)
    assert answer["landmarks"]
    assert "overlay" not in answer
    assert list((folder / "out").iterdir()) == []
