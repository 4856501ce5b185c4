"""Make tiny.fpm, the bundle that the tests of the web runtime run: real in everything, and as small as that can be.

    .venv/bin/python runtime/web/test/vectors/make_tiny.py

Trained anew it is another network, so detections.json must be made again after it.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import msgspec
import tf_keras

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.data import load_dataset
from fpm_edge.model import preset
from fpm_edge.model.config import Conv
from fpm_edge.model.network import build_model
from fpm_edge.model.store import save_model
from fpm_edge.train.loop import train
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime import load_schema, open_bundle
from fpm_edge_runtime.stages.pack import bundle_bytes

HERE = Path(__file__).parent
CASES = 2
REFERENCE = "reference/float.fpm"


def main() -> None:
    tf_keras.utils.set_random_seed(0)
    layers = (Conv(3, 16), Conv(1, 16))
    config = msgspec.structs.replace(preset("tiny", load_schema("fashionai24")), first=layers, refine=layers)
    model = build_model(config)
    calibration = Calibration(load_dataset("rendered:120@2/64"), samples=16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = TrainSettings(epochs=10, batch=2, learning_rate=5e-3)
        train(model, config, load_dataset("rendered:192@1/64"), settings, folder)
        save_model(folder, config, model)
        for precision in ("int8", "float32"):
            convert(folder, folder / precision, precision=precision, calibration=calibration)
        reference = smaller((folder / "float32").read_bytes(), cases=0)
        small = smaller((folder / "int8").read_bytes(), cases=CASES, more={REFERENCE: reference})
    (HERE / "tiny.fpm").write_bytes(small)
    print(f"tiny.fpm: {len(small)} bytes", file=sys.stderr)


def smaller(content: bytes, *, cases: int, more: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """The bundle with few self-check cases, and without what only people read."""
    bundle = open_bundle(content)
    golden = bundle.golden()
    assert golden is not None
    few = msgspec.structs.replace(golden, cases=golden.cases[:cases])
    members = {name: bundle.read(name) for name in bundle.members if name.startswith("stages/")} | more
    if few.cases:
        members |= {case.member: bundle.read(case.member) for case in few.cases}
        members["golden/golden.json"] = msgspec.json.encode(few)
    manifest = msgspec.structs.replace(bundle.manifest, calibration=None, digests={}, versions={}, model={})
    return bundle_bytes(manifest, members)


if __name__ == "__main__":
    main()
