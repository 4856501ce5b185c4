"""Bundles made on the spot: hollow ones, one that finds colours, and what can be wrong with a signature."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from small_bundle import KEY, SIGNED_AT, signature, small_bundle

from conformance.suite.hollow import COLUMNS, HEIGHT, ROWS, STILL, WIDTH, hollow, recognition
from fpm_edge.shipped import shipped_bundle
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.manifest import Format, Piece, TensorSpec
from fpm_edge_runtime.stages.pack import bundle_bytes, signed_bundle_bytes

__all__ = ["DAY", "SIGNED_AT", "nested", "plain_bundles", "signed", "tiny_bundle", "write_keys"]

DAY = 86_400
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def plain_bundles() -> dict[str, bytes]:
    """Name → bundle that nobody signed."""
    return {
        "colours": small_bundle(),
        "float32": hollow(),
        "int8": hollow(types=("int8",) * 3, context=("int8",), limits=(0.05, 0.06, 0.07)),
        "int16": hollow(types=("int16",) * 2, context=("int16",), measured=(0.01, 0.02)),
        "mixed": hollow(types=("int8", "int16"), context=("int8",)),
        "without context": hollow(types=("int8",) * 2, context=None),
        "one stage": hollow(types=("float32",), context=None),
        "channels first": hollow(layout="NCHW"),
        "four stages": hollow(types=("float32",) * 4, convergence=STILL),
        "recognition": hollow(recognize=recognition(2), limits=(0.1, 0.2)),
        "float model inside": nested(),
        "shipped": shipped_bundle().read_bytes(),
    }


def tiny_bundle(models: Mapping[str, bytes]) -> bytes:
    """The tiny test network in both formats; the models are those that ``tests/runtime/_tiny_network.py`` writes."""

    def codes(name: str) -> TensorSpec:
        return TensorSpec(name, "int8", (1, ROWS, COLUMNS, 4), "NHWC", 1 / 256, -128)

    image = TensorSpec("image", "uint8", (1, HEIGHT, WIDTH, 3), "NHWC", 1.0, 0)
    wiring = {
        "stage_1": ((image,), (codes("heatmap_1"),)),
        "context": ((image,), (codes("context"),)),
        "stage_2": ((codes("context"), codes("heatmap_1")), (codes("heatmap_2"),)),
    }
    pieces: dict[Format, tuple[Piece, ...]] = {}
    members = {}
    forms: tuple[Format, ...] = ("tflite", "onnx")
    for form in forms:
        names = {piece: f"{piece.removeprefix('stage_')}.{form}" for piece in wiring}
        pieces[form] = tuple(Piece(piece, f"stages/{names[piece]}", *edges) for piece, edges in wiring.items())
        members |= {f"stages/{name}": models[name] for name in names.values()}
    manifest = msgspec.structs.replace(open_bundle(hollow()).manifest, name="tiny", pieces=pieces, digests={})
    return bundle_bytes(manifest, members)


def nested() -> bytes:
    """The bundle that finds colours with itself as its float model."""
    bundle = open_bundle(small_bundle())
    members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
    return bundle_bytes(bundle.manifest, {**members, "reference/float.fpm": small_bundle()})


def signed(
    content: bytes | None = None,
    *,
    other_key: bool = False,
    expires: int | None = None,
    sequence: int = 7,
    forged: bool = False,
) -> bytes:
    """A signed bundle.

    Args:
        other_key: signed by `OTHER_KEY`.
        forged: the signature is that of another statement.
    """
    bundle = open_bundle(small_bundle() if content is None else content)
    key = OTHER_KEY if other_key else KEY
    made = signature(bundle.read("manifest.json"), key=key, expires=expires, sequence=sequence)
    if forged:
        other = signature(bundle.read("manifest.json"), key=key, expires=expires, sequence=sequence + 1)
        one, two = msgspec.json.decode(made), msgspec.json.decode(other)
        made = msgspec.json.encode({**two, "signature": one["signature"]})
    return signed_bundle_bytes(bundle, made)


def write_keys(folder: Path) -> dict[str, Path]:
    """Name → PEM file: the key that signs, another one, one of another kind, one that is private, one that is none."""
    public = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    contents = {
        "right": KEY.public_key().public_bytes(*public),
        "other": OTHER_KEY.public_key().public_bytes(*public),
        "another kind": generate_private_key(SECP256R1()).public_key().public_bytes(*public),
        "none": b"-----BEGIN PUBLIC KEY-----\nnot a key\n-----END PUBLIC KEY-----\n",
        "empty": b"",
    }
    paths = {}
    for name, content in contents.items():
        paths[name] = folder / f"{name}.pub"
        paths[name].write_bytes(content)
    return {**paths, "missing": folder / "missing.pub"}
