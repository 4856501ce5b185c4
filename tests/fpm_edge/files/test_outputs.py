"""No command writes over what it reads, nor over a file of another kind: all commands, by what they declare."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from commands import run_command
from PIL import Image
from small_bundle import small_bundle

from fpm_edge.cli import cli
from fpm_edge.cli.inputs import INPUT, Reads
from fpm_edge.cli.outputs import Command, OutputFile, OutputFolder, Writes
from fpm_edge.files.file_kinds import ANY, BUNDLE
from fpm_edge.pictures.overlay import drawn_png

# What a text option may be besides a path; a new one has to be declared, or to be put here.
WORDS = {
    "categories", "category", "box", "converge_px", "engine", "engines", "threads", "stages", "size", "device",
    "expires", "digest", "members", "stage_rates",
}  # fmt: skip


def commands(group: click.Command = cli, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    if not isinstance(group, click.Group):
        yield words, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, *words, name)


ALL = {" ".join(words): (words, command) for words, command in commands()}
WRITING = [
    pytest.param(words, command, parameter, id=f"{name} {parameter.opts[0]}")
    for name, (words, command) in ALL.items()
    for parameter in command.params
    if isinstance(parameter.type, Writes)
]


def undeclared(command: click.Command) -> list[str]:
    """Parameters that name a file, or could, without saying whether it is read or written."""
    found = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.is_flag:
            continue
        for kind in parameter.type.types if isinstance(parameter.type, click.Tuple) else [parameter.type]:
            known = isinstance(kind, Reads | Writes)
            path = isinstance(kind, click.Path | click.File)
            text = type(kind) is click.types.StringParamType and parameter.name not in WORDS
            if not known and (path or text):
                found.append(str(parameter.name))
    writes = any(isinstance(parameter.type, Writes) for parameter in command.params)
    return [*found, "class"] if writes and not isinstance(command, Command) else found


@pytest.mark.parametrize("name", ALL)
def test_every_path_is_declared(name: str) -> None:
    assert undeclared(ALL[name][1]) == []


def test_a_new_command_without_declarations_is_found() -> None:
    path = click.Option(["--log"], type=click.Path(path_type=Path))
    assert undeclared(Command("new", params=[path, click.Option(["--target"])])) == ["log", "target"]
    written = click.Option(["--log"], type=OutputFile(BUNDLE))
    assert undeclared(click.Command("new", params=[written])) == ["class"]
    assert undeclared(Command("new", params=[written, click.Argument(["bundle"], type=INPUT)])) == []


def arguments(command: click.Command, given: Mapping[str, Any]) -> list[str]:
    """What is typed so that these parameters have these values, and those that must be given have some."""
    options, rest = [], []
    for parameter in command.params:
        value = given.get(str(parameter.name))
        if value is None and parameter.required:
            kind = parameter.type
            value = kind.choices[0] if isinstance(kind, click.Choice) else Path("none") if is_file(kind) else 1
        if value is None:
            continue
        typed = [typed_as(parameter.type, value)]
        if isinstance(parameter.type, click.Tuple):
            typed = ["0.5", typed_as(parameter.type.types[1], value)]
        elif parameter.nargs > 1:
            typed *= parameter.nargs
        if isinstance(parameter, click.Option):
            options += [parameter.opts[-1], *typed]
        else:
            rest += typed
    return [*options, *rest]


def is_file(kind: click.ParamType[Any]) -> bool:
    return isinstance(kind, Reads | Writes)


def typed_as(kind: click.ParamType[Any], value: Any) -> str:
    return f"coco:{value}" if type(kind).__name__ == "_DataSpec" else str(value)


def inputs(command: click.Command) -> list[str]:
    """Names of parameters that name what is read."""
    return [
        str(parameter.name)
        for parameter in command.params
        if any(
            isinstance(kind, Reads)
            for kind in (parameter.type.types if isinstance(parameter.type, click.Tuple) else [parameter.type])
        )
    ]


def links(path: Path) -> list[Path]:
    """Other names of a file."""
    hard, soft = path.with_name(f"hard-{path.name}"), path.with_name(f"soft-{path.name}")
    hard.hardlink_to(path)
    soft.symlink_to(path)
    return [path, hard, soft, path.parent / ".." / path.parent.name / path.name, Path(os.path.relpath(path))]


@pytest.mark.parametrize(("words", "command", "output"), WRITING)
def test_an_input_given_as_output(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    command: click.Command,
    output: click.Parameter,
) -> None:
    file = tmp_path / ("file.svg" if output.name == "plot" else "file.mp4")
    file.write_bytes(content := b"what somebody made")
    names = links(file)
    for number, name in enumerate(inputs(command)):
        written = names[number % len(names)]
        code, out, said = run_command(capsys, *words, *arguments(command, {name: file, str(output.name): written}))
        assert (code, out) == (2, ""), (name, written)
        assert "name another place" in said, (name, said)
        assert file.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == sorted([file, *names[1:3]])


@pytest.mark.parametrize(("words", "command", "output"), WRITING)
def test_an_input_in_the_folder_that_is_written(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    command: click.Command,
    output: click.Parameter,
) -> None:
    """Under every name that the command gives to a file there; and the folder itself is no input either."""
    assert isinstance(output.type, Writes)
    given = {"members": ("card.md", "stages/1.tflite"), "paths": (tmp_path / "photo.jpg",), "video": None, "camera": 1}
    is_folder = isinstance(output.type, OutputFolder) and inputs(command)
    targets = [*output.type.targets(tmp_path, given | {"camera": None})][1:] if is_folder else []
    for number, file in enumerate(target.path for target in targets):
        file = file.with_name(file.name.replace("*", "1"))
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"what somebody made")
        name = inputs(command)[number % len(inputs(command))]
        members = {"members": file.relative_to(tmp_path)} if words == ("extract",) else {}
        for value, reason in ((file, "replace"), (tmp_path, "write into")):
            typed = arguments(command, {name: value, str(output.name): tmp_path, **members})
            code, out, said = run_command(capsys, *words, *typed)
            assert (code, out) == (2, ""), file
            assert f"would {reason} {value}, which is what" in said
            assert file.read_bytes() == b"what somebody made"
        file.unlink()


@pytest.mark.parametrize(("words", "command", "output"), WRITING)
def test_a_file_of_another_kind(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    command: click.Command,
    output: click.Parameter,
) -> None:
    assert isinstance(output.type, Writes)
    folder = tmp_path / "out.svg"
    given = {"members": ("card.md",), "paths": (tmp_path / "none",), "video": None, "camera": 1}
    for target in output.type.targets(folder, given):
        if target.kind in (None, ANY):
            continue
        path = target.path.with_name(target.path.name.replace("*", "1"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x00\x01what somebody made")
        extra = {"members": "card.md"} if words == ("extract",) else {"camera": 0} if words == ("run",) else {}
        typed = arguments(command, {str(output.name): folder, **extra})
        code, out, said = run_command(capsys, *words, *typed)
        assert (code, out) == (2, ""), path
        assert f"would replace {path}, which is a file of another kind and not {target.kind.words}" in said
        assert path.read_bytes() == b"\x00\x01what somebody made"
        path.unlink()
        os.mkfifo(path)
        code, _, said = run_command(capsys, *words, *typed)
        assert (code, f"would replace {path}, which is a device or a pipe" in said) == (2, True)
        path.unlink()


def test_two_outputs_in_one_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cache, other = tmp_path / "c.json", tmp_path / "x" / ".." / "c.json"
    (tmp_path / "x").mkdir()
    code, _, said = run_command(capsys, "self-check", "b.fpm", "--fastest", "--cache", cache, "--speeds", other)
    assert (code, f"--cache and --speeds would write {cache} twice" in said) == (2, True)
    code, _, said = run_command(capsys, "data", "shard", "rendered:8@1/64", "-o", tmp_path / "n", "-o", tmp_path / "n")
    assert (code, "-o would write" in said) == (2, True)
    assert not (tmp_path / "n").exists()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A bundle, and a folder with two pictures."""
    (tmp_path / "b.fpm").write_bytes(small_bundle())
    (tmp_path / "m").mkdir()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))
    picture.save(tmp_path / "m" / "photo.png")
    picture.save(tmp_path / "m" / "b.jpg")
    return tmp_path


def test_overlays_replace_no_photograph(capsys: pytest.CaptureFixture[str], pictures: Path) -> None:
    folder = pictures / "m"
    photo, bundle = folder / "photo.png", pictures / "b.fpm"
    before = photo.read_bytes()
    common = ("run", bundle, "--category", "warm", "--overlay")
    code, _, said = run_command(capsys, *common, folder, photo)
    assert (code, f"--overlay would replace {photo}, which is what" in said) == (2, True)
    # One that is not looked at, and has the name of one that is.
    (folder / "b.png").write_bytes(before)
    code, _, said = run_command(capsys, *common, folder, folder / "b.jpg")
    assert (code, "which is a PNG picture and not a picture that fpm-edge drew" in said) == (2, True)
    assert (folder / "b.png").read_bytes() == photo.read_bytes() == before
    # Of two with one name neither is lost, and what was drawn before may be drawn anew.
    code, _, said = run_command(capsys, *common, pictures / "out", folder / "b.jpg", folder / "b.png")
    assert (code, "have the same name" in said) == (2, True)
    for _ in range(2):
        assert run_command(capsys, *common, pictures / "out", folder / "b.jpg", photo)[0] == 0
    assert sorted(path.name for path in (pictures / "out").iterdir()) == ["b.png", "photo.png"]


def test_a_sheet_replaces_no_picture_of_the_data(capsys: pytest.CaptureFixture[str], pictures: Path) -> None:
    """Which pictures a data set has is known when it has been read; by a link, too."""
    assert run_command(capsys, "data", "convert", "rendered:2@1/64", "--to", "coco", "-o", pictures / "d")[0] == 0
    picture = next((pictures / "d").rglob("*.png"))
    before = picture.read_bytes()
    (pictures / "link.png").hardlink_to(picture)
    spec = f"coco:{pictures / 'd' / 'annotations.json'}"
    for sheet in (picture, pictures / "link.png"):
        code, out, said = run_command(capsys, "data", "check", spec, "--sheet", sheet)
        assert (code, out) == (2, "")
        assert f"--sheet would replace {sheet}, which is a picture of the data, {picture}" in said
    assert picture.read_bytes() == before
    for _ in range(2):
        assert run_command(capsys, "data", "check", spec, "--sheet", pictures / "d" / "sheet.png")[0] == 0


def test_a_report_replaces_no_picture_of_the_data(capsys: pytest.CaptureFixture[str], pictures: Path) -> None:
    assert run_command(capsys, "data", "convert", "rendered:2@1/64", "--to", "coco", "-o", pictures / "d")[0] == 0
    picture = next((pictures / "d").rglob("*.png"))
    (pictures / "r" / "overlays").mkdir(parents=True)
    drawn = pictures / "r" / "overlays" / "stage-1.png"
    drawn.write_bytes(drawn_png(Image.open(picture)))
    picture.unlink()
    picture.symlink_to(drawn)
    spec = f"coco:{pictures / 'd' / 'annotations.json'}"
    code, _, said = run_command(capsys, "report", pictures / "b.fpm", "--data", spec, "-o", pictures / "r")
    assert (code, f"-o would replace {drawn}, which is a picture of the data" in said) == (2, True)
