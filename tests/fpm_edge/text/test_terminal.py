"""Standard output in other encodings, closed, full and unread; and names that look like markup."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from commands import exit_code
from PIL import Image
from small_bundle import colour_manifest, small_members

from fpm_edge.cli.command_line import file_labels
from fpm_edge.data import load_dataset
from fpm_edge.text.plain_json import json_document, json_line
from fpm_edge.text.progress import progress_bar
from fpm_edge.text.terminal import console, shown
from fpm_edge_runtime.stages.pack import bundle_bytes

Run = Callable[..., tuple[int, str, str]]
NAMES = ("hem [/m]", "cuff [left]", ":smile:")
DRIFTED = 3
ODD = os.fsdecode(b"caf\xe9.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose landmarks look like markup, and 12 pictures with them."""
    folder = tmp_path_factory.mktemp("named")
    manifest = colour_manifest()
    schema = msgspec.structs.replace(manifest.landmarks, name="named", landmarks=NAMES, categories={"[b]": (0, 1, 2)})
    golden = small_members()["golden/golden.json"].replace(b"warm", b"[b]")
    members = {**small_members(), "golden/golden.json": golden}
    manifest = msgspec.structs.replace(manifest, name="[i]", landmarks=schema)
    (folder / "named.fpm").write_bytes(bundle_bytes(manifest, members))
    (folder / "named.toml").write_text(
        f"name = 'named'\nlandmarks = {list(NAMES)}\nflip_pairs = []\n[categories]\n'[b]' = {list(NAMES)}\n"
    )
    pixels = np.full((32, 48, 3), 7, np.uint8)
    pixels[8:16, 16:24] = 255
    images, annotations = [], []
    for number in range(12):
        Image.fromarray(pixels).save(folder / f"[x] {number}.png")
        images.append({"id": number, "file_name": f"[x] {number}.png", "width": 48, "height": 32})
        points = [19 + number % 3, 11, 2] * 3
        annotations.append({"id": number, "image_id": number, "category_id": 1, "keypoints": points})
    category = {"id": 1, "name": "[b]", "keypoints": NAMES}
    plain = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "data.json").write_text(json.dumps(plain))
    return folder


def gated(folder: Path) -> list[object]:
    """A drift gate that fails, as the golden case is made up."""
    bundle = folder / "named.fpm"
    data = ("--data", f"coco:{folder / 'data.json'}", "--schema", folder / "named.toml")
    return ["drift", bundle, *data, "--reference", bundle, "--engine", "onnxruntime"]


def started(arguments: list[object], redirections: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """``fpm-edge ARGUMENTS`` in a process of its own, with a shell's redirections."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "fpm_edge", *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **settings},
        check=False,
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_verdict_survives_any_encoding(folder: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    assert exit_code(*gated(folder)) == DRIFTED
    sys.stdout.flush()
    said = written.getvalue().decode(encoding)
    assert "hem [/m]" in said
    assert ("…" in said) == (encoding == "cp1252"), "what the encoding has stays, the rest is replaced"


@pytest.mark.parametrize("redirections", [">&-", ">&- 2>&- <&-"])
def test_a_verdict_survives_closed_streams(folder: Path, redirections: str) -> None:
    done = started(gated(folder), redirections)
    assert done.returncode == DRIFTED
    assert b"Traceback" not in done.stderr
    if "2" not in redirections:
        assert b"disagrees with the float model" in done.stderr


def test_a_verdict_survives_readers_that_leave(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "fpm_edge", *map(str, gated(folder))], stdout=writing, stderr=writing, check=False
    )
    os.close(writing)
    assert done.returncode == DRIFTED


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named(folder: Path) -> None:
    done = started(["run", folder / "named.fpm", folder / "[x] 0.png", "--json"], "> /dev/full")
    assert done.returncode == 1
    assert done.stderr.decode() == "fpm-edge: standard output: No space left on device\n"


def test_json_is_ascii_and_names_survive(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ["裙 é.png", ODD] if sys.platform == "linux" else ["裙 é.png"]
    for name in names:
        (tmp_path / name).write_bytes((folder / "[x] 0.png").read_bytes())
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))
    bundle = folder / "named.fpm"
    assert exit_code("run", bundle, *(tmp_path / name for name in names), "--json", "--category", "any") == 0
    answers = json.loads(written.getvalue().decode("ascii"))
    assert [Path(answer["image"]).name for answer in answers] == names
    assert list(answers[0]["landmarks"]) == list(NAMES)


def test_json_says_what_msgspec_does() -> None:
    value = {"a": (1, 2.5, float("nan"), float("-inf")), 3: None, "é": "😀", "f": [True, "\udce9"]}
    assert json.loads(json_line(value)) == {"a": [1, 2.5, None, None], "3": None, "é": "😀", "f": [True, "\udce9"]}
    assert json.loads(json_document(value)) == json.loads(json_line(value))
    assert json_line(value).isascii()
    assert "\n" not in json_line(value)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_names_that_are_no_text_become_text(tmp_path: Path, folder: Path) -> None:
    pictures = tmp_path / os.fsdecode(b"d\xe9")
    pictures.mkdir()
    (pictures / ODD).write_bytes((folder / "[x] 0.png").read_bytes())
    dataset = load_dataset(f"nothing:{pictures}")
    assert dataset.name == "d\\udce9"
    assert dataset.records[0].identifier == "caf\\udce9.png"
    assert len(dataset.digest) == 64
    assert file_labels([pictures / ODD]) == ["caf\\udce9"]


def test_no_name_is_markup(folder: Path, run: Run) -> None:
    data = (f"coco:{folder / 'data.json'}", "--schema", folder / "named.toml")
    bundle = folder / "named.fpm"
    for command in (
        ["run", bundle, folder / "[x] 0.png", "--category", "any", "--engine", "onnxruntime"],
        ["data", "check", *data],
        ["evaluate", bundle, "--engine", "onnxruntime", "--data", *data],
        gated(folder),
    ):
        code, out, said = run(*command)
        assert code in {0, DRIFTED}, said
        for name in NAMES:
            assert name in out, command
    assert "[x] 0.png" in run("run", bundle, folder / "[x] 0.png")[1]


def test_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("a\x1b[2Jb\tc\u202ed\u2066\udce9é\nf") == "a\\x1b[2Jb\\tc\\u202ed\\u2066\\udce9é\nf"
    console().print("\x1b]0;title\x07")
    assert "\x1b" not in capsys.readouterr().out


def test_a_progress_bar_shows_names_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("reading [/m]", 2) as advance:
        advance(note="cuff [left] :smile: \x1b[2J")
    said = capsys.readouterr().err
    assert "reading [/m]" in said
    assert "cuff [left] :smile: \\x1b" in said
