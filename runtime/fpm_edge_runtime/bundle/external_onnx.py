"""Whether an ONNX model names files that hold its data; read by hand, before any engine or library sees it."""

__all__ = ["onnx_is_external"]

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


def onnx_is_external(model: bytes) -> bool:
    """Raises ValueError or IndexError where it is no ONNX model."""
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
