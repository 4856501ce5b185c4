"""The manifest and the golden set as JSON: what is accepted, and how what is wrong is named."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fpm_edge_runtime.bundle.manifest import (
    CalibrationCard,
    Geometry,
    GoldenCase,
    GoldenSet,
    Interval,
    Manifest,
    Measured,
    Piece,
    Quantization,
    StageMeasurement,
    TensorSpec,
    decode_golden,
    decode_manifest,
    schema_version_for,
)
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import BundleError

IMAGE = TensorSpec("image", "uint8", (1, 64, 64, 3), "NHWC", 1 / 255, 0)
HEATMAP = TensorSpec("heatmap_1", "int8", (1, 8, 8, 3), "NHWC", 1 / 255, -128)

MANIFEST = Manifest(
    schema_version=1,
    name="tiny",
    created="2026-01-01T00:00:00Z",
    landmarks=LandmarkSchema("toy", ("a", "b"), (1, 0), {"all": (0, 1)}, {"all": (0, 1)}, {"g": (0,)}),
    geometry=Geometry(64, 64, 8),
    quantization=Quantization("int8", "qat"),
    stages=1,
    pieces={"tflite": (Piece("stage_1", "stages/1.tflite", (IMAGE,), (HEATMAP,)),)},
    digests={"stages/1.tflite": "0" * 64},
    versions={"numpy": "2.0"},
    calibration=CalibrationCard("random", "set", 0, ("a.jpg",), "1" * 64, "minmax", {"heatmap_1": (0.0, 1.0)}),
    measured=Measured(
        "set",
        10,
        "tflite",
        "litert",
        (
            StageMeasurement(
                1, 0.04, 0.0401, Interval(1e-4, 0.0, 2e-4), Interval(0.0, -0.1, 0.1), Interval(0.0, 0.0, 0.0)
            ),
        ),
    ),
    max_ne_drift=0.01,
    max_part_drift=0.05,
    model={"stages": 1, "width": 0.5},
)

GOLDEN = GoldenSet((GoldenCase("golden/0.png", "all", (((1.0, 2.0), (3.5, 4.0)),)),), (0.01,))


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The manifest's JSON after `change`."""
    plain = json.loads(msgspec.json.encode(MANIFEST))
    change(plain)
    return json.dumps(plain).encode()


def test_a_manifest_survives_the_round_trip() -> None:
    assert decode_manifest(msgspec.json.encode(MANIFEST)) == MANIFEST
    assert decode_manifest(changed(lambda m: None)) == MANIFEST


def test_a_golden_set_survives_the_round_trip() -> None:
    assert decode_golden(msgspec.json.encode(GOLDEN)) == GOLDEN


def test_what_may_be_left_out() -> None:
    def bare(plain: dict[str, Any]) -> None:
        for key in ("calibration", "measured", "max_ne_drift", "max_part_drift", "model"):
            del plain[key]

    manifest = decode_manifest(changed(bare))
    assert (manifest.calibration, manifest.measured, manifest.max_ne_drift, manifest.model) == (None, None, None, {})


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "x"}'])
def test_what_is_no_manifest_is_a_bundle_error(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json is not valid.*make the bundle again"):
        decode_manifest(data)


@pytest.mark.parametrize("version", [0, 5, 99])
def test_another_version_is_named_before_anything_else(version: int) -> None:
    with pytest.raises(BundleError, match=f"schema version {version}, this runtime reads 1 to 4; update"):
        decode_manifest(json.dumps({"schema_version": version, "from": "the future"}).encode())


CONVERGENCE = {
    "px": 1.0,
    "max_ne_loss": 0.01,
    "ne_loss": {"estimate": 0.0, "lower": -0.01, "upper": 0.005},
    "stages_run": 2.5,
    "pictures": 20,
}


def int16(plain: dict[str, Any]) -> None:
    plain["pieces"]["tflite"][0]["outputs"][0].update(dtype="int16", zero_point=0)


def uint8(plain: dict[str, Any]) -> None:
    plain["pieces"]["tflite"][0]["outputs"][0].update(dtype="uint8", zero_point=0)


@pytest.mark.parametrize(
    "change",
    [
        int16,
        lambda m: m["quantization"].update(precision="int16x8"),
        lambda m: m["quantization"].update(precision="dynamic-range"),
        lambda m: m["quantization"].update(exceptions={"stage_1": "int16x8"}),
        lambda m: m.update(convergence=CONVERGENCE),
    ],
    ids=["a tensor", "int16x8", "dynamic-range", "a piece", "convergence"],
)
def test_what_older_runtimes_cannot_read_says_so(change: Callable[[dict[str, Any]], Any]) -> None:
    def stated(version: int) -> bytes:
        return changed(lambda m: (change(m), m.update(schema_version=version)))

    manifest = decode_manifest(stated(2))
    assert schema_version_for(manifest.quantization, manifest.pieces, manifest.convergence) == 2
    with pytest.raises(BundleError, match=r"states schema version 1 and has content of version 2"):
        decode_manifest(stated(1))


def test_uint8_heatmaps_are_of_version_4() -> None:
    def stated(version: int) -> bytes:
        return changed(lambda m: (uint8(m), m.update(schema_version=version)))

    manifest = decode_manifest(stated(4))
    assert schema_version_for(manifest.quantization, manifest.pieces, manifest.convergence, manifest.recognition) == 4
    for version in (1, 2, 3):
        with pytest.raises(BundleError, match=f"states schema version {version} and has content of version 4"):
            decode_manifest(stated(version))
    # Beside heatmaps, tensors were uint8 from the beginning: those of ONNX pieces are.
    context = TensorSpec("context", "uint8", (1, 8, 8, 3), "NHWC", 1 / 255, 0)
    pieces = (Piece("context", "stages/context.onnx", (IMAGE,), (context,)),)
    assert schema_version_for(MANIFEST.quantization, {"onnx": pieces}) == 1


def test_what_they_can_read_stays_as_it_was() -> None:
    assert schema_version_for(MANIFEST.quantization, MANIFEST.pieces) == 1
    mixed = Quantization("int8", "ptq", {"stage_1": "float16"})
    assert schema_version_for(mixed, MANIFEST.pieces) == 1


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a missing field": (lambda m: m.pop("geometry"), "geometry"),
    "an unknown field": (lambda m: m.update(extra=1), "extra"),
    "a wrong type": (lambda m: m.update(stages="three"), r"\$\.stages"),
    "an unknown precision": (lambda m: m["quantization"].update(precision="int4"), r"\$\.quantization\.precision"),
    "an unknown format": (lambda m: m["pieces"].update(coreml=[]), r"pieces"),
    "an unknown resize": (lambda m: m["geometry"].update(resize="crop"), r"\$\.geometry\.resize"),
    "a wrong tensor": (
        lambda m: m["pieces"]["tflite"][0]["inputs"][0].update(dtype="int32"),
        r"\$\.pieces\[\.\.\.\]\[0\]\.inputs\[0\]\.dtype",
    ),
    "a wrong shape": (lambda m: m["pieces"]["tflite"][0]["outputs"][0].update(shape=[1, 8.5]), r"outputs\[0\]\.shape"),
    "a deeper unknown field": (lambda m: m["measured"]["stages"][0].update(note=""), r"\$\.measured\.stages\[0\]"),
    "a bound that is not a number": (
        lambda m: m["measured"]["stages"][0]["drift"].update(upper=None),
        r"\$\.measured\.stages\[0\]\.drift\.upper",
    ),
    "an inconsistent schema": (lambda m: m["landmarks"].update(flip=[0, 0]), "flip must pair"),
    "a landmark that is not there": (lambda m: m["landmarks"]["groups"].update(g=[7]), r"groups\.g"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_mistake_names_its_field(change: str) -> None:
    apply, message = CHANGES[change]
    with pytest.raises(BundleError, match=message) as caught:
        decode_manifest(changed(apply))
    assert str(caught.value).startswith("manifest.json is not valid")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "golden/golden.json is not valid"),
        (b'{"cases": []}', "limits"),
        (
            b'{"cases": [{"member": "a", "category": "b", "landmarks": [[[1]]]}], "limits": []}',
            r"cases\[0\]\.landmarks",
        ),
        (b'{"cases": [], "limits": ["high"]}', r"limits\[0\]"),
        (b'{"cases": [], "limits": [], "more": 1}', "more"),
    ],
)
def test_a_golden_set_that_is_wrong_names_its_field(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        decode_golden(data)
