"""Whether a model has all its data in itself.

An ONNX tensor may name a file that holds its values, and a TFLite model files for its buffers. A digest says nothing
about those files, and an engine may read them: OpenVINO 2026.4 takes any below the working directory. Hence models with
such names never get as far as an engine.
"""

import struct

from fpm_edge_runtime.errors import BundleError

__all__ = ["refuse_external_data"]

# Protobuf message → number of a field → the message in that field, down to every tensor that ONNX can hold.
_HOLDS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_MAX_VARINT = 10
# Forty times those of lite-m's largest piece; without a limit, a large file of tiny fields would take minutes.
_MAX_FIELDS = 50_000

_EXTERNAL_BUFFER_GROUPS, _EXTERNAL_BUFFERS = 8, 9  # of a TFLite model


def refuse_external_data(member: str, model: bytes) -> None:
    """Check a member that is a model; others pass.

    Raises:
        BundleError: it names files that hold its data, or is not of its format.
    """
    try:
        if member.endswith(".onnx"):
            external = _onnx_is_external(model)
        else:
            external = member.endswith(".tflite") and _tflite_is_external(model)
    except (ValueError, IndexError) as error:
        raise BundleError(f"{member} is not an ONNX model: {error}; make the bundle again") from error
    if external:
        raise BundleError(
            f"{member} has data in other files; a bundle's models hold their own; convert the model again"
        )


def _onnx_is_external(model: bytes) -> bool:
    if model[4:8] == b"ORTM":
        raise ValueError("it is in ONNX Runtime's own format")
    waiting = [("model", 0, len(model))]
    fields = 0
    while waiting:
        kind, at, end = waiting.pop()
        holds = _HOLDS[kind]
        while at < end:
            fields += 1
            if fields > _MAX_FIELDS:
                raise ValueError(f"it has over {_MAX_FIELDS} fields")
            tag, at = _varint(model, at)
            number, wire = tag >> 3, tag & 7
            if tag >> 32:
                raise ValueError(f"a field has number {number}")
            size = {_EIGHT: 8, _FOUR: 4}.get(wire, 0)
            if wire in (_VARINT, _BYTES):
                value, at = _varint(model, at)
                if wire == _BYTES:
                    size = value
                if kind == "tensor" and (
                    (wire == _BYTES and number == _EXTERNAL_DATA)
                    or (wire == _VARINT and number == _DATA_LOCATION and value)
                ):
                    return True
            elif not size:
                raise ValueError(f"a field has type {wire}")
            if wire == _BYTES and number in holds:
                waiting.append((holds[number], at, at + size))
            at += size
        if at != end:
            raise ValueError("a field is longer than what it is in")
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and where it ends."""
    value = 0
    for step in range(_MAX_VARINT):
        byte = data[at + step]
        value |= (byte & 0x7F) << (7 * step)
        if byte < 0x80:
            return value, at + step + 1
    raise ValueError("a number has no end")


def _tflite_is_external(model: bytes) -> bool:
    """Whether a flatbuffer's root has either list. What is no flatbuffer is the engine's to refuse."""
    try:
        (root,) = struct.unpack_from("<I", model)
        table = root - struct.unpack_from("<i", model, root)[0]
        (size,) = struct.unpack_from("<H", model, table)
        slots = [4 + 2 * number for number in (_EXTERNAL_BUFFER_GROUPS, _EXTERNAL_BUFFERS)]
        return any(slot + 2 <= size and struct.unpack_from("<H", model, table + slot) != (0,) for slot in slots)
    except struct.error:
        return False
