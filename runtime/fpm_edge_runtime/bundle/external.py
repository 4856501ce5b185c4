"""Whether a model has all its data in itself.

An ONNX tensor may name a file that holds its values, and a TFLite model files for its buffers. A digest says nothing
about those files, and an engine may read them: OpenVINO 2026.4 takes any below the working directory. Hence models with
such names never get as far as an engine.
"""

import struct

from fpm_edge_runtime.errors import BundleError

__all__ = ["refuse_external_data"]

_EXTERNAL_BUFFER_GROUPS, _EXTERNAL_BUFFERS = 8, 9  # of a TFLite model


def refuse_external_data(member: str, model: bytes) -> None:
    """Check a member that is a model; others pass.

    Raises:
        BundleError: it names files that hold its data, or is not of its format.
    """
    try:
        if member.endswith(".onnx"):
            from fpm_edge_runtime.bundle.external_onnx import onnx_is_external

            external = onnx_is_external(model)
        else:
            external = member.endswith(".tflite") and _tflite_is_external(model)
    except (ValueError, IndexError) as error:
        raise BundleError(f"{member} is not an ONNX model: {error}; make the bundle again") from error
    if external:
        raise BundleError(
            f"{member} has data in other files; a bundle's models hold their own; convert the model again"
        )


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
