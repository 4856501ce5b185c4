"""A manifest or golden case that contradicts itself, or its members, is refused, however well it is packed."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from zipped import unzipped

from fpm_edge_runtime import BundleError, Manifest, open_bundle

Parts = tuple[Manifest, dict[str, bytes]]
Build = Callable[[Mapping[str, bytes]], bytes]


def _sealed(build: Build, manifest: dict[str, Any], members: Mapping[str, bytes]) -> bytes:
    """A container with right headers and right digests around whatever manifest and members say."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    return build({**members, "manifest.json": msgspec.json.encode({**manifest, "digests": digests})})


@pytest.fixture
def manifest_dict(hollow_parts: Parts) -> dict[str, Any]:
    """The hollow bundle's manifest as plain values, to be spoilt."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(hollow_parts[0]))
    return plain


# ---- manifests that contradict themselves or their members ----


def test_wrong_digest(hollow_path: Path, build_container: Build) -> None:
    bundle = open_bundle(build_container({**unzipped(hollow_path), "stages/1.tflite": b"other"}))
    with pytest.raises(BundleError, match=r"stages/1\.tflite does not have the SHA-256"):
        bundle.read("stages/1.tflite")
    assert bundle.read("stages/2.tflite") == b"stage_2"


def test_missing_member(hollow_path: Path, build_container: Build) -> None:
    members = unzipped(hollow_path)
    for name in sorted(set(members) - {"manifest.json"}):
        rest = {other: data for other, data in members.items() if other != name}
        with pytest.raises(BundleError, match=f"differ in {name}"):
            open_bundle(build_container(rest))


def test_member_without_digest(hollow_path: Path, build_container: Build) -> None:
    with pytest.raises(BundleError, match=r"differ in whole\.tflite"):
        open_bundle(build_container({**unzipped(hollow_path), "whole.tflite": b"x"}))


def test_piece_without_member(manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build) -> None:
    members = {name: data for name, data in hollow_parts[1].items() if name != "stages/2.tflite"}
    with pytest.raises(BundleError, match=r"member stages/2\.tflite, which manifest\.json names, is missing"):
        open_bundle(_sealed(build_container, manifest_dict, members))


def test_stage_file_that_no_piece_names(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build
) -> None:
    with pytest.raises(BundleError, match=r"stages/3\.tflite is no piece"):
        open_bundle(_sealed(build_container, manifest_dict, {**hollow_parts[1], "stages/3.tflite": b"x"}))


@pytest.mark.parametrize("version", [0, 5, 99])
def test_other_schema_version(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build, version: int
) -> None:
    manifest_dict["schema_version"] = version
    manifest_dict["something_new"] = {}
    with pytest.raises(BundleError, match=f"schema version {version}, this runtime reads 1 to 4; update"):
        open_bundle(_sealed(build_container, manifest_dict, hollow_parts[1]))


def _spoil(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set the value at a path like ``pieces.tflite.0.name``; ``del`` as value removes it."""

    def change(manifest: dict[str, Any]) -> None:
        *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        target: Any = manifest
        for key in parents:
            target = target[key]
        if value == "del":
            del target[last]
        else:
            target[last] = value

    return change


SPOILT = [
    ("stages", 3, "expected stage_1 to stage_3"),
    ("stages", 1, "expected stage_1 to stage_1"),
    ("stages", 0, "expected 1 to 99"),
    ("stages", -1, "expected 1 to 99"),
    ("pieces", {}, "pieces is empty"),
    ("pieces", {"caffe": []}, "not valid"),
    ("pieces.tflite", [], "pieces is empty"),
    ("pieces.tflite.0", "del", "expected stage_1 to stage_2"),
    ("pieces.tflite.1", "del", "input 'context' is neither the image nor"),
    ("pieces.tflite.0.name", "stage_2", "expected stage_1 to stage_2"),
    ("pieces.tflite.1.name", "extra", "expected stage_1 to stage_2"),
    ("pieces.tflite.0.member", "stages/2.tflite", r"expected stages/1\.tflite"),
    ("pieces.tflite.0.member", "/etc/passwd", r"expected stages/1\.tflite"),
    ("pieces.tflite.0.inputs", [], "has no inputs"),
    ("pieces.tflite.0.inputs.0.shape", [1, 64, 48, 3], "from the geometry"),
    ("pieces.tflite.0.inputs.0.dtype", "float32", "expected uint8"),
    ("pieces.tflite.2.outputs", [], "no output is called 'heatmap_2'"),
    ("pieces.tflite.0.outputs.0.name", "heatmap_2", "input 'heatmap_1' is neither"),
    ("pieces.tflite.0.outputs.0.name", "image", "also the name of an earlier tensor"),
    ("pieces.tflite.0.outputs.0.shape", [1, 4, 6, 5], "does not fit the earlier piece's output"),
    ("pieces.tflite.0.outputs.0.scale", 0.5, "does not fit the earlier piece's output"),
    ("pieces.tflite.0.outputs.0.zero_point", 0, "does not fit the earlier piece's output"),
    ("pieces.tflite.2.inputs.0.dtype", "float32", "float32 has neither"),
    ("pieces.tflite.2.outputs.0.shape", [1, 4, 6, 3], "3 landmarks and the background"),
    ("pieces.tflite.2.outputs.0.shape", [1, 8, 12, 4], "3 landmarks and the background"),
    ("pieces.tflite.2.outputs.0.layout", "NCHW", "3 landmarks and the background"),
    ("pieces.tflite.2.outputs.0.shape", [4, 6, 4], "expected four sizes"),
    ("pieces.tflite.2.outputs.0.shape", [1, 4, -6, 4], "expected four sizes"),
    ("pieces.tflite.2.outputs.0.scale", None, "codes need both"),
    ("pieces.tflite.2.outputs.0.scale", -1.0, "codes need both"),
    ("pieces.tflite.2.outputs.0.scale", 1e39, "codes need both"),
    ("pieces.tflite.2.outputs.0.scale", 1e-46, "codes need both"),
    ("pieces.tflite.2.outputs.0.zero_point", 200, "codes need both"),
    ("pieces.tflite.2.outputs.0.dtype", "int4", "not valid"),
    ("pieces.tflite.2.outputs.0.dtype", "uint8", "version 1 and has content of version 4"),
    ("geometry.stride", 0, "multiple of the stride"),
    ("geometry.stride", 7, "multiple of the stride"),
    ("geometry.input_width", 10**6, "at most 8192"),
    ("geometry.input_height", -32, "multiple of the stride"),
    ("landmarks.landmarks", ["a"], "flip must pair"),
    ("landmarks.flip", "del", "not valid"),
    ("unknown", 1, "unknown field"),
    ("name", "del", "not valid"),
]


@pytest.mark.parametrize(("path", "value", "message"), SPOILT, ids=[f"{path}={value}" for path, value, _ in SPOILT])
def test_spoilt_manifest(
    manifest_dict: dict[str, Any],
    hollow_parts: Parts,
    build_container: Build,
    path: str,
    value: Any,
    message: str,
) -> None:
    _spoil(path, value)(manifest_dict)
    with pytest.raises(BundleError, match=message):
        open_bundle(_sealed(build_container, manifest_dict, hollow_parts[1]))


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b'{"schema_version": "1"}', b'{"schema_version": 1e99}', b"\xff\xfe", b"[" * 10**5],
)
def test_manifest_that_is_not_one(raw: bytes, build_container: Build) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json is not valid"):
        open_bundle(build_container({"manifest.json": raw}))


def test_deeply_nested_manifest(manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build) -> None:
    manifest_dict["model"] = {"deep": msgspec.Raw(b"[" * 10**5 + b"]" * 10**5)}
    with pytest.raises(BundleError, match=r"manifest\.json is not valid"):
        open_bundle(_sealed(build_container, manifest_dict, hollow_parts[1]))


# ---- golden cases ----


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("limits", [0.5], "expected one for each of 2 stages"),
        ("limits", [0.5, -1.0], "expected one for each of 2 stages"),
        ("cases.0.member", "golden/9.png", "is not in the bundle"),
        ("cases.0.member", "stages/1.tflite", "is not in the bundle"),
        ("cases.0.category", "hats", "hats.*expected one of: all, warm"),
        ("cases.0.landmarks", [[[1.0, 2.0]] * 3], "expected \\(2, 3, 2\\)"),
        ("cases.0.landmarks", [[[1.0, 2.0]] * 3, [[1.0, 2.0]]], "inhomogeneous"),
        ("cases.0.landmarks", "x", "not valid"),
    ],
)
def test_spoilt_golden(
    manifest_dict: dict[str, Any],
    hollow_parts: Parts,
    build_container: Build,
    path: str,
    value: Any,
    message: str,
) -> None:
    members = dict(hollow_parts[1])
    golden = msgspec.json.decode(members["golden/golden.json"])
    _spoil(path, value)(golden)
    members["golden/golden.json"] = msgspec.json.encode(golden)
    bundle = open_bundle(_sealed(build_container, manifest_dict, members))
    with pytest.raises(BundleError, match=message):
        bundle.golden()


def test_golden_inputs_without_golden(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build
) -> None:
    members = {name: data for name, data in hollow_parts[1].items() if name != "golden/golden.json"}
    with pytest.raises(BundleError, match=r"no golden/golden\.json"):
        open_bundle(_sealed(build_container, manifest_dict, members))


def test_golden_input_that_is_no_input(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build
) -> None:
    picture = hollow_parts[1]["golden/0.png"]
    header = bytearray(picture)
    header[16:24] = (30000).to_bytes(4, "big") * 2
    for spoilt in (b"", b"no picture", picture[:-30], bytes(header)):
        bundle = open_bundle(_sealed(build_container, manifest_dict, {**hollow_parts[1], "golden/0.png": spoilt}))
        golden = bundle.golden()
        assert golden is not None
        with pytest.raises(BundleError, match=r"golden/0\.png"):
            bundle.golden_input(golden.cases[0])


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"scale": 1 / 255, "zero_point": 0}, True),
        ({"scale": 1 / 255, "zero_point": 255}, True),
        ({"scale": 1 / 255, "zero_point": -128}, False),
        ({"scale": 1 / 255, "zero_point": None}, False),
        ({"scale": None, "zero_point": None}, False),
    ],
)
def test_uint8_heatmaps_have_scale_and_zero_point(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build, fields: dict[str, Any], fits: bool
) -> None:
    """Unlike the image, whose codes are the picture's pixels."""
    manifest_dict["schema_version"] = 4
    manifest_dict["pieces"]["tflite"][2]["outputs"][0].update(dtype="uint8", **fields)
    sealed = _sealed(build_container, manifest_dict, hollow_parts[1])
    if fits:
        assert open_bundle(sealed).manifest.pieces["tflite"][2].outputs[0].dtype == "uint8"
        return
    with pytest.raises(BundleError, match=r"tensor 'heatmap_2' is uint8 with scale .* codes need both"):
        open_bundle(sealed)
