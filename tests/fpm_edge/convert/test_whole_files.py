"""From a model to plain files for an app: `convert --whole`, `extract`, and the page that says how to use them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_command

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.data import Dataset
from fpm_edge_converters import check_whole
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.contents import WHOLE_MEMBERS
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.stages.pack import bundle_bytes

PAGE = Path(__file__).parents[3] / "docs" / "whole.md"


@pytest.fixture(scope="module")
def bundle(tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "tiny.fpm"
    return convert(
        tiny_model, path, precision="int8", calibration=Calibration(calibration_data, samples=16), whole=True
    ).path


@pytest.fixture
def assets(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the plain files."""
    folder = tmp_path / "app" / "assets"
    assert run_command(capsys, "extract", bundle, "-o", folder)[0] == 0
    return folder


def test_the_files_are_what_the_bundle_holds(bundle: Path, assets: Path) -> None:
    opened = open_bundle(bundle)
    assert set(WHOLE_MEMBERS) <= set(opened.members)
    assert sorted(path.name for path in assets.iterdir()) == sorted(WHOLE_MEMBERS)
    for name in WHOLE_MEMBERS:
        assert (assets / name).read_bytes() == opened.read(name)


def test_named_members(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_command(capsys, "extract", bundle, "stages/1.tflite", "card.md", "-o", tmp_path / "x", "--json")
    assert code == 0
    files = json.loads(out)["files"]
    assert [Path(file["path"]) for file in files] == [
        tmp_path / "x" / "stages" / "1.tflite",
        tmp_path / "x" / "card.md",
    ]
    assert all(Path(file["path"]).stat().st_size == file["bytes"] for file in files)
    code, _, error = run_command(capsys, "extract", bundle, "../secret", "-o", tmp_path / "y")
    assert (code, "has no member '../secret'" in error) == (2, True)
    assert not (tmp_path / "y").exists()
    assert run_command(capsys, "extract", bundle, "-o", tmp_path / "x" / "card.md")[0] == 2


def test_a_bundle_without_them(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run_command(capsys, "extract", tiny_bundle, "-o", tmp_path / "x")
    assert code == 2
    assert "convert the model with --whole" in error


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("whole.tflite", r"whole\.tflite (finds a landmark .* away|gives other scores)"),
        ("whole.onnx", r"whole\.onnx at \(\d+, \d+\) (finds a landmark .* away|gives other scores)"),
        ("stages.tflite", r"signature stage_1 of stages\.tflite gives other numbers than stages/1\.tflite"),
    ],
)
def test_files_that_find_something_else_are_not_written(
    bundle: Path, tiny_bundle: Path, member: str, message: str, calibration_data: Dataset
) -> None:
    """The whole files of one network in a bundle of another."""
    opened = open_bundle(bundle)
    images = [opened.golden_input(case) for case in (opened.golden() or pytest.fail("no cases")).cases]
    check_whole(opened, images[:2])
    assert list_of_members(tiny_bundle).isdisjoint(WHOLE_MEMBERS)
    contents = {name: opened.read(name) for name in opened.members if name != "manifest.json"}
    contents = {name: data for name, data in contents.items() if name not in WHOLE_MEMBERS or name == member}
    contents[member] = other_network(contents[member], member)
    with pytest.raises(ConversionError, match=message):
        check_whole(open_bundle(bundle_bytes(opened.manifest, contents)), images)


def list_of_members(bundle: Path) -> set[str]:
    return set(open_bundle(bundle).members)


def other_network(data: bytes, member: str) -> bytes:
    """The same file with its first convolution's weights turned upside down."""
    if member.endswith(".onnx"):
        import onnx
        from onnx import numpy_helper

        model = onnx.load_from_string(data)
        tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(flip(numpy_helper.to_array(tensor))), tensor.name))
        return bytes(model.SerializeToString())
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    kernel = next(t for t in graph.tensors if len(t.shape) == 4 and model.buffers[t.buffer].data is not None)
    buffer = model.buffers[kernel.buffer]
    buffer.data = flip(np.asarray(buffer.data).reshape(kernel.shape)).ravel()
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def flip(kernel: Any) -> Any:
    return kernel[::-1].copy()


def test_the_pages_code_runs(
    assets: Path, calibration_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from fpm_edge.data import read_image

    monkeypatch.chdir(assets)
    picture = read_image(calibration_data.records[0])
    Image.fromarray(picture).resize((80, 90)).save("photo.png")
    found = []
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        names: dict[str, Any] = {}
        exec(compile(block, str(PAGE), "exec"), names)
        found.append(names["landmarks"])
    assert len(found) == 3
    assert all(np.shape(landmarks) == (24, 3) for landmarks in found)
