"""What cannot be meant is refused, with the reference's class and exit code, and the client goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.compare import refused_alike
from conformance.suite.hollow import hollow
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.engines import load_engine

pytestmark = pytest.mark.needs("detect", "given_engine")

PICTURE = noise(90, 70)


@pytest.fixture
def pair(client: Client, files: Files, bundles: dict[str, Path]) -> Pair:
    return Pair(client, files, bundles["recognition"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"stages": 0}, "UsageError"),
        ({"stages": -1}, "UsageError"),
        ({"stages": 3}, "UsageError"),
        ({"category": "hats"}, "SchemaError"),
        ({"category": "none"}, "SchemaError"),
        ({"category": ""}, "SchemaError"),
        ({"box": (500, 500, 600, 600)}, "DataError"),
        ({"box": (10, 10, 5, 5)}, "DataError"),
    ],
)
def test_of_a_call(pair: Pair, options: dict[str, Any], error: str) -> None:
    assert pair.refused("detect", PICTURE, **options) == error
    if "stages" in pair.client.abilities:
        assert pair.refused("stages", PICTURE, **options) == error
    assert pair.detect(PICTURE).stages_run == 2


@pytest.mark.needs("clock")
def test_of_a_deadline(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], clock={"stage_1": [1]})
    for deadline in (-1.0, -0.001):
        assert pair.refused("detect", PICTURE, deadline_ms=deadline) == "UsageError"


@pytest.mark.needs("looks")
def test_of_looks(pair: Pair) -> None:
    for looks in (0, 3, -1):
        assert pair.refused("detect", PICTURE, looks=looks) == "UsageError"


def test_of_pictures(pair: Pair) -> None:
    assert pair.refused("detect", np.zeros((0, 48, 3), np.uint8)) == "DataError"
    if "detect_input" in pair.client.abilities:
        for size in ((90, 70), (32, 48), (48, 31), (49, 32)):
            assert pair.refused("detect_input", noise(*size)) == "DataError"
        assert pair.refused("detect_input", noise(48, 32), stages=3) == "UsageError"


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": 100_000}, {"stages": 3}, {"stages": 0}])
def test_of_loading(client: Client, bundles: dict[str, Path], options: dict[str, int]) -> None:
    bundle = open_bundle(bundles["colours"])
    client.ask("open", path=bundles["colours"])
    engine = next((e["name"] for e in client.hello["engines"] if "onnx" in e["formats"]), "given")
    # What the reference says does not depend on the engine.
    found = refused_alike(
        lambda: bundle.session("onnxruntime", **options), lambda: client.ask("load", engine=engine, **options)
    )
    assert found == "UsageError"


def test_of_engines(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["colours"])
    found = refused_alike(lambda: load_engine("abacus"), lambda: client.ask("load", engine="abacus"))
    assert found == "UsageError"


def test_a_format_that_the_engine_does_not_read(client: Client, bundles: dict[str, Path]) -> None:
    engine = next((e["name"] for e in client.hello["engines"] if e["formats"] == ["tflite"]), None)
    if engine is None:
        pytest.skip("the client has no engine that reads TFLite alone")
    bundle = open_bundle(bundles["colours"])
    client.ask("open", path=bundles["colours"])
    found = refused_alike(lambda: bundle.session("litert"), lambda: client.ask("load", engine=engine))
    assert found == "UsageError"


def test_a_model_that_is_none(client: Client, bundles: dict[str, Path]) -> None:
    able = [engine for engine in client.hello["engines"] if "int8" in engine.get("tensors", ("int8",))]
    engines = [engine["name"] for engine in able if "tflite" in engine["formats"]]
    if not engines:
        pytest.skip("the client has no engine for TFLite with int8 tensors")
    client.ask("open", path=bundles["int8"])
    bundle = open_bundle(bundles["int8"])
    for engine in engines:
        found = refused_alike(lambda: bundle.session("litert"), lambda e=engine: client.ask("load", engine=e))
        assert found == "BundleError"


def test_a_model_of_other_tensors_than_the_manifest_says(client: Client, tmp_path: Path) -> None:
    engines = [engine["name"] for engine in client.hello["engines"] if "onnx" in engine["formats"]]
    if not engines:
        pytest.skip("the client has no engine for ONNX")
    path = tmp_path / "wrong.fpm"
    # Its pieces are all the network that finds colours, which has no int8 heatmaps and no context.
    path.write_bytes(hollow(types=("int8", "int8"), context=("int8",), layout="NCHW"))
    client.ask("open", path=path)
    bundle = open_bundle(path)
    for engine in engines:
        found = refused_alike(lambda: bundle.session("onnxruntime"), lambda e=engine: client.ask("load", engine=e))
        assert found == "BundleError"


def test_a_piece_that_is_damaged_reaches_no_engine(client: Client, bundles: dict[str, Path]) -> None:
    content = bundles["colours"].read_bytes()
    model = open_bundle(content).read("stages/1.onnx")
    at = content.index(model) + len(model) // 2
    damage = [[at, 1, f"{content[at] ^ 1:02x}"]]
    client.ask("open", path=bundles["colours"], damage=damage)
    damaged = open_bundle(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    found = refused_alike(
        lambda: damaged.session("onnxruntime"), lambda: client.ask("load", engine="given", format="onnx")
    )
    assert found == "BundleError"


def test_a_session_that_is_refused_leaves_none(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"])
    pair.detect(PICTURE)
    with pytest.raises(Exception, match=r"^UsageError"):
        client.ask("load", engine="given", stages=9)
    with pytest.raises(Exception, match=r"^UsageError"):
        client.ask("detect", **files.picture(PICTURE))
