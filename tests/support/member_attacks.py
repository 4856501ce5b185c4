"""Bundles that are packed correctly, digests and all, around a member that is meant to do harm."""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from onnx import GraphProto, ModelProto, TensorProto, helper
from PIL import Image, PngImagePlugin
from raw_zip import Member, pack
from small_bundle import SIGNED_AT, colour_model, signature
from zip_attacks import good

__all__ = ["MEMBER_ATTACKS", "external_models"]

_INVALID = r"manifest\.json is not valid"
_GOLDEN = r"golden/golden\.json is not valid"
_ELSEWHERE = r"stages/1\.onnx has data in other files"


def _bundle(changes: Mapping[str, bytes | None], manifest: Callable[[bytes], bytes] = bytes) -> bytes:
    """The good bundle with other members (without those that are None), their digests in the manifest, and then the
    manifest's bytes changed.
    """
    changed = {member.name.decode(): member.data for member in good()} | changes
    members = {name: data for name, data in changed.items() if data is not None}
    content = json.loads(members.pop("manifest.json"))
    content["digests"] = {n: hashlib.sha256(data).hexdigest() for n, data in members.items() if n != "signature.json"}
    members["manifest.json"] = manifest(json.dumps(content, indent=1).encode())
    return pack([Member(name.encode(), members[name]) for name in sorted(members)])


def _manifest(old: bytes, new: bytes) -> Callable[[], bytes]:
    """The good bundle with text of its manifest replaced."""

    def change(raw: bytes) -> bytes:
        assert raw.count(old) == 1
        return raw.replace(old, new)

    return lambda: _bundle({}, change)


def _model(value: bytes) -> Callable[[], bytes]:
    """Something in the one field of the manifest that may hold any JSON."""
    return _manifest(b'"width": 1.0', b'"width": ' + value)


def _golden(change: Callable[[Any], Any]) -> Callable[[], bytes]:
    def make() -> bytes:
        (raw,) = (member.data for member in good() if member.name == b"golden/golden.json")
        changed = change(json.loads(raw))
        return _bundle({"golden/golden.json": changed if isinstance(changed, bytes) else json.dumps(changed).encode()})

    return make


def _put(path: str, value: Any) -> Callable[[Any], Any]:
    def change(golden: Any) -> Any:
        *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        target = golden
        for key in parents:
            target = target[key]
        target[last] = value
        return golden

    return change


def _png(width: int, height: int, mode: str = "RGB", text: int = 0) -> bytes:
    file, info = BytesIO(), PngImagePlugin.PngInfo()
    if text:
        info.add_text("comment", "a" * text, zip=True)
    Image.new(mode, (width, height)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def _png_that_claims(width: int, height: int) -> bytes:
    """A picture of 48 × 32 pixels whose header says otherwise."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    whole = _png(48, 32)
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def external_models() -> dict[str, ModelProto]:
    """Where in an ONNX model a tensor is → the model with a tensor there whose values are in a file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "secret.bin"), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    models = {}

    def model(where: str) -> ModelProto:
        models[where] = colour_model()
        return models[where]

    def node(graph: GraphProto) -> Any:
        graph.node.add(op_type="Constant", output=["w"])
        return graph.node[-1].attribute.add(name="value")

    model("initializer").graph.initializer.append(tensor)
    model("sparse initializer").graph.sparse_initializer.add().values.CopyFrom(tensor)
    model("sparse indices").graph.sparse_initializer.add().indices.CopyFrom(tensor)
    node(model("constant").graph).t.CopyFrom(tensor)
    node(model("list of constants").graph).tensors.append(tensor)
    node(model("sparse constant").graph).sparse_tensor.values.CopyFrom(tensor)
    node(model("list of sparse constants").graph).sparse_tensors.add().values.CopyFrom(tensor)
    node(model("subgraph").graph).g.initializer.append(tensor)
    node(model("list of subgraphs").graph).graphs.add().initializer.append(tensor)
    deep = model("subgraph of a subgraph of a subgraph").graph
    for _ in range(3):
        deep = node(deep).g
    deep.initializer.append(tensor)
    model("function").functions.add(name="f").node.add().attribute.add(name="value").t.CopyFrom(tensor)
    model("default of a function").functions.add(name="f").attribute_proto.add(name="value").t.CopyFrom(tensor)
    model("training").training_info.add().algorithm.initializer.append(tensor)
    model("start of training").training_info.add().initialization.initializer.append(tensor)
    here = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], float_data=[1.0])
    here.external_data.add(key="location", value="secret.bin")
    model("file that is not said to be used").graph.initializer.append(here)
    model("file that is not named").graph.initializer.append(
        TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    )
    address = model("address in memory").graph.initializer.add()
    address.CopyFrom(tensor)
    address.external_data[0].value = "*/_ORT_MEM_ADDR_/*"
    return models


def _tflite_field(number: int) -> bytes:
    """A TFLite file whose root table has this one field, an empty list."""
    table = struct.pack(f"<2H{number + 1}H", 4 + 2 * (number + 1), 8, *[0] * number, 4)
    return struct.pack("<I4s", 8 + len(table), b"TFL3") + table + struct.pack("<i2I", len(table), 4, 0)


def _onnx(raw: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: _bundle({"stages/1.onnx": raw()})


_MANY_KNOTS = json.dumps(
    {
        "confidences": {
            "stages": [
                {
                    "scores": [number / 20_000 for number in range(20_000)],
                    "confidences": [0.5] * 20_000,
                    "calibration_error": 0.0,
                }
            ],
            "source": "",
            "pictures": 1,
            "points": 1,
        }
    }
).encode()


def _external(where: str) -> Callable[[], bytes]:
    return _onnx(lambda: external_models()[where].SerializeToString())


def _tensor_field(tag: bytes) -> bytes:
    """A model with one initializer, whose external_data has this tag: the plain one is 0x6a."""
    entry = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]).SerializeToString() + tag + b"\0"
    graph = b"\x2a" + bytes([len(entry)]) + entry
    return colour_model().SerializeToString() + b"\x3a" + bytes([len(graph)]) + graph


def _deep_graphs() -> bytes:
    """Subgraphs in subgraphs, 3,000 deep: parsers that call themselves run out of stack."""

    def field(number: int, content: bytes) -> bytes:
        return _number(number << 3 | 2) + _number(len(content)) + content

    inner = b""
    for _ in range(3000):
        inner = field(1, field(5, field(6, inner)))
    return field(7, inner)


def _number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _signature(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The good bundle, signed, with the bytes of its signature.json changed."""

    def make() -> bytes:
        members = {member.name.decode(): member.data for member in good()}
        members["signature.json"] = change(signature(members["manifest.json"]))
        return pack([Member(name.encode(), members[name]) for name in sorted(members)])

    return make


_CREATED = b'"created":%d' % SIGNED_AT
_BAD_SIGNATURE = r"signature\.json is not valid"

MEMBER_ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    # ---- manifest ----
    "arrays in arrays": (_model(b"[" * 20_000 + b"]" * 20_000), _INVALID),
    "objects in objects": (_model(b'{"a":' * 20_000 + b"1" + b"}" * 20_000), _INVALID),
    "key twice": (_manifest(b'"name": "colours",\n "created"', b'"name": "a", "name": "b", "created"'), "occurs twice"),
    "key twice, one escaped": (
        _manifest(b'"stages": 1,', b'"stages": 1, "st\\u0061ges": 1,'), "key 'stages' occurs twice",
    ),
    "key twice in free content": (_model(b'1, "width": 2'), "key 'width' occurs twice"),
    "member twice in the digests": (
        _manifest(b'"digests": {', b'"digests": {"card.md": "0", '), r"key 'card\.md' occurs twice",
    ),
    "not a number": (_model(b"NaN"), _INVALID),
    "infinity": (_model(b"Infinity"), _INVALID),
    "number beyond doubles": (_model(b"1e999"), _INVALID),
    "integer of 5,000 digits": (_model(b"9" * 5_000), _INVALID),
    "integer of 500,000 digits": (_model(b"9" * 500_000), _INVALID),
    "lone surrogate": (_model(b'"\\ud800"'), _INVALID),
    "bytes that are not UTF-8": (_model(b'"\xff"'), _INVALID),
    "NUL": (_model(b'"\0"'), _INVALID),
    "byte order mark": (lambda: _bundle({}, lambda raw: b"\xef\xbb\xbf" + raw), _INVALID),
    "UTF-16": (lambda: _bundle({}, lambda raw: raw.decode().encode("utf-16")), _INVALID),
    "more behind it": (lambda: _bundle({}, lambda raw: raw + b"{}"), _INVALID),
    "comment in it": (lambda: _bundle({}, lambda raw: raw + b"// hello"), _INVALID),
    "unknown field": (_manifest(b'"stages": 1,', b'"stages": 1, "run": "rm -rf /",'), "unknown field"),
    "later version": (_manifest(b'"schema_version": 1', b'"schema_version": 5'), "has schema version 5"),
    "recognition of nothing": (
        _manifest(b'"schema_version": 1', b'"schema_version": 3, "recognition": {}'),
        "recognition is empty",
    ),
    "recognition with a curve of many knots": (
        _manifest(b'"schema_version": 1', b'"schema_version": 3, "recognition": ' + _MANY_KNOTS),
        "expected 1 to 32 of each",
    ),
    "version below 1": (_manifest(b'"schema_version": 1', b'"schema_version": -1'), "has schema version -1"),
    "version that is true": (_manifest(b'"schema_version": 1', b'"schema_version": true'), _INVALID),
    "a million stages": (_manifest(b'"stages": 1,', b'"stages": 1000000,'), "expected 1 to 99"),
    "stages beyond 64 bits": (_manifest(b'"stages": 1,', b'"stages": 99999999999999999999999,'), "expected 1 to 99"),
    "input of a terapixel": (_manifest(b'"input_height": 32', b'"input_height": 1000000'), "at most 8192"),
    "stride of 0": (_manifest(b'"stride": 8', b'"stride": 0'), "multiple of the stride"),
    "stride beyond 64 bits": (_manifest(b'"stride": 8', b'"stride": 99999999999999999999999'), "multiple of the"),
    "piece outside": (
        _manifest(b'"member": "stages/1.onnx"', b'"member": "../../etc/passwd"'), r"expected stages/1\.onnx",
    ),
    "escape sequences": (
        _manifest(b'"name": "stage_1"', b'"name": "\\u001b[2J\\u202e"'), r"are \\x1b\[2J\\u202e; expected",
    ),
    "name of half a megabyte": (_manifest(b'"name": "stage_1"', b'"name": "' + b"a" * 500_000 + b'"'), r"\[\.\.\.\]"),
    "digest of the manifest": (_manifest(b'"digests": {', b'"digests": {"manifest.json": "0", '), "differ in manifest"),
    "digest of the signature": (_manifest(b'"digests": {', b'"digests": {"signature.json": "0", '), "differ in sign"),
    "digest without a member": (_manifest(b'"digests": {', b'"digests": {"whole.onnx": "0", '), "differ in whole"),
    "100,000 landmarks": (
        _manifest(b'"red",', b'"red", ' + b"".join(b'"%d",' % i for i in range(100_000))), "flip must pair",
    ),
    # ---- which members there are ----
    "no manifest": (lambda: pack([m for m in good() if m.name != b"manifest.json"]), r"manifest\.json is missing"),
    "no piece": (lambda: _bundle({"stages/1.onnx": None}), "which manifest.json names, is missing"),
    "piece that the manifest does not name": (lambda: _bundle({"stages/2.onnx": b"x"}), "is no piece in manifest"),
    "member without a digest": (
        lambda: pack(sorted([*good(), Member(b"golden/1.png", b"x")], key=lambda m: m.name)), "differ in golden/1",
    ),
    "golden inputs without golden cases": (lambda: _bundle({"golden/golden.json": None}), "inputs but no golden"),
    # ---- golden cases ----
    "golden key twice": (_golden(lambda old: json.dumps(old).encode()[:-1] + b', "limits": [9]}'), "occurs twice"),
    "golden infinity": (_golden(lambda golden: json.dumps(golden).encode().replace(b"0.5", b"1e999")), _GOLDEN),
    "golden not a number": (_golden(_put("limits", [float("nan")])), _GOLDEN),
    "golden limit below 0": (_golden(_put("limits", [-1.0])), "limits are"),
    "golden arrays in arrays": (_golden(lambda _: b"[" * 50_000), _GOLDEN),
    "golden landmarks of another shape": (_golden(_put("cases.0.landmarks", [[[1.0, 2.0]]])), "landmarks have shape"),
    "golden landmarks of no shape": (_golden(_put("cases.0.landmarks", [[[1.0, 2.0]] * 3, []])), "golden"),
    "golden input outside": (_golden(_put("cases.0.member", "../../etc/passwd")), "is not in the bundle"),
    "golden input that is the manifest": (_golden(_put("cases.0.member", "manifest.json")), "is not in the bundle"),
    "golden input used 5,000 times": (
        _golden(lambda old: {**old, "cases": old["cases"] * 5_000}), "is used by two cases",
    ),
    "golden category that is unknown": (_golden(_put("cases.0.category", "hats")), "expected one of: all, warm"),
    "golden cases without inputs": (lambda: _bundle({"golden/golden.json": b"{}"}), _GOLDEN),
    "input that is a JPEG": (
        lambda: _bundle({"golden/0.png": b"\xff\xd8\xff\xe0" + bytes(100)}), "is not a readable PNG",
    ),
    "input of another size": (lambda: _bundle({"golden/0.png": _png(64, 64)}), "expected RGB"),
    "input with a palette": (lambda: _bundle({"golden/0.png": _png(48, 32, "P")}), "expected RGB"),
    "input with alpha": (lambda: _bundle({"golden/0.png": _png(48, 32, "RGBA")}), "expected RGB"),
    "input in grey": (lambda: _bundle({"golden/0.png": _png(48, 32, "L")}), "expected RGB"),
    "input in grey of 16 bits": (lambda: _bundle({"golden/0.png": _png(48, 32, "I;16")}), "expected RGB"),
    "input of 2 gigapixels": (lambda: _bundle({"golden/0.png": _png_that_claims(50_000, 40_000)}), "golden/0.png is"),
    "input of 4 billion pixels a side": (
        lambda: _bundle({"golden/0.png": _png_that_claims(2**31 - 1, 2**31 - 1)}), "golden/0.png is",
    ),
    "input with half of its pixels": (lambda: _bundle({"golden/0.png": _png(48, 32)[:60]}), "is not a readable PNG"),
    "input with a text of 100 MB": (lambda: _bundle({"golden/0.png": _png(48, 32, text=10**8)}), "not a readable PNG"),
    # ---- models ----
    **{f"external data: {where}": (_external(where), _ELSEWHERE) for where in external_models()},
    "external data: long tag": (_onnx(lambda: _tensor_field(b"\xea\x80\x00")), _ELSEWHERE),
    "external data: tag beyond 32 bits": (_onnx(lambda: _tensor_field(b"\xea\x80\x80\x80\x10")), "a field has number"),
    "external buffers of TFLite": (
        lambda: _bundle({"whole.tflite": _tflite_field(9)}), r"whole\.tflite has data in other files",
    ),
    "external buffer groups of TFLite": (
        lambda: _bundle({"whole.tflite": _tflite_field(8)}), r"whole\.tflite has data in other files",
    ),
    "model in ONNX Runtime's format": (_onnx(lambda: b"\x18\0\0\0ORTM" + bytes(64)), "ONNX Runtime's own format"),
    "model that ends in a number": (_onnx(lambda: b"\x08\xff"), "is not an ONNX model"),
    "model with a number without end": (_onnx(lambda: b"\x08" + b"\xff" * 20), "has no end"),
    "model with a field beyond its end": (_onnx(lambda: b"\x3a\xff\xff\x03abc"), "longer than what it is in"),
    "model with a group": (_onnx(lambda: b"\x3b\x3c"), "a field has type 3"),
    "model of 50,001 fields": (_onnx(lambda: b"\x08\x01" * 50_001), "over 50000 fields"),
    "model of subgraphs, too short": (_onnx(lambda: _deep_graphs()[:-1]), "longer than what it is in"),
    # ---- signature, unverified ----
    "signature: empty": (_signature(lambda _: b""), _BAD_SIGNATURE),
    "signature: no object": (_signature(lambda _: b"[]"), _BAD_SIGNATURE),
    "signature: too large": (_signature(lambda raw: raw.ljust(1025)), "at most 1024"),
    "signature: space behind it": (_signature(lambda raw: raw + b" "), "not in the one form"),
    "signature: space in it": (_signature(lambda raw: raw.replace(b",", b", ", 1)), "not in the one form"),
    "signature: key twice": (_signature(lambda raw: raw.replace(_CREATED, b'"created":1,' + _CREATED)), "the one form"),
    "signature: other order": (
        _signature(lambda raw: json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()),
        "not in the one form",
    ),
    "signature: unknown field": (_signature(lambda raw: raw.replace(_CREATED, b'"a":1,' + _CREATED)), _BAD_SIGNATURE),
    "signature: capitals": (_signature(lambda raw: raw.replace(b"a", b"A")), _BAD_SIGNATURE),
    "signature: real number": (_signature(lambda raw: raw.replace(_CREATED, _CREATED + b".0")), _BAD_SIGNATURE),
    "signature: time below 0": (_signature(lambda raw: raw.replace(_CREATED, b'"created":-1')), _BAD_SIGNATURE),
    "signature: time beyond the year 9999": (
        _signature(lambda raw: raw.replace(_CREATED, b'"created":253402300800')), _BAD_SIGNATURE,
    ),
    "signature: expired at birth": (
        _signature(lambda raw: raw.replace(b'"expires":null', b'"expires":%d' % SIGNED_AT)), "before it was created",
    ),
    "signature: sequence below 0": (_signature(lambda raw: raw.replace(b'e":0', b'e":-1')), _BAD_SIGNATURE),
    "signature: sequence beyond 53 bits": (
        _signature(lambda raw: raw.replace(b'e":0', b'e":9007199254740992')), _BAD_SIGNATURE,
    ),
    "signature: one digit less": (_signature(lambda raw: raw[:-3] + raw[-2:]), _BAD_SIGNATURE),
    "signature: of another manifest": (_signature(lambda _: signature(b"{}")), "is about another bundle"),
    "signature: arrays in arrays": (_signature(lambda _: b"[" * 1000), _BAD_SIGNATURE),
}  # fmt: skip
