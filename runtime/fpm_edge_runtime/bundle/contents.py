"""What is in a bundle: one file with a network's pieces, what is known about them, and the means to check both."""

import hashlib
import io
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_runtime.bundle.container import SIGNATURE, read_entries
from fpm_edge_runtime.bundle.external import refuse_external_data
from fpm_edge_runtime.bundle.manifest import (
    Format,
    GoldenCase,
    GoldenSet,
    Manifest,
    decode_golden,
    decode_manifest,
)
from fpm_edge_runtime.bundle.wiring import check_wiring
from fpm_edge_runtime.errors import BundleError, SchemaError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from fpm_edge_runtime.bundle.schema import LandmarkSchema
    from fpm_edge_runtime.bundle.signature import Statement

__all__ = ["REFERENCE", "WHOLE_MEMBERS", "BundleContents"]

REFERENCE = "reference/float.fpm"
"""The float model that the bundle is compared with, a bundle itself."""

WHOLE_MEMBERS = ("whole.tflite", "whole.onnx", "stages.tflite")
"""Optional members that an app can use by themselves, without this runtime."""

_MANIFEST = "manifest.json"
_GOLDEN = "golden/golden.json"


class BundleContents:
    """What is in an open bundle; see `Bundle`."""

    def __init__(
        self,
        source: str | Path | bytes,
        trusted_keys: Iterable[str | Path | bytes] | None = None,
        now: float | None = None,
    ) -> None:
        """See `open_bundle` for the arguments and errors."""
        keys = None
        if trusted_keys is not None:
            from fpm_edge_runtime.bundle.signature import load_keys

            keys = load_keys(trusted_keys)
        self._data = _Bytes(source) if isinstance(source, bytes) else _File(Path(source))
        self._entries, self._layout = read_entries(self._data.size, self._data.read, self._data.where)
        if _MANIFEST not in self._entries:
            raise BundleError(f"{self._data.where}: manifest.json is missing; get the original file")
        try:
            self._open(keys, now)
        except BundleError as error:
            raise BundleError(f"{self._data.where}: {error}") from error

    def _open(self, keys: "Mapping[str, Ed25519PublicKey] | None", now: float | None) -> None:
        raw = self._check_sum(_MANIFEST, self._read_raw(_MANIFEST))
        self._digest = hashlib.sha256(raw).hexdigest()
        # Before the manifest is parsed: of a bundle that nobody trusted made, nothing more is looked at.
        self._signature = self._check_signature(keys, now)
        try:
            self._manifest = decode_manifest(raw)
        except (RecursionError, UnicodeDecodeError) as error:
            raise BundleError(f"manifest.json is not valid: {error}; make the bundle again") from error
        self._check_members()

    @property
    def manifest(self) -> Manifest:
        """What is in the bundle, how it is wired and what was measured on it."""
        return self._manifest

    @property
    def source(self) -> Path | bytes:
        """What it was opened from: its path, or its content."""
        return self._data.source

    @property
    def schema(self) -> "LandmarkSchema":
        """The landmarks it finds."""
        return self._manifest.landmarks

    @property
    def stages(self) -> int:
        """How many stages it has."""
        return self._manifest.stages

    @property
    def formats(self) -> tuple[Format, ...]:
        """Which formats its pieces come in, of ``tflite`` and ``onnx``."""
        return tuple(form for form, pieces in self._manifest.pieces.items() if pieces)

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all members, sorted."""
        return tuple(sorted(self._entries))

    @property
    def digest(self) -> str:
        """SHA-256 of manifest.json, hexadecimal. As that holds all other digests, it identifies the whole bundle."""
        return self._digest

    @property
    def signature(self) -> "Statement | None":
        """What the signature states, by one of the trusted keys; None if it was opened without trusted keys."""
        return self._signature

    def read(self, member: str) -> bytes:
        """The bytes of a member, after comparing their CRC-32 and, of all that have one, the SHA-256 in the manifest.

        Raises:
            UsageError: there is no such member.
            BundleError: the bytes are not those that the manifest promises, or are a model that needs other files.
        """
        if member not in self._entries:
            raise UsageError(f"the bundle has no member {member!r}; it has: {', '.join(self.members)}")
        raw = self._read_raw(member)
        expected = {**self._manifest.digests, _MANIFEST: self._digest}.get(member)
        if expected is not None and hashlib.sha256(raw).hexdigest() != expected:
            raise BundleError(
                f"{self._data.where}: member {member} does not have the SHA-256 in the manifest, so it was damaged "
                "or altered; get the original file"
            )
        try:
            refuse_external_data(member, self._check_sum(member, raw))
        except BundleError as error:
            raise BundleError(f"{self._data.where}: {error}") from error
        return raw

    def golden(self) -> GoldenSet | None:
        """The self-check cases, or None if the bundle has none.

        Raises:
            BundleError: they are damaged, or do not fit the manifest.
        """
        if _GOLDEN not in self._entries:
            return None
        raw = self.read(_GOLDEN)
        try:
            golden = decode_golden(raw)
        except (RecursionError, UnicodeDecodeError) as error:
            raise BundleError(f"{_GOLDEN} is not valid: {error}; make the bundle again") from error
        self._check_golden(golden)
        return golden

    def golden_input(self, case: GoldenCase) -> NDArray[np.uint8]:
        """The input of a self-check case: (input height, input width, 3) uint8 RGB.

        Raises:
            BundleError: the picture is damaged or not of exactly the input's size.
        """
        raw = self.read(case.member)
        geometry = self._manifest.geometry
        expected = (geometry.input_width, geometry.input_height)
        try:
            with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
                mode, size = picture.mode, picture.size
                pixels = np.array(picture) if (mode, size) == ("RGB", expected) else None
        except Exception as error:
            # As in `load_image`: Pillow's decoders raise nearly anything on damaged data.
            raise BundleError(f"{case.member} is not a readable PNG: {error}; make the bundle again") from error
        if pixels is None:
            raise BundleError(f"{case.member} is {mode} {size}; expected RGB {expected}; make the bundle again")
        return pixels

    def _read_raw(self, member: str) -> bytes:
        return self._data.read(self._layout.offsets[member], self._entries[member].size)

    def _check_sum(self, member: str, raw: bytes) -> bytes:
        if zlib.crc32(raw) != self._entries[member].crc:
            raise BundleError(f"{member} is damaged (CRC-32); get the original file")
        return raw

    def _check_signature(self, keys: "Mapping[str, Ed25519PublicKey] | None", now: float | None) -> "Statement | None":
        """The statement, if there are keys to verify it with. Whether it is about this manifest is always checked."""
        if SIGNATURE not in self._entries:
            if keys is None:
                return None
            raise BundleError("it is not signed, and trusted keys were given; get a signed bundle, or sign it")
        # Most bundles are not signed, and need none of it.
        from fpm_edge_runtime.bundle.signature import check_statement, decode_signature

        signed = decode_signature(self._check_sum(SIGNATURE, self._read_raw(SIGNATURE)))
        if signed.statement.manifest != self._digest:
            raise BundleError(
                f"{SIGNATURE} is about another bundle (SHA-256 of its manifest.json: {signed.statement.manifest}); "
                "get the original file"
            )
        return None if keys is None else check_statement(signed, keys, now)

    def _check_members(self) -> None:
        manifest, members = self._manifest, set(self._entries)
        without = {_MANIFEST, SIGNATURE}
        wrong = sorted(without & set(manifest.digests)) or sorted(set(manifest.digests) ^ (members - without))
        if wrong:
            raise BundleError(
                f"the digests in manifest.json and the members differ in {', '.join(wrong)}; expected a digest for "
                f"every member but {_MANIFEST} and {SIGNATURE}"
            )
        check_wiring(manifest)
        pieces = {piece.member for pieces in manifest.pieces.values() for piece in pieces}
        for member in sorted(pieces - members):
            raise BundleError(f"member {member}, which manifest.json names, is missing; get the original file")
        for member in sorted(name for name in members - pieces if name.startswith("stages/")):
            raise BundleError(f"member {member} is no piece in manifest.json; make the bundle again")
        if _GOLDEN not in members and any(name.startswith("golden/") for name in members):
            raise BundleError(f"there are golden inputs but no {_GOLDEN}; make the bundle again")

    def _check_golden(self, golden: GoldenSet) -> None:
        manifest = self._manifest
        shape = (manifest.stages, len(manifest.landmarks.landmarks), 2)
        if len(golden.limits) != manifest.stages or any(limit < 0 for limit in golden.limits):
            raise BundleError(
                f"{_GOLDEN}: limits are {golden.limits}; expected one for each of {manifest.stages} stages"
            )
        inputs = [case.member for case in golden.cases]
        if len(set(inputs)) != len(inputs):
            # A few bytes of JSON each would ask for a picture and a run each.
            raise BundleError(f"{_GOLDEN}: an input is used by two cases; make the bundle again")
        for case in golden.cases:
            if case.member not in self._entries or not case.member.endswith(".png"):
                raise BundleError(f"{_GOLDEN}: input {case.member!r} is not in the bundle; make the bundle again")
            try:
                manifest.landmarks.landmarks_of(case.category)
                found = np.array(case.landmarks, np.float64).shape
            except (SchemaError, ValueError) as error:
                raise BundleError(f"{_GOLDEN}, {case.member}: {error}; make the bundle again") from error
            if found != shape:
                raise BundleError(f"{_GOLDEN}, {case.member}: landmarks have shape {found}; expected {shape}")


class _Bytes:
    """A bundle in memory."""

    def __init__(self, content: bytes) -> None:
        self.source = content
        self.size = len(content)
        self.where = "bundle in memory"

    def read(self, offset: int, size: int) -> bytes:
        return self.source[offset : offset + size]


class _File:
    """A bundle on disk, opened for each read."""

    def __init__(self, path: Path) -> None:
        self.source = path
        self.where = str(path)
        try:
            # Opening a pipe would wait for its other end for ever, hence the look before.
            if path.exists() and not path.is_file():
                raise BundleError(f"{path} is not a file; expected the path of a .fpm bundle")
            self.size = path.stat().st_size
        except FileNotFoundError as error:
            raise BundleError(f"{path}: no such file; check the path") from error
        except (OSError, ValueError) as error:
            raise BundleError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', error)}") from error

    def read(self, offset: int, size: int) -> bytes:
        try:
            with self.source.open("rb") as file:
                file.seek(offset)
                content = file.read(size)
        except OSError as error:
            raise BundleError(f"{self.where} cannot be read: {error}") from error
        if len(content) != size:
            raise BundleError(f"{self.where} ends before byte {offset + size}; it was cut short since it was opened")
        return content
