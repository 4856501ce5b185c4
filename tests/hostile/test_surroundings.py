"""Every command where things are not as they should be: no traceback, the right exit code, nothing is lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image
from small_bundle import small_bundle
from zygote import Done, Surroundings, Zygote, zygote

from fpm_edge.cli import cli
from fpm_edge_runtime.drift.log import DriftLog, LogEntry
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.files import PART

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")

DATA = ("coco:in/data.json", "--schema", "in/colours.toml")
DRAWN = "rendered:24@9/64"
ENGINE = ("--engine", "onnxruntime")
LOOSE = ("--max-ne-drift", "9", "--max-part-drift", "9")
ONE_TRIAL = (
    "--samples",
    "8",
    "--max-latency-ms",
    "999",
    "--precision",
    "float32",
    "--input-size",
    "64",
    "--threads",
    "1",
)
INTERRUPTED = 130


@dataclass(frozen=True)
class Case:
    """A command that ends well where all is as it should be.

    Attributes:
        arguments: what it reads is in the folder ``in``; what it writes goes into ``out``.
        code: its exit code.
        unwritten: its exit code where the disk refuses what it writes; 0 for what says so and does without.
        again: its exit code when it is called once more; 2 for what only writes new folders, or a new key.
        fills: the folder of ``in`` that stands in ``out`` beforehand.
        anew: it needs TensorFlow or ONNX Runtime, so it takes long.
    """

    arguments: tuple[str, ...]
    code: int = 0
    unwritten: int = 1
    again: int | None = None
    fills: str | None = None
    anew: bool = False

    @property
    def writes(self) -> bool:
        return any(argument.startswith("out/") for argument in self.arguments)


CASES = {
    "data check": Case(("data", "check", *DATA, "--pictures", "--sheet", "out/sheet.png")),
    "data convert": Case(("data", "convert", *DATA, "--to", "coco", "-o", "out/coco"), again=2),
    "data shard": Case(("data", "shard", *DATA, "-o", "out/shards"), again=2, anew=True),
    "evaluate": Case(("evaluate", "in/b.fpm", *ENGINE, "--data", *DATA)),
    "extract": Case(("extract", "in/b.fpm", "stages/1.onnx", "-o", "out/members")),
    "keygen": Case(("keygen", "-o", "out/key"), again=2),
    "sign": Case(("sign", "in/b.fpm", "--key", "in/key", "-o", "out/signed.fpm")),
    "verify": Case(("verify", "in/signed.fpm", "--trusted", "in/key.pub")),
    "run": Case(("run", "in/b.fpm", "in/裙.png", "in/1.png", "--json", "--overlay", "out/over")),
    # Its golden case is made up, so it drifts.
    "drift": Case(("drift", "in/b.fpm", *ENGINE, "--data", *DATA, "--reference", "in/b.fpm"), code=3),
    "drift-log": Case(("drift-log", "in/drift.jsonl", "-o", "out/drift.png")),
    "self-check": Case(("self-check", "in/tiny.fpm", *ENGINE, "--cache", "out/checks.json"), unwritten=0),
    "slots boot": Case(("slots", "boot", "out/slots"), unwritten=0, fills="slots"),
    "slots confirm": Case(("slots", "confirm", "out/slots"), fills="slots"),
    "slots install": Case(("slots", "install", "out/slots", "in/signed.fpm"), fills="slots"),
    "slots status": Case(("slots", "status", "in/slots")),
    "bench": Case(
        ("bench", "in/b.fpm", *ENGINE, "--quick", "--queries", "8", "--seconds", "0", "--export", "out/bench.json")
    ),
    "lint": Case(("lint", "in/tiny.fpm", "--data", DRAWN)),
    "report": Case(
        ("report", "in/b.fpm", *ENGINE, "--repeats", "2", "--overlays", "1", "--data", *DATA, "-o", "out/report")
    ),
    "train": Case(("train", "--data", DRAWN, "--model", "tiny", "--epochs", "2", "-o", "out/run"), again=2, anew=True),
    "qat": Case(("qat", "in/model", "--data", DRAWN, "--epochs", "1", "-o", "out/qat"), again=2, anew=True),
    "convert": Case(
        ("convert", "in/model", "--calibration", DRAWN, "--samples", "8", *LOOSE, "-o", "out/made.fpm"),
        anew=True,
    ),
    "search": Case(
        ("search", "in/model", "--data", DRAWN, *LOOSE, *ONE_TRIAL, "-o", "out/search"),
        again=2,
        anew=True,
    ),
    "compare": Case(
        ("compare", "in/model", "in/tiny.fpm", "--data", DRAWN, "--samples", "4", "--plot", "out/layers.svg"), anew=True
    ),
    "sensitivity": Case(
        ("sensitivity", "in/model", "in/tiny.fpm", "--data", DRAWN, "--samples", "4", "--plot", "out/layers.svg"),
        anew=True,
    ),
    "demo": Case(("demo", "--pictures", "160", "-o", "out/demo"), anew=True),
}
WRITING = [name for name, case in CASES.items() if case.writes]
ALL = [pytest.param(name, marks=pytest.mark.slow) if case.anew else name for name, case in CASES.items()]
ALL_WRITING = [name for name in ALL if (name if isinstance(name, str) else name.values[0]) in WRITING]


def test_no_command_is_left_out() -> None:
    def leaves(command: click.Command, name: str) -> Iterator[str]:
        if not isinstance(command, click.Group):
            yield name
            return
        context = click.Context(command)
        for part in command.list_commands(context):
            inner = command.get_command(context, part)
            assert inner is not None
            yield from leaves(inner, f"{name} {part}".strip())

    assert sorted(leaves(cli, "")) == sorted(CASES)


@pytest.fixture(scope="module")
def forking() -> Iterator[Zygote]:
    with zygote() as found:
        yield found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_model: Path, forking: Zygote) -> Path:
    """The folder that holds ``in``: what commands read. The engine of ``b.fpm`` is quick to start."""
    place = tmp_path_factory.mktemp("inputs")
    folder = place / "in"
    folder.mkdir()
    (folder / "b.fpm").write_bytes(small_bundle())
    shutil.copy(tiny_bundle, folder / "tiny.fpm")
    shutil.copytree(tiny_model, folder / "model")
    names = ["red", "green", "blue"]
    (folder / "colours.toml").write_text(
        f"name = 'colours'\nlandmarks = {names}\nflip_pairs = []\n[categories]\nall = {names}\nwarm = ['red']\n"
    )
    images, annotations = [], []
    for number in range(12):
        name = "裙.png" if number == 0 else f"{number}.png"
        pixels = np.full((32, 48, 3), 7, np.uint8)
        pixels[8:16, 8 + 2 * number : 16 + 2 * number] = 255
        Image.fromarray(pixels).save(folder / name)
        images.append({"id": number, "file_name": name, "width": 48, "height": 32})
        points = [11 + 2 * number, 11, 2] * 3
        annotations.append({"id": number, "image_id": number, "category_id": 1, "keypoints": points})
    category = {"id": 1, "name": "all", "keypoints": names}
    (folder / "data.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [category]})
    )
    log = DriftLog(folder / "drift.jsonl")
    for frames in range(3):
        log.append(LogEntry.of(DriftMonitor((0.002,), ("a",)).report(), subject="b", engine="onnx", frames=frames))
    log.close()
    for command in (
        ("keygen", "-o", "in/key"),
        ("sign", "in/b.fpm", "--key", "in/key", "-o", "in/signed.fpm"),
        ("slots", "install", "in/slots", "in/b.fpm"),
    ):
        done = forking.run(list(command), Surroundings(place), place)
        assert done.code == 0, done
    (folder / "key").chmod(0o644)  # so that another user can read it
    return place


class Place:
    """A folder of one test, with ``in`` and ``out``, where a command is run and looked after."""

    def __init__(self, folder: Path, inputs: Path, forking: Zygote, reads: str = "in", writes: str = "out") -> None:
        self.folder, self._forking, self._names = folder, forking, {"in": reads, "out": writes}
        self.spoken = folder.parent / "spoken"
        self.spoken.mkdir()
        shutil.copytree(inputs / "in", folder / reads)
        (folder / writes).mkdir()
        self._reads, self.writes = folder / reads, folder / writes
        self._before = contents(self._reads)

    def fill(self, case: Case) -> None:
        """Lay out what `case` finds where it writes."""
        if case.fills is not None:
            shutil.copytree(self._reads / case.fills, self.writes / case.fills)

    def run(self, case: Case, change: Callable[[Surroundings], Surroundings] = lambda found: found) -> Done:
        """How `case` ended: without a traceback, all that it read as it was, nothing half-written."""
        arguments = [self._placed(argument) for argument in case.arguments]
        done = self._forking.run(arguments, change(Surroundings(self.folder)), self.spoken, anew=case.anew)
        assert "Traceback" not in done.err + done.out, done
        assert contents(self._reads) == self._before
        assert not [path for path in self.writes.rglob("*") if path.name.endswith(PART)]
        return done

    def _placed(self, argument: str) -> str:
        for name, there in self._names.items():
            kind, colon, path = argument.rpartition(":")
            if path.startswith(f"{name}/"):
                return f"{kind}{colon}{there}{path[len(name) :]}"
        return argument


def contents(folder: Path) -> dict[Path, bytes]:
    """The files there, but for locks, which are empty and stay."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


@pytest.fixture
def place(tmp_path: Path, inputs: Path, forking: Zygote) -> Place:
    folder = tmp_path / "work"
    folder.mkdir()
    return Place(folder, inputs, forking)


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own at `folder`, where that is allowed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip("disks cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("name", ALL)
def test_all_is_well_where_it_should_be(place: Place, name: str) -> None:
    case = CASES[name]
    place.fill(case)
    before = contents(place.writes)
    assert place.run(case).code == case.code
    assert (contents(place.writes) != before) == case.writes


@pytest.mark.parametrize("name", ALL_WRITING)
def test_it_may_write_over_what_it_wrote(place: Place, name: str) -> None:
    case = CASES[name]
    place.fill(case)
    assert place.run(case).code == case.code
    before = contents(place.writes)
    expected = case.code if case.again is None else case.again
    assert place.run(case).code == expected
    assert expected != 2 or contents(place.writes) == before


@pytest.mark.parametrize("name", ALL)
def test_stdout_is_latin_1(place: Place, name: str) -> None:
    place.fill(CASES[name])
    assert place.run(CASES[name], lambda found: replace(found, encoding="latin-1")).code == CASES[name].code


@pytest.mark.parametrize("name", ALL)
def test_stdout_is_closed(place: Place, name: str) -> None:
    place.fill(CASES[name])
    assert place.run(CASES[name], lambda found: replace(found, closed=True)).code == CASES[name].code


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without home")
@pytest.mark.parametrize("name", ALL)
def test_there_is_no_home(place: Place, name: str) -> None:
    place.fill(CASES[name])
    assert place.run(CASES[name], lambda found: replace(found, homeless=True)).code == CASES[name].code


@pytest.mark.parametrize("name", ALL)
def test_folders_whose_names_are_no_text(tmp_path: Path, inputs: Path, forking: Zygote, name: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    place = Place(folder, inputs, forking, os.fsdecode(b"d\xe9"), os.fsdecode(b"o\xe9"))
    place.fill(CASES[name])
    assert place.run(CASES[name]).code == CASES[name].code


@pytest.mark.parametrize("name", ALL)
def test_the_disk_cannot_be_written(tmp_path: Path, inputs: Path, forking: Zygote, name: str) -> None:
    case = CASES[name]
    with mounted(tmp_path / "work", "64m"):
        place = Place(tmp_path / "work", inputs, forking)
        place.fill(case)
        subprocess.run(["mount", "-o", "remount,ro", tmp_path / "work"], check=True)
        done = place.run(case)
    assert done.code == (case.unwritten if case.writes else case.code), done
    assert not case.writes or "Read-only file system" in done.err


@pytest.mark.parametrize("name", ALL_WRITING)
def test_the_disk_is_full(place: Place, name: str) -> None:
    case = CASES[name]
    with mounted(place.writes, "1m"):
        place.fill(case)
        with pytest.raises(OSError, match="No space"):
            (place.writes / "all else").write_bytes(bytes(2**20 + 1))
        before = contents(place.writes)
        done = place.run(case)
        assert done.code == case.unwritten, done
        assert "No space left on device" in done.err
        assert contents(place.writes) == before


@pytest.mark.parametrize("seconds", [0.02, 0.2, 1, 3])
@pytest.mark.parametrize("name", ALL)
def test_ctrl_c(place: Place, name: str, seconds: float) -> None:
    case = CASES[name]
    place.fill(case)
    done = place.run(case, lambda found: replace(found, interrupted=seconds))
    # After the last line of Python the system ends it, which shells call 130 as well.
    assert done.code in {INTERRUPTED, -signal.SIGINT, case.code}, done
    assert done.code != INTERRUPTED or done.err.endswith("fpm-edge: interrupted\n")
