"""The extra `toolkit`: what it leaves out where TensorFlow has no wheels, and what is said there."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from commands import run_command

from fpm_edge.toolkit import TENSORFLOW_PYTHONS, missing_from_toolkit, of_toolkit

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


def test_any_python_from_3_10_may_install_the_plain_package() -> None:
    assert PROJECT["requires-python"] == ">=3.10"


def test_the_extra_leaves_tensorflow_out_where_the_message_says_it_has_no_wheels() -> None:
    last = int(TENSORFLOW_PYTHONS[1].split(".")[1])
    marked = {}
    for line in PROJECT["optional-dependencies"]["toolkit"]:
        requirement, _, marker = line.partition("; ")
        marked[re.split(r"[>=<\[]", requirement)[0].replace("-", "_")] = marker
    only = {name for name, marker in marked.items() if marker == f"python_version < '3.{last + 1}'"}
    assert only == {"tensorboard", "tensorflow", "tensorflow_model_optimization", "tf2onnx", "tf_keras"}
    assert {marker for name, marker in marked.items() if name not in only} == {""}
    for name in marked:
        assert of_toolkit(name.replace("pyyaml", "yaml")) or name == "fpm_edge"


@pytest.mark.parametrize("package", ["tensorflow", "tf_keras.layers", "tf2onnx"])
def test_one_message_says_which_pythons_tensorflow_has_wheels_for(package: str) -> None:
    said = missing_from_toolkit("`fpm-edge train`", package, (3, 14))
    assert said.exit_code == 5
    assert str(said) == (
        f"`fpm-edge train` needs {package}, and TensorFlow has wheels for Python 3.10 to 3.13 only, not for 3.14: make "
        "an environment with one of these, and there pip install 'fpm-edge[toolkit]'"
    )
    for there in ((3, 10), (3, 13)):
        assert "which is not installed" in str(missing_from_toolkit("`fpm-edge train`", package, there))


def test_what_does_not_hang_on_tensorflow_is_installed_on_any_python() -> None:
    said = str(missing_from_toolkit("the plot", "matplotlib", (3, 14)))
    assert said == "the plot needs matplotlib, which is not installed: pip install 'fpm-edge[toolkit]'"


def test_a_package_that_is_missed_in_the_middle_of_a_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "fpm_edge.data.shard_writer", raising=False)  # another test may have loaded it
    code, _, said = run_command(capsys, "data", "shard", "rendered:1@1", "-o", tmp_path / "shards")
    assert code == 5
    assert "this use of `fpm-edge data` needs tensorflow, which is not installed: pip install" in said
