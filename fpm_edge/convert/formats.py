"""Which formats a precision comes in, and what runs each of them here."""

from collections.abc import Iterable, Sequence

from fpm_edge_converters import Edges, Precision
from fpm_edge_runtime import UsageError
from fpm_edge_runtime.bundle.manifest import Format

__all__ = ["ENGINE_OF", "check_edges", "formats_for"]

ENGINE_OF: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
"""Format → the engine that conversion measures it in."""

_ALL: tuple[Format, ...] = ("tflite", "onnx")
# What ONNX Runtime makes of such a graph (docs/precision.md has the times).
_ONLY_TFLITE: dict[Precision, str] = {
    "int16x8": "has no int16 convolution and computes it in float32, slower than a float32 file",
    "dynamic-range": "computes it several times slower than a float32 file",
}


def formats_for(precisions: Iterable[Precision], asked: Sequence[Format] | None) -> tuple[Format, ...]:
    """The formats to make: those asked for, else all that every one of the precisions comes in.

    Raises:
        UsageError: a format that one of the precisions does not come in.
    """
    reasons = {precision: _ONLY_TFLITE[precision] for precision in precisions if precision in _ONLY_TFLITE}
    if asked is None:
        return _ALL[:1] if reasons else _ALL
    for precision, reason in reasons.items():
        if "onnx" in asked:
            raise UsageError(
                f"{precision} is for TFLite only: ONNX Runtime {reason}; give --format tflite, or for ONNX another "
                "precision (int8, float16, float32)"
            )
    return tuple(asked)


def check_edges(edges: Edges, precision: Precision, formats: Sequence[Format]) -> None:
    """Raise UsageError where there is no int8 edge to be stored otherwise."""
    if edges == "uint8" and (precision != "int8" or "tflite" not in formats):
        raise UsageError(
            f"--edges uint8 is for the TFLite stages of --int8, and these are {precision} in {' and '.join(formats)}; "
            "leave it out (ONNX engines read int8 edges; float edges are float32, those of int16x8 int16)"
        )
