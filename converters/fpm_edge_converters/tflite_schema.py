"""TFLite's flatbuffer objects: names of their numbers, copies, quantization, signatures."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

__all__ = ["NUMPY_TYPES", "OPERATORS", "TYPES", "copied", "signature", "symmetric", "type_number", "type_of"]

_SIGNATURE = b"serving_default"


def _names_of(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


OPERATORS = _names_of(schema.BuiltinOperator)
"""Number of an operator → its name."""
TYPES = _names_of(schema.TensorType)
"""Number of an element type → its name, e.g. ``INT8``."""
NUMPY_TYPES: dict[str, type[np.generic]] = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
}
"""Name of an element type → numpy's, of those that constants have."""


def type_number(kind: str) -> int:
    """The number of an element type by its name."""
    return int(getattr(schema.TensorType, kind))


def type_of(values: NDArray[Any]) -> str:
    """The name of an array's element type. Raises StopIteration for one that is not in `NUMPY_TYPES`."""
    return next(name for name, kind in NUMPY_TYPES.items() if values.dtype == kind)


def symmetric(scales: Sequence[float] | NDArray[np.float32]) -> Any:
    """Quantization with zero points 0: one scale, or one for each entry of the first axis."""
    parameters = schema.QuantizationParametersT()
    parameters.scale = np.asarray(scales, np.float32)
    parameters.zeroPoint = np.zeros(len(parameters.scale), np.int64)
    return parameters


def copied(source: Any) -> Any:
    """A new object with the same fields; what they point to is shared."""
    new = type(source)()
    vars(new).update(vars(source))
    return new


def signature(tensors: Sequence[Any], inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    """The one signature of a graph, which calls inputs and outputs by the names of their tensors."""

    def maps(indices: Sequence[int]) -> Iterator[Any]:
        for index in indices:
            item = schema.TensorMapT()
            item.name, item.tensorIndex = tensors[index].name, int(index)
            yield item

    made = schema.SignatureDefT()
    made.signatureKey = _SIGNATURE
    made.subgraphIndex = 0
    made.inputs, made.outputs = list(maps(inputs)), list(maps(outputs))
    return made
