"""A bundle of a few kB that is real in everything: a network that runs, a golden case, a signature."""

import hashlib
from io import BytesIO

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from onnx import ModelProto, TensorProto, checker, helper
from PIL import Image

from fpm_edge_runtime import LandmarkSchema, Manifest, open_bundle
from fpm_edge_runtime.bundle.manifest import Geometry, GoldenCase, GoldenSet, Piece, Quantization, TensorSpec
from fpm_edge_runtime.bundle.signature import SignedStatement, Statement, public_key_digest, signed_bytes
from fpm_edge_runtime.stages.pack import bundle_bytes, signed_bundle_bytes

HEIGHT, WIDTH, STRIDE = 32, 48, 8
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE

COLOURS = LandmarkSchema("colours", ("red", "green", "blue"), (0, 1, 2), {"all": (0, 1, 2), "warm": (0,)})

PIECE = Piece(
    "stage_1",
    "stages/1.onnx",
    (TensorSpec("image", "uint8", (1, 3, HEIGHT, WIDTH), "NCHW"),),
    (TensorSpec("heatmap_1", "float32", (1, 4, ROWS, COLUMNS), "NCHW"),),
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SIGNED_AT = 1_790_000_000


def colour_model() -> ModelProto:
    """One stage, channels first, whose landmarks are where red, green and blue are."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("AveragePool", ["real"], ["mean"], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2),
            helper.make_node("Mul", ["mean", "unit"], ["colours"]),
            helper.make_node("Concat", ["colours", "background"], ["heatmap_1"], axis=1),
        ],
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("heatmap_1", TensorProto.FLOAT, [1, 4, ROWS, COLUMNS])],
        [
            helper.make_tensor("unit", TensorProto.FLOAT, [], [1 / 255]),
            helper.make_tensor("background", TensorProto.FLOAT, [1, 1, ROWS, COLUMNS], np.zeros(ROWS * COLUMNS)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model


def colour_manifest() -> Manifest:
    """Its digests are empty."""
    return Manifest(
        schema_version=1,
        name="colours",
        created="2026-01-01T00:00:00Z",
        landmarks=COLOURS,
        geometry=Geometry(HEIGHT, WIDTH, STRIDE),
        quantization=Quantization("float32", "none"),
        stages=1,
        pieces={"onnx": (PIECE,)},
        digests={},
        versions={},
        model={"width": 1.0},
    )


def small_members() -> dict[str, bytes]:
    """Every member but manifest.json and signature.json."""
    picture = BytesIO()
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 7, np.uint8)).save(picture, "PNG")
    golden = GoldenSet((GoldenCase("golden/0.png", "warm", (((1.0, 2.0),) * 3,)),), (0.5,))
    return {
        "card.md": b"# Colours\n",
        "golden/0.png": picture.getvalue(),
        "golden/golden.json": msgspec.json.encode(golden),
        "stages/1.onnx": colour_model().SerializeToString(),
    }


def small_bundle() -> bytes:
    """The unsigned bundle, about 4 kB."""
    return bundle_bytes(colour_manifest(), small_members())


def signature(
    manifest: bytes,
    *,
    key: Ed25519PrivateKey = KEY,
    created: int = SIGNED_AT,
    expires: int | None = None,
    sequence: int = 0,
) -> bytes:
    """The signature.json for a manifest.json."""
    digest = hashlib.sha256(manifest).hexdigest()
    statement = Statement(digest, public_key_digest(key.public_key()), created, expires, sequence)
    return msgspec.json.encode(SignedStatement(statement, key.sign(signed_bytes(statement)).hex()))


def signed_bundle() -> bytes:
    """The same bundle, signed with `KEY`; `PUBLIC` is the key to trust."""
    bundle = open_bundle(small_bundle())
    return signed_bundle_bytes(bundle, signature(bundle.read("manifest.json")))
