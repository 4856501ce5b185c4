"""Every attack in the tables is refused for its own reason, with a BundleError, in bounded time and memory."""

import json
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from member_attacks import MEMBER_ATTACKS, external_models
from onnx import ModelProto, TensorProto
from raw_zip import pack
from small_bundle import small_bundle
from zip_attacks import ZIP_ATTACKS, good

from fpm_edge_runtime import BundleError, open_bundle
from fpm_edge_runtime.bundle.external_onnx import _HOLDS

ATTACKS = {**ZIP_ATTACKS, **MEMBER_ATTACKS}

# Bytes, beside three times the file. A text chunk of a PNG may take a megabyte, an array of numbers as many objects.
_MEMORY = 16 * 2**20

_ALL_AT_ONCE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
sys.path.insert(0, sys.argv[1])
from mutants import judge
from member_attacks import MEMBER_ATTACKS
from zip_attacks import ZIP_ATTACKS
print(json.dumps({name: judge(make(), False) for name, (make, _) in {**ZIP_ATTACKS, **MEMBER_ATTACKS}.items()}))
"""


def test_the_writer_of_attacks_can_write_a_good_bundle() -> None:
    assert pack(good()) == small_bundle()
    open_bundle(pack(good())).check()


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    make, reason = ATTACKS[name]
    content = make()
    tracemalloc.start()
    try:
        with pytest.raises(BundleError) as caught:
            open_bundle(content).check()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert re.search(reason, message)
    assert message.isprintable()
    assert len(message) < 2500
    assert peak < _MEMORY + 3 * len(content)


def test_refused_from_a_file(tmp_path: Path) -> None:
    for name, (make, _) in ZIP_ATTACKS.items():
        path = tmp_path / "a.fpm"
        path.write_bytes(make())
        with pytest.raises(BundleError) as caught:
            open_bundle(path).check()
        assert str(path) in str(caught.value), name
        assert list(tmp_path.iterdir()) == [path], name


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's")
def test_all_together_within_a_minute_and_four_gigabytes() -> None:
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run([sys.executable, "-c", _ALL_AT_ONCE, str(support)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(ATTACKS) >= 60
    assert set(verdicts.values()) == {"refused"}


def test_every_place_of_a_tensor_in_onnx_is_known() -> None:
    # From the format's own description: which messages lead to a tensor, by which fields.
    names = {
        "ModelProto": "model", "TrainingInfoProto": "training", "GraphProto": "graph", "FunctionProto": "function",
        "NodeProto": "node", "AttributeProto": "attribute", "SparseTensorProto": "sparse", "TensorProto": "tensor",
    }  # fmt: skip
    waiting, expected = [ModelProto.DESCRIPTOR], {}
    while waiting:
        message = waiting.pop()
        if names[message.name] not in expected:
            inside = {
                f.number: f.message_type for f in message.fields if f.message_type and f.message_type.name in names
            }
            expected[names[message.name]] = {number: names[kind.name] for number, kind in inside.items()}
            waiting += inside.values()
    assert expected == _HOLDS
    fields = TensorProto.DESCRIPTOR.fields_by_name
    assert (fields["external_data"].number, fields["data_location"].number) == (13, 14)


def test_openvino_would_read_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why `bundle.external` is there. Should this fail one day, the engine refuses them too, which is as well."""
    openvino = pytest.importorskip("openvino")
    model = external_models()["initializer"].SerializeToString()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError):
        openvino.Core().read_model(model)
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    openvino.Core().read_model(model)
