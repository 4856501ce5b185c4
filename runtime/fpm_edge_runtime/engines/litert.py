"""LiteRT, the default engine."""

from ai_edge_litert.interpreter import Interpreter

from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.engines._tflite import TFLiteEngine

__all__ = ["load"]


def load() -> Engine:
    """The engine."""
    return TFLiteEngine("litert", Interpreter)
