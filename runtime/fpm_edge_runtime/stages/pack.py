"""Write a bundle: the same content always gives the same bytes, and never half of them."""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from fpm_edge_runtime.bundle.container import Entry, is_allowed, lay_out
from fpm_edge_runtime.bundle.manifest import Manifest
from fpm_edge_runtime.bundle.signature import SIGNATURE
from fpm_edge_runtime.errors import BundleError, UsageError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.stages.bundle import Bundle, open_bundle

__all__ = ["bundle_bytes", "signed_bundle_bytes", "write_bundle"]


def write_bundle(path: str | Path, manifest: Manifest, members: Mapping[str, bytes]) -> Path:
    """Write a bundle, and return its path.

    It is checked in full before a byte is written, written beside its place, and only then moved there: at every
    moment the path holds either what it held before or the finished bundle.

    Args:
        path: where to write it; an existing file is replaced.
        manifest: its `digests` are ignored and filled in.
        members: name → bytes, of every member but manifest.json and signature.json.

    Raises:
        UsageError: a member's name is not one that a bundle may have, or the folder does not exist.
        BundleError: manifest and members do not fit each other.
        OSError: the disk refused; it names `path`.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder; create it, or write the bundle elsewhere")
    content = bundle_bytes(manifest, members)
    open_bundle(content).check()
    write_atomically(path, content)
    open_bundle(path)
    return path


def bundle_bytes(manifest: Manifest, members: Mapping[str, bytes]) -> bytes:
    """The file that `write_bundle` writes, unchecked; `open_bundle` takes it. Arguments and errors as there."""
    return _assemble(_fill(manifest, members))


def signed_bundle_bytes(bundle: Bundle, signature: bytes) -> bytes:
    """A bundle's file with this signature.json, instead of one that it may have; every other member is as it was.

    Raises:
        BundleError: a member is damaged.
    """
    return _assemble({**{name: bundle.read(name) for name in bundle.members}, SIGNATURE: signature})


def _fill(manifest: Manifest, members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The members with manifest.json, which holds their digests."""
    for name in members:
        if name in ("manifest.json", SIGNATURE) or not is_allowed(name):
            raise UsageError(
                f"{name!r} cannot be a member of a bundle; expected card.md, stages/<t>.tflite, stages/context.tflite, "
                "whole.tflite (or .onnx), stages.tflite, reference/float.fpm, golden/golden.json or golden/<n>.png"
            )
    digests = {name: hashlib.sha256(members[name]).hexdigest() for name in sorted(members)}
    try:
        encoded = msgspec.json.encode(msgspec.structs.replace(manifest, digests=digests), order="deterministic")
    except (TypeError, ValueError) as error:
        raise BundleError(f"the manifest cannot be written as JSON: {error}; check the values in its model") from error
    if manifest.recognition is None:
        # What older runtimes can read must not name a field that they would refuse. No string can hold these bytes, and
        # only `model`, which comes later, could hold such a key.
        encoded = encoded.replace(b',"recognition":null', b"", 1)
    return {**members, "manifest.json": msgspec.json.format(encoded, indent=1)}


def _assemble(content: Mapping[str, bytes]) -> bytes:
    layout = lay_out(Entry(name, len(data), zlib.crc32(data)) for name, data in content.items())
    parts = [part for name, header in layout.headers.items() for part in (header, content[name])]
    return b"".join([*parts, layout.tail])
