"""A bundle gives back what was written, and refuses everything else with a BundleError and no other error."""

import hashlib
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge_runtime import Bundle, BundleError, Manifest, UsageError, open_bundle, write_bundle
from fpm_edge_runtime.manifest import GoldenSet

Parts = tuple[Manifest, dict[str, bytes]]
Build = Callable[[Mapping[str, bytes]], bytes]


def _read_all(content: bytes) -> Bundle:
    bundle = open_bundle(content)
    for member in bundle.members:
        bundle.read(member)
    return bundle


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def _sealed(build: Build, manifest: dict[str, Any], members: Mapping[str, bytes]) -> bytes:
    """A container with right headers and right digests around whatever manifest and members say."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    return build({**members, "manifest.json": msgspec.json.encode({**manifest, "digests": digests})})


@pytest.fixture
def manifest_dict(hollow_parts: Parts) -> dict[str, Any]:
    """The hollow bundle's manifest as plain values, to be spoilt."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(hollow_parts[0]))
    return plain


# ---- what was written comes back ----


def test_round_trip(hollow_path: Path, hollow_parts: Parts) -> None:
    manifest, members = hollow_parts
    bundle = open_bundle(hollow_path)
    assert set(bundle.members) == {*members, "manifest.json"}
    for name, data in members.items():
        assert bundle.read(name) == data
        assert bundle.manifest.digests[name] == hashlib.sha256(data).hexdigest()
    assert msgspec.structs.replace(bundle.manifest, digests={}) == manifest
    assert (bundle.stages, bundle.formats, bundle.schema) == (2, ("tflite",), manifest.landmarks)
    assert bundle.digest == hashlib.sha256(bundle.read("manifest.json")).hexdigest()


def test_path_text_and_content_give_the_same(hollow_path: Path) -> None:
    digests = {open_bundle(source).digest for source in (hollow_path, str(hollow_path), hollow_path.read_bytes())}
    assert len(digests) == 1


def test_the_same_content_gives_the_same_bytes(hollow_path: Path, hollow_parts: Parts, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    again = write_bundle(tmp_path / "again.fpm", manifest, dict(reversed(members.items())))
    assert again.read_bytes() == hollow_path.read_bytes()


def test_other_tools_can_read_it(hollow_path: Path, hollow_parts: Parts) -> None:
    with zipfile.ZipFile(hollow_path) as file:
        assert file.testzip() is None
        assert file.namelist() == sorted([*hollow_parts[1], "manifest.json"])
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_members_start_at_multiples_of_64(hollow_path: Path, hollow_parts: Parts) -> None:
    content = hollow_path.read_bytes()
    with zipfile.ZipFile(hollow_path) as file:
        headers = {info.filename: info.header_offset for info in file.infolist()}
    for name, data in hollow_parts[1].items():
        lengths = struct.unpack_from("<2H", content, headers[name] + 26)
        start = headers[name] + 30 + sum(lengths)
        assert content[start : start + len(data)] == data
        assert start % 64 == 0


def test_golden(hollow_path: Path) -> None:
    bundle = open_bundle(hollow_path)
    golden = bundle.golden()
    assert isinstance(golden, GoldenSet)
    pixels = bundle.golden_input(golden.cases[0])
    np.testing.assert_array_equal(pixels, np.full((32, 48, 3), 7, np.uint8))


def test_without_golden_and_reference(hollow_parts: Parts, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    rest = {name: data for name, data in members.items() if not name.startswith("golden/")}
    bundle = open_bundle(write_bundle(tmp_path / "a.fpm", manifest, rest))
    assert bundle.golden() is None
    assert bundle.reference() is None


def test_reference_is_a_bundle(hollow_parts: Parts, hollow_path: Path, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    inner = hollow_path.read_bytes()
    outer = open_bundle(write_bundle(tmp_path / "a.fpm", manifest, {**members, "reference/float.fpm": inner}))
    reference = outer.reference()
    assert reference is not None
    assert reference.digest == open_bundle(hollow_path).digest


def test_reference_of_another_model_is_refused(hollow_parts: Parts, hollow_path: Path, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    other = msgspec.structs.replace(manifest, landmarks=msgspec.structs.replace(manifest.landmarks, name="other"))
    with pytest.raises(BundleError, match="other landmarks"):
        write_bundle(tmp_path / "a.fpm", other, {**members, "reference/float.fpm": hollow_path.read_bytes()})


def test_reference_in_reference_is_refused(hollow_parts: Parts, hollow_path: Path, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    middle = write_bundle(tmp_path / "a.fpm", manifest, {**members, "reference/float.fpm": hollow_path.read_bytes()})
    with pytest.raises(BundleError, match="a reference of its own"):
        write_bundle(tmp_path / "b.fpm", manifest, {**members, "reference/float.fpm": middle.read_bytes()})


def test_unknown_member(hollow_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no member 'stages/9\.tflite'; it has: card\.md"):
        open_bundle(hollow_path).read("stages/9.tflite")


# ---- writing ----


def test_a_bundle_that_contradicts_itself_is_not_written(hollow_parts: Parts, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    path = write_bundle(tmp_path / "a.fpm", manifest, members)
    before = path.read_bytes()
    with pytest.raises(BundleError, match="stages/2"):
        write_bundle(path, manifest, {name: data for name, data in members.items() if name != "stages/2.tflite"})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_golden_inputs_are_checked_before_writing(hollow_parts: Parts, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    with pytest.raises(BundleError, match=r"golden/0\.png is not a readable PNG"):
        write_bundle(tmp_path / "a.fpm", manifest, {**members, "golden/0.png": b"no picture"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["manifest.json", "notes.txt", "../card.md", "stages/0.tflite", "stages/", "é"])
def test_names_that_no_bundle_has(hollow_parts: Parts, tmp_path: Path, name: str) -> None:
    manifest, members = hollow_parts
    with pytest.raises(UsageError, match="cannot be a member"):
        write_bundle(tmp_path / "a.fpm", manifest, {**members, name: b""})
    assert list(tmp_path.iterdir()) == []


def test_write_into_a_folder_that_is_not_there(hollow_parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        write_bundle(tmp_path / "none" / "a.fpm", *hollow_parts)


def test_write_over_a_folder(hollow_parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "a.fpm").mkdir()
    with pytest.raises(BundleError, match="cannot be written"):
        write_bundle(tmp_path / "a.fpm", *hollow_parts)
    assert [path.name for path in tmp_path.iterdir()] == ["a.fpm"]


def test_manifest_that_is_no_json(hollow_parts: Parts, tmp_path: Path) -> None:
    manifest, members = hollow_parts
    with pytest.raises(BundleError, match="cannot be written as JSON"):
        write_bundle(tmp_path / "a.fpm", msgspec.structs.replace(manifest, model={"f": object()}), members)


# ---- what is not a bundle ----


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.fpm: no such file"):
        open_bundle(tmp_path / "none.fpm")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, b"\0" * 22, b"PK\5\6" + b"\0" * 18])
def test_not_a_bundle(content: bytes) -> None:
    with pytest.raises(BundleError):
        open_bundle(content)


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a file"):
        open_bundle(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are POSIX")
def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fpm")
    program = (
        "import sys, fpm_edge_runtime as f\ntry: f.open_bundle(sys.argv[1])\nexcept f.BundleError: print('refused')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pipe.fpm")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout == "refused\n"


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_impossible_path(path: str) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        open_bundle(path)


# ---- damage ----


def test_every_truncation_is_refused(hollow_path: Path) -> None:
    content = hollow_path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(BundleError):
            open_bundle(content[:length])


def test_every_extension_is_refused(hollow_path: Path) -> None:
    content = hollow_path.read_bytes()
    for extra in (b"\0", b"PK\5\6", content):
        for longer in (content + extra, extra + content):
            with pytest.raises(BundleError):
                open_bundle(longer)


def test_every_changed_byte_is_refused(hollow_path: Path) -> None:
    content = hollow_path.read_bytes()
    flips = np.random.default_rng(0).integers(1, 256, len(content))
    for position, flip in enumerate(flips):
        mutant = bytearray(content)
        mutant[position] ^= int(flip)
        with pytest.raises(BundleError):
            _read_all(bytes(mutant))


def test_many_changes_at_once_are_refused(hollow_path: Path) -> None:
    content = hollow_path.read_bytes()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        mutant = bytearray(content)
        kind = seed % 4
        start, other = (int(i) for i in rng.integers(0, len(content) - 64, 2))
        length = int(rng.integers(1, 64))
        if kind == 0:
            for position in rng.integers(0, len(content), length):
                mutant[position] = int(rng.integers(0, 256))
        elif kind == 1:
            mutant[start : start + length] = content[other : other + length]
        elif kind == 2:
            del mutant[start : start + length]
        else:
            mutant[start:start] = rng.bytes(length)
        if mutant == content:
            continue
        with pytest.raises(BundleError):
            _read_all(bytes(mutant))


def test_damaged_manifest_values_never_raise_anything_else(hollow_path: Path, build_container: Build) -> None:
    # The headers are right again, so that the changed manifest reaches the parser and the checks behind it.
    members = _members(hollow_path)
    manifest = members["manifest.json"]
    refused = 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        mutant = bytearray(manifest)
        for position in rng.integers(0, len(manifest), int(rng.integers(1, 4))):
            mutant[position] = int(rng.integers(0, 256))
        try:
            _read_all(build_container({**members, "manifest.json": bytes(mutant)})).golden()
        except BundleError:
            refused += 1
    assert refused > 500


def test_file_changed_after_opening(hollow_parts: Parts, tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "a.fpm", *hollow_parts)
    bundle = open_bundle(path)
    content = path.read_bytes()
    assert bundle.read("stages/1.tflite") == b"stage_1"
    path.write_bytes(content.replace(b"stage_1\0", b"stage_X\0").replace(b"stage_1PK", b"stage_XPK"))
    assert path.read_bytes() != content
    with pytest.raises(BundleError, match=r"stages/1\.tflite does not have the SHA-256"):
        bundle.read("stages/1.tflite")
    path.write_bytes(content[:100])
    with pytest.raises(BundleError, match="cut short since it was opened"):
        bundle.read("stages/2.tflite")
    path.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        bundle.read("card.md")


# ---- archives that a bundle is not ----


def _zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_compressed_member(hollow_path: Path) -> None:
    with pytest.raises(BundleError, match="compressed"):
        open_bundle(_zipped(_members(hollow_path), zipfile.ZIP_DEFLATED))


def test_packed_again_by_another_tool(hollow_path: Path) -> None:
    with pytest.raises(BundleError, match="packed again by another tool"):
        open_bundle(_zipped(_members(hollow_path)))


def test_encrypted_member(hollow_path: Path) -> None:
    content = bytearray(hollow_path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(BundleError, match="encrypted"):
        open_bundle(bytes(content))


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "stages/../card.md", "stages/", "C:\\a", "notes.txt", "golden/x.png", "stages/01.tflite",
     "stages/1.tflite\n", "CARD.MD", "é.md"],
)  # fmt: skip
def test_member_that_does_not_belong(hollow_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="does not belong in a bundle"):
        open_bundle(_zipped({**_members(hollow_path), name: b"x"}))


def test_duplicate_member(hollow_path: Path) -> None:
    file = BytesIO(hollow_path.read_bytes())
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("card.md", b"another")
    with pytest.raises(BundleError, match=r"'card\.md' occurs twice"):
        open_bundle(file.getvalue())


def test_archive_comment(hollow_path: Path) -> None:
    file = BytesIO(hollow_path.read_bytes())
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(BundleError):
        open_bundle(file.getvalue())


def test_large_manifest(hollow_path: Path, build_container: Build) -> None:
    members = _members(hollow_path)
    with pytest.raises(BundleError, match=r"manifest\.json has 1048577 bytes; at most 1048576"):
        open_bundle(build_container({**members, "manifest.json": members["manifest.json"].ljust(2**20 + 1)}))


def test_member_that_claims_a_gigabyte(hollow_path: Path) -> None:
    content = bytearray(hollow_path.read_bytes())
    start = content.index(b"PK\1\2")
    content[start + 20 : start + 28] = (2**30).to_bytes(4, "little") * 2
    with pytest.raises(BundleError, match="at most 536870912"):
        open_bundle(bytes(content))


def test_no_manifest(build_container: Build) -> None:
    for members in ({}, {"card.md": b""}):
        with pytest.raises(BundleError, match=r"manifest\.json is missing"):
            open_bundle(build_container(members))


# ---- manifests that contradict themselves or their members ----


def test_wrong_digest(hollow_path: Path, build_container: Build) -> None:
    bundle = open_bundle(build_container({**_members(hollow_path), "stages/1.tflite": b"other"}))
    with pytest.raises(BundleError, match=r"stages/1\.tflite does not have the SHA-256"):
        bundle.read("stages/1.tflite")
    assert bundle.read("stages/2.tflite") == b"stage_2"


def test_missing_member(hollow_path: Path, build_container: Build) -> None:
    members = _members(hollow_path)
    for name in sorted(set(members) - {"manifest.json"}):
        rest = {other: data for other, data in members.items() if other != name}
        with pytest.raises(BundleError, match=f"differ in {name}"):
            open_bundle(build_container(rest))


def test_member_without_digest(hollow_path: Path, build_container: Build) -> None:
    with pytest.raises(BundleError, match=r"differ in whole\.tflite"):
        open_bundle(build_container({**_members(hollow_path), "whole.tflite": b"x"}))


def test_piece_without_member(manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build) -> None:
    members = {name: data for name, data in hollow_parts[1].items() if name != "stages/2.tflite"}
    with pytest.raises(BundleError, match=r"member stages/2\.tflite, which manifest\.json names, is missing"):
        open_bundle(_sealed(build_container, manifest_dict, members))


def test_stage_file_that_no_piece_names(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build
) -> None:
    with pytest.raises(BundleError, match=r"stages/3\.tflite is no piece"):
        open_bundle(_sealed(build_container, manifest_dict, {**hollow_parts[1], "stages/3.tflite": b"x"}))


@pytest.mark.parametrize("version", [0, 3, 99])
def test_other_schema_version(
    manifest_dict: dict[str, Any], hollow_parts: Parts, build_container: Build, version: int
) -> None:
    manifest_dict["schema_version"] = version
    manifest_dict["something_new"] = {}
    with pytest.raises(BundleError, match=f"schema version {version}, this runtime reads 1 and 2; update"):
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
    ("pieces.tflite.2.outputs.0.zero_point", 200, "codes need both"),
    ("pieces.tflite.2.outputs.0.dtype", "int4", "not valid"),
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
