"""tflite-runtime, LiteRT's predecessor with the same API, for machines that LiteRT has no wheel for."""

from tflite_runtime.interpreter import Interpreter

from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.engines._tflite import TFLiteEngine

__all__ = ["load"]


def load() -> Engine:
    """The engine."""
    return TFLiteEngine("tflite-runtime", Interpreter)
