"""LiteRT's CompiledModel on an NPU."""

from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.engines._compiled import CompiledEngine

__all__ = ["load"]


def load() -> Engine:
    """The engine."""
    return CompiledEngine("litert-npu", "npu")
