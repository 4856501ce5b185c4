"""What the Python runtime makes of bundles, manifests, numbers, pictures, models and signatures: bundle.json.

.venv/bin/python runtime/web/test/vectors/make_bundle.py
"""

import hashlib
import json
import struct
import sys
import zlib
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from PIL import Image

from fpm_edge_runtime import BundleError, open_bundle
from fpm_edge_runtime.bundle.conversion import converted
from fpm_edge_runtime.bundle.external import refuse_external_data
from fpm_edge_runtime.bundle.manifest import TensorSpec, decode_manifest
from fpm_edge_runtime.bundle.signature import SignedStatement, decode_signature, signed_bytes

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "tests" / "support"))

from member_attacks import _tflite_field, external_models  # noqa: E402
from small_bundle import KEY, PUBLIC, SIGNED_AT, colour_model, signature, small_bundle  # noqa: E402

DAY = 24 * 60 * 60
OTHER = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group, RFC 8032, section 5.1

NUMBERS = (
    "0 -0 -0.0 1 1.0 1e0 1E+2 -1 0.1 9007199254740993 18446744073709551616 -9223372036854775809 1.7976931348623157e308 "
    "1.7976931348623159e308 1e309 1e-400 5e-324 123456789012345678901234567890.0 12345678901234567e1 01 1. .5 +1 0x1 "
    "1e -- - NaN Infinity -Infinity true null 9*308 9*309 9*4299 9*4301 [1] {}"
)
# 9*308: so many nines.
TEXTS = (
    '"a"', '""', '"\\u0061\\/\\b\\f\\n\\r\\t\\"\\\\"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\x"',
    '"\\u12"', '"\\U0061"', '"\t"', '"\x7f\u2028\ufffeé"', '"\\u0000"', "'a'", '"a', '"a\\', '"\\\\\\""',
)  # fmt: skip

_CARD = '{"strategy": "", "source": "", "seed": 9007199254740993, "samples": ["a"], "digest": "", "estimator": "", '

# In the small bundle's manifest: what stands there, and what stands there instead.
CHANGES = (
    ('"schema_version": 1', '"schema_version": 1.0'), ('"schema_version": 1', '"schema_version": true'),
    ('"schema_version": 1', '"schema_version": 5, "new": 1'), ('"schema_version": 1,', ""),
    ('"schema_version": 1', '"schema_version": 3'), ('"name": "colours",\n "c', '"name": "a", "n\\u0061me": "b", "c'),
    ('"stages": 1', '"stages": 1, "run": 2'), ('"stages": 1', '"stages": "1"'), ('"stages": 1', '"stages": null'),
    ('"stages": 1', '"stages": 1, "__proto__": {}'), ('"stages": 1', '"stages": 1, "toString": {}'),
    ('"RGB"', '"BGR"'), ('"RGB"', "null"), ('"stride": 8', '"stride": 8.0'), ('"stride": 8,', ""),
    ('"width": 1.0', '"width": {"__proto__": [1, {"a": -0.0}]}'), ('"width": 1.0', '"width": 1, "width": 2'),
    ('"width": 1.0', '"width": 1e999'), ('"width": 1.0', '"width": [1,]'), ('"width": 1.0', '"width": {"a":1,}'),
    ('"width": 1.0', '"width": nul'), ('"width": 1.0', '"width": "\\ud800"'), ('"width": 1.0', "1: 2"),
    ('"width": 1.0', '"width": ' + "[" * 500 + "]" * 500), ('"width": 1.0', '"width": ' + "[" * 1100 + "]" * 1100),
    ('"warm": [\n    0\n   ]', '"warm": [3]'), ('"warm": [\n    0\n   ]', '"warm": []'),
    ('"warm": [\n    0\n   ]', '"warm": [0, 0]'), ('"warm": [\n    0\n   ]', '"warm": [-1]'),
    ('"warm": [\n    0\n   ]', '"__proto__": [2]'), ('"green",', '"red",'), ('"green",', ""),
    ('"method": "none"', '"method": "no"'), ('"exceptions": {}', '"exceptions": {"x": "float16"}'),
    ('"exceptions": {}', '"exceptions": {"x": "int16x8"}'), ('"exceptions": {}', '"exceptions": {"x": "int8"}'),
    ('"precision": "float32"', '"precision": "int16x8"'), ('"precision": "float32"', '"precision": "int32"'),
    ('"max_ne_drift": null', '"max_ne_drift": 1e-3'), ('"max_ne_drift": null', '"max_ne_drift": "0"'),
    ('"convergence": null,', ""), ('"convergence": null', '"convergence": null, "recognition": {}'),
    ('"measured": null', '"measured": {}'),
    ('"calibration": null', f'"calibration": {_CARD}"ranges": {{"t": [0, 1.5]}}}}'),
    ('"calibration": null', f'"calibration": {_CARD}"ranges": {{"t": [0]}}}}'),
    ('"onnx": [', '"caffe": ['), ('"dtype": "uint8"', '"dtype": "uint4"'), ('"dtype": "uint8"', '"dtype": "int16"'),
    ('"dtype": "float32"', '"dtype": "uint8"'), ('"layout": "NCHW"', '"layout": "HWC"'),
    ("\n}", "\n}{}"), ("\n}", "\n"), ("{\n", "\ufeff{\n"), ("{\n", "[{\n"),
)  # fmt: skip

# Refused, though Pillow reads them: what no bundle of ours has, and a picture that Pillow fills up with black.
STRICTER = {"16 bits", "interlaced", "a row too few"}


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def plain(content: Any) -> Any:
    return json.loads(msgspec.json.encode(content))


def scalars() -> list[Any]:
    """Of each text: what it is as a text or an integer, as a real and as anything, in a list; null where it is refused.

    An integer is the nearest double, and "inf" beyond them.
    """

    def read(text: str, kind: Any) -> list[Any] | None:
        try:
            value = msgspec.json.decode(f"[{text}]".encode("utf-8", "surrogatepass"), type=tuple[kind])[0]
            json.loads(text)
        except (ValueError, msgspec.DecodeError):
            return None
        try:
            return [float(value) if isinstance(value, int) and not isinstance(value, bool) else value]
        except OverflowError:
            return ["inf"]

    def whole(text: str) -> str:
        digit, star, count = text.partition("*")
        return digit * int(count) if star else text

    return [
        [text, read(whole(text), int), read(whole(text), float), read(whole(text), Any)] for text in NUMBERS.split()
    ] + [[text, read(text, str), None, read(text, Any)] for text in TEXTS]


def manifests() -> list[Any]:
    """Of each change: where it is, how long what stands there is, what comes instead, and what is wrong with it."""
    raw = open_bundle(small_bundle()).read("manifest.json").decode()
    found = []
    for old, new in CHANGES:
        assert old in raw, old
        place = raw.rindex(old) if old == "\n}" else raw.index(old)
        try:
            decode_manifest((raw[:place] + new + raw[place + len(old) :]).encode())
            wrong = None
        except (BundleError, RecursionError) as error:
            wrong = str(error)
        found.append([place, len(old), new, wrong])
    return found


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    out = bytearray([kind])
    for i, byte in enumerate(row):
        left, up = row[i - step] if i >= step else 0, above[i]
        corner = above[i - step] if i >= step else 0
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda value: abs(guess - value))
        out.append((byte - (0, left, up, (left + up) >> 1, paeth)[kind]) & 255)
    return bytes(out)


def png(
    pixels: np.ndarray,
    filters: int,
    *,
    interlaced: bool = False,
    part: int = 10**6,
    extra: bytes = b"",
    raw: bytes | None = None,
) -> bytes:
    """A picture, uint8 or uint16, each row with that filter, or with all in turn if it is 5."""
    height, width, _ = pixels.shape
    adam7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    size = pixels.dtype.itemsize
    lines = b""
    for x, y, dx, dy in adam7 if interlaced else ((0, 0, 1, 1),):
        some = pixels[y::dy, x::dx]
        above = bytes(some.shape[1] * 3 * size)
        for number, row in enumerate(some if some.size else ()):
            line = row.astype(f">u{size}").tobytes()
            lines += filtered(number % 5 if filters == 5 else filters, line, above, 3 * size)
            above = line
    packed = zlib.compress(lines if raw is None else raw, 9)
    header = struct.pack(">2I5B", width, height, 8 * size, 2, 0, 0, interlaced)
    data = b"".join(chunk(b"IDAT", packed[at : at + part]) for at in range(0, len(packed), part))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + data + chunk(b"IEND", b"")


def pictures() -> list[Any]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (7, 5, 3)).astype(np.uint8)
    smooth = np.add.outer(np.arange(7) * 9, np.arange(15) * 3).reshape(7, 5, 3).astype(np.uint8)
    whole = png(pixels, 5)
    file = BytesIO()
    Image.fromarray(smooth).save(file, "PNG")
    half = b"".join(b"\0" + bytes(15) for _ in range(6))
    files = {
        **{f"filter {kind}": png(smooth, kind) for kind in range(6)},
        "noise": whole,
        "Pillow's": file.getvalue(),
        "16 bits": png(rng.integers(0, 2**16, (7, 5, 3)).astype(np.uint16), 5),
        "interlaced": png(smooth, 5, interlaced=True),
        "in parts": png(pixels, 2, part=3),
        "with a profile's gamma": png(pixels, 1, extra=chunk(b"gAMA", struct.pack(">I", 1)) + chunk(b"sRGB", b"\0")),
        "another size": png(pixels[:6], 0),
        "a row too few": png(pixels, 0, raw=half),
        "filter 5 in a row": png(pixels, 0, raw=b"\5" + bytes(15) + half),
        "cut": whole[:60],
        "no picture": b"\xff\xd8\xff\xe0" + bytes(40),
        "a text of a gigabyte, packed": png(
            pixels, 0, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**21), 9)[:2000])
        ),
    }
    for mode in ("L", "RGBA", "P"):
        file = BytesIO()
        Image.new(mode, (5, 7)).save(file, "PNG")
        files[mode] = file.getvalue()
    found = []
    for name, content in files.items():
        try:
            with Image.open(BytesIO(content), formats=("PNG",)) as picture:
                good = picture.mode == "RGB" and picture.size == (5, 7)
                digest = hashlib.sha256(np.array(picture).tobytes()).hexdigest() if good else None
        except Exception:
            digest = None
        found.append([name, base64(content), None if name in STRICTER else digest])
    return found


def tensors() -> list[Any]:
    rng = np.random.default_rng(1)
    codes = {"uint8": (0.1, 7), "int8": (1 / 255, -128), "int16": (0.002, 11), "float32": (None, None)}
    values = np.array(
        [0, -0.0, 0.25, 0.05, 0.15, -0.35, 1e9, -1e9, np.inf, -np.inf, 1.5 / 255, 2.5 / 255, 0.001, 0.003]
    )
    found = []
    for one in codes:
        for other in codes:
            specs = [TensorSpec("x", kind, (1, 1, 1, 14), "NHWC", *codes[kind]) for kind in (one, other)]  # type: ignore[arg-type]
            tensor = values.astype(np.float32)
            if one != "float32":
                limits = np.iinfo(one)
                tensor = rng.integers(limits.min, limits.max + 1, 14).astype(one)  # type: ignore[assignment]
            out = converted(tensor, *specs)
            found.append([*map(plain, specs), tensor.view(np.uint8).tolist(), out.view(np.uint8).tolist()])
    return found


def models() -> list[Any]:
    names = ("initializer", "sparse indices", "list of subgraphs", "default of a function", "file that is not named")
    files = [("whole.onnx", colour_model().SerializeToString())]
    files += [("whole.onnx", external_models()[name].SerializeToString()) for name in names]
    files += [("whole.tflite", _tflite_field(number)) for number in (7, 8, 9)]
    files += [("whole.onnx", b"\x08\xff"), ("whole.onnx", b"\x08" + b"\xff" * 20), ("whole.onnx", b"\x3b\x3c")]
    files += [("whole.onnx", b"\x18\0\0\0ORTM"), ("whole.onnx", b"\x3a\xff\xff\x03abc"), ("whole.tflite", b"\0\1")]
    files += [("card.md", b"\x08\xff"), ("whole.tflite", b""), ("whole.tflite", b"\4\0\0\0\xff\xff\xff\x7f")]
    found = []
    for name, content in files:
        try:
            refuse_external_data(name, content)
            wrong = None
        except BundleError as error:
            wrong = str(error)
        found.append([name, base64(content), wrong])
    return found


def signatures() -> dict[str, Any]:
    manifest = open_bundle(small_bundle()).read("manifest.json")
    good = decode_signature(signature(manifest, sequence=7))
    raw = bytes.fromhex(good.signature)
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
    other = OTHER.sign(signed_bytes(good.statement))
    bare = KEY.sign(msgspec.json.encode(good.statement))

    def again(signed: bytes) -> str:
        return msgspec.json.encode(SignedStatement(good.statement, signed.hex())).decode()

    return {
        "good": again(raw),
        "expiring": signature(manifest, expires=SIGNED_AT + DAY).decode(),
        "of another manifest": signature(b"{}").decode(),
        "by another key": signature(manifest, key=OTHER).decode(),
        "forged": again(other),
        "without the prefix": again(bare),
        "in its second form": again(second),
    }


def keys() -> dict[str, str]:
    def pem(key: Any) -> str:
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    return {
        "trusted": PUBLIC.decode(),
        "raw": KEY.public_key().public_bytes_raw().hex(),
        "other": pem(OTHER),
        "curve": pem(derive_private_key(5, SECP256R1())),
        "private": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }


def main() -> None:
    found = {
        "bundle": base64(small_bundle()),
        "signed_at": SIGNED_AT,
        "keys": keys(),
        "signatures": signatures(),
        "scalars": scalars(),
        "manifests": manifests(),
        "pictures": pictures(),
        "tensors": tensors(),
        "models": models(),
    }
    (HERE / "bundle.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
