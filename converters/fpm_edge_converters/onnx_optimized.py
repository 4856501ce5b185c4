"""What ONNX Runtime makes of an int8 file: whether it computes it in integers.

A file whose every convolution stands between codes (`checks.check_int8_onnx`) may still run in float, where ONNX
Runtime knows no integer kernel for just these types; it says nothing, and is slow (decision 0016).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from fpm_edge_runtime.engines.onnxruntime import session_options
from fpm_edge_runtime.errors import ConversionError

__all__ = ["check_optimized_onnx", "optimized_onnx"]

# What may read real numbers: the steps between codes of two types, and what only moves them.
_CONVERSIONS = {"QuantizeLinear", "Transpose"}


def optimized_onnx(data: bytes) -> onnx.ModelProto:
    """The graph that ONNX Runtime, set up as the runtime sets it up, executes on this machine.

    It is for looking at: its operators are ONNX Runtime's own, and its form belongs to this processor.

    Raises:
        ConversionError: ONNX Runtime takes no such file, or there is no room in the folder for temporary files.
    """
    options = session_options(1)
    with tempfile.TemporaryDirectory(prefix="fpm-edge-") as folder:
        path = Path(folder, "optimized.onnx")
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            return onnx.load(path)
        except Exception as error:
            # Exceptions of its own, or those of Protocol Buffers where it left half a file.
            raise ConversionError(
                f"ONNX Runtime {onnxruntime.__version__} cannot write the graph that it executes into {folder}: "
                f"{error}; make room there, or name another folder with TMPDIR"
            ) from error


def check_optimized_onnx(data: bytes, what: str) -> None:
    """No node of the optimized graph computes with real numbers.

    Args:
        data: an int8 ONNX file.
        what: its name, for the message.

    Raises:
        ConversionError: nodes that do, by name.
    """
    found = list(_float_nodes(optimized_onnx(data).graph))
    if found:
        raise ConversionError(
            f"ONNX Runtime {onnxruntime.__version__} computes {len(found)} nodes of {what} in float: "
            f"{', '.join(found)}; it has no integer kernel for their types"
        )


def _float_nodes(graph: Any) -> Iterator[str]:
    real: set[str] = set()
    for node in graph.node:
        reads_real = bool(real & set(node.input))
        if node.op_type == "DequantizeLinear" or (reads_real and node.op_type != "QuantizeLinear"):
            real |= set(node.output)
        if reads_real and node.op_type not in _CONVERSIONS:
            yield f"{node.op_type} {node.name or node.output[0]}"
