"""A bundle is opened, read and checked as the reference does it, and is one thing at a time."""

import hashlib
from pathlib import Path

import pytest

from conformance.suite.bundles import plain_bundles
from conformance.suite.client import Client, Refused
from conformance.suite.compare import error_of, refused_alike
from fpm_edge_runtime import Manifest, open_bundle

NAMES = list(plain_bundles())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_it(client: Client, bundles: dict[str, Path], name: str) -> None:
    bundle = open_bundle(bundles[name])
    manifest: Manifest = bundle.manifest
    geometry = manifest.geometry
    assert client.ask("open", path=bundles[name]) == {
        "digest": bundle.digest,
        "name": manifest.name,
        "schema_version": manifest.schema_version,
        "stages": bundle.stages,
        "formats": [form for form in ("tflite", "onnx") if form in bundle.formats],
        "members": list(bundle.members),
        "landmarks": list(bundle.schema.landmarks),
        "categories": {category: list(indices) for category, indices in bundle.schema.categories.items()},
        "input": [geometry.input_width, geometry.input_height],
        "stride": geometry.stride,
        "signature": None,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_member_is_read_and_checked(client: Client, bundles: dict[str, Path], name: str) -> None:
    bundle = open_bundle(bundles[name])
    client.ask("open", path=bundles[name])
    assert client.ask("check") == {}
    answers = client.ask_all([("read", {"member": member}) for member in bundle.members])
    for member, answer in zip(bundle.members, answers, strict=True):
        content = bundle.read(member)
        assert answer == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert client.ask("judge", path=bundles[name], damages=[[], []])["verdicts"] == [None, None]


def test_a_member_that_is_not_there(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["colours"])
    bundle = open_bundle(bundles["colours"])
    for member in ("stages/9.onnx", "", "../card.md", "CARD.md"):
        refused_alike(lambda m=member: bundle.read(m), lambda m=member: client.ask("read", member=m))


def test_a_path_that_is_no_bundle(client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty.fpm").touch()
    (tmp_path / "text.fpm").write_text("hello")
    for name in ("missing.fpm", "empty.fpm", "text.fpm", "."):
        path = tmp_path / name
        assert refused_alike(lambda p=path: open_bundle(p), lambda p=path: client.ask("open", path=p)) == "BundleError"


def test_a_bundle_that_is_refused_leaves_none_open(client: Client, bundles: dict[str, Path], tmp_path: Path) -> None:
    client.ask("open", path=bundles["colours"])
    with pytest.raises(Refused, match=r"^BundleError"):
        client.ask("open", path=tmp_path / "missing.fpm")
    with pytest.raises(Refused, match=r"^UsageError"):
        client.ask("read", member="card.md")


def test_judging_leaves_the_open_one_alone(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["colours"])
    assert client.ask("judge", path=bundles["float32"], damages=[[[0, 1, ""]]])["verdicts"] == ["BundleError"]
    assert client.ask("read", member="stages/1.onnx")["size"] > 0


def test_damage_is_done_in_turn(client: Client, bundles: dict[str, Path]) -> None:
    content = bundles["colours"].read_bytes()
    whole = client.ask("open", path=bundles["colours"])
    # Cut in two, and put together again.
    both = [[100, None, ""], [100, 0, content[100:].hex()]]
    assert client.ask("open", path=bundles["colours"], damage=both) == whole
    assert client.ask("open", path=bundles["float32"], damage=[[0, None, content.hex()]]) == whole
    with pytest.raises(Refused, match=r"^BundleError"):
        client.ask("open", path=bundles["colours"], damage=both[:1])


def test_damage_in_a_member_is_found_when_it_is_read(client: Client, bundles: dict[str, Path]) -> None:
    content = bundles["colours"].read_bytes()
    damage = [[content.index(b"# Colours"), 1, "00"]]
    client.ask("open", path=bundles["colours"], damage=damage)
    assert client.ask("read", member="manifest.json")["size"] > 0
    for do, fields in (("read", {"member": "card.md"}), ("check", {})):
        with pytest.raises(Refused) as refused:
            client.ask(do, **fields)
        assert (refused.value.error_class, refused.value.exit_code) == ("BundleError", 4)


def test_a_file_that_changes_after_it_was_opened(client: Client, bundles: dict[str, Path], tmp_path: Path) -> None:
    path, content = tmp_path / "changing.fpm", bundles["colours"].read_bytes()
    path.write_bytes(content)
    client.ask("open", path=path)
    path.write_bytes(content.replace(b"# Colours", b"# Colors."))
    refused = error_of(lambda: client.ask("read", member="card.md"))
    if refused is None:
        # It kept the file that it had opened, which is as well.
        assert client.ask("read", member="card.md")["sha256"] == hashlib.sha256(b"# Colours\n").hexdigest()
    else:
        assert refused == ("BundleError", 4)
