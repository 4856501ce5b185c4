"""Importing the runtime is light, and its public names are the ones it says."""

import subprocess
import sys
from importlib import metadata

import pytest

import fpm_edge_runtime

HEAVY = ("tensorflow", "tf_keras", "click", "rich", "onnx", "onnxruntime", "openvino", "ai_edge_litert", "scipy")


def test_import_alone_loads_nothing_else() -> None:
    program = "import sys; before = {*sys.modules}; import fpm_edge_runtime; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"numpy", "PIL", "msgspec"}.isdisjoint(done.stdout.split())


def test_a_bundle_needs_no_engine_and_no_toolkit() -> None:
    program = "import sys, fpm_edge_runtime as f; f.open_bundle; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "fpm_edge_runtime" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint({"fpm_edge", "fpm_edge_converters", "fpm_edge_calibration"})
    assert done.stderr == ""
    parts = [name.removeprefix("fpm_edge_runtime.") for name in done.stdout.split() if "fpm_edge_runtime." in name]
    rooms = {name.partition(".")[0] for name in parts}
    assert "stages" in rooms
    assert rooms.isdisjoint({"updates", "check", "drift", "cameras"}), "what some devices need costs others nothing"
    assert not {"stages.forks", "stages.pack", "bundle.schema_file", "bundle.signature"} & set(parts)


def test_only_the_chosen_engine_is_imported() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ai_edge_litert")
    program = "import sys, fpm_edge_runtime as f; f.load_engine('litert'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "ai_edge_litert" in loaded
    assert loaded.isdisjoint({"onnxruntime", "openvino", "tensorflow"})
    assert "ai_edge_litert.interpreter" in done.stdout.split()
    assert "ai_edge_litert.compiled_model" not in done.stdout.split()
    assert loaded.isdisjoint({"email", "tomllib"}), "importlib.metadata and TOML are for who asks for them"


def test_public_names_are_sorted_and_exist() -> None:
    names = fpm_edge_runtime.__all__
    assert names == sorted(names)
    assert set(names) <= set(dir(fpm_edge_runtime))
    for name in set(names) - {"__version__"}:
        assert getattr(fpm_edge_runtime, name).__module__.startswith("fpm_edge_runtime.")


def test_version_is_the_distributions() -> None:
    try:
        expected = metadata.version("fpm-edge")
    except metadata.PackageNotFoundError:
        pytest.skip("fpm-edge is not installed")
    assert fpm_edge_runtime.__version__ == expected


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fpm_edge_runtime.nothing
