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

import msgspec
import numpy as np
import pytest
from zipped import unzipped

from fpm_edge_runtime import Bundle, BundleError, Manifest, UsageError, open_bundle, write_bundle
from fpm_edge_runtime.bundle.container import Entry, lay_out
from fpm_edge_runtime.bundle.manifest import GoldenSet

Parts = tuple[Manifest, dict[str, bytes]]
Build = Callable[[Mapping[str, bytes]], bytes]


def _read_all(content: bytes) -> Bundle:
    bundle = open_bundle(content)
    for member in bundle.members:
        bundle.read(member)
    return bundle


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
    with pytest.raises(IsADirectoryError, match="name a file in it"):
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


def test_members_beyond_two_gigabytes_are_not_laid_out() -> None:
    entries = [Entry(f"golden/{i}.png", 2**29, 0) for i in range(4)]
    with pytest.raises(BundleError, match="have 2147483648 bytes together; a bundle has at most 2147483647"):
        lay_out(entries)
    assert lay_out(entries[:3]).size > 3 * 2**29


# ---- damage; the rest of it is in tests/hostile ----


def test_every_extension_is_refused(hollow_path: Path) -> None:
    content = hollow_path.read_bytes()
    for extra in (b"\0", b"PK\5\6", content):
        for longer in (content + extra, extra + content):
            with pytest.raises(BundleError):
                open_bundle(longer)


def test_damaged_manifest_values_never_raise_anything_else(hollow_path: Path, build_container: Build) -> None:
    # The headers are right again, so that the changed manifest reaches the parser and the checks behind it.
    members = unzipped(hollow_path)
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
        open_bundle(_zipped(unzipped(hollow_path), zipfile.ZIP_DEFLATED))


def test_packed_again_by_another_tool(hollow_path: Path) -> None:
    with pytest.raises(BundleError, match="packed again by another tool"):
        open_bundle(_zipped(unzipped(hollow_path)))


def test_no_manifest(build_container: Build) -> None:
    for members in ({}, {"card.md": b""}):
        with pytest.raises(BundleError, match=r"manifest\.json is missing"):
            open_bundle(build_container(members))
