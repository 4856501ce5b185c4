"""What executes a piece. Every engine is one module, imported when it is first asked for."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from numpy.typing import NDArray

from fpm_edge_runtime.errors import MissingExtraError, UsageError
from fpm_edge_runtime.manifest import Format, Piece

__all__ = ["ENGINES", "Delegate", "Engine", "KnownEngine", "PieceRunner", "load_engine"]

Delegate = Literal["none", "gpu", "npu"]
"""What runs the pieces; ``none``: the processor."""


class PieceRunner(Protocol):
    """One loaded piece. One for a GPU or NPU also has `delegate` and `delegated`, as `Session` has."""

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run it.

        Args:
            inputs: tensor name → array of exactly the type and shape in the piece's `inputs`. Others are ignored.

        Returns:
            tensor name → array as in the piece's `outputs`. The arrays stay valid after the next call.
        """
        ...


class Engine(Protocol):
    """Turns the bytes of a piece into something that runs."""

    @property
    def name(self) -> str:
        """As in `ENGINES`."""
        ...

    @property
    def version(self) -> str:
        """Of the package behind it."""
        ...

    @property
    def formats(self) -> tuple[Format, ...]:
        """What it reads, best first."""
        ...

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """Load a piece.

        Args:
            piece: names, types, shapes and quantization that the model must have.
            model: the piece's member, its digest already checked.
            threads: to use; None leaves it to the engine.

        Raises:
            BundleError: the engine cannot read the model, or its tensors are not those of `piece`.
            FpmEdgeError: the engine is for a GPU or NPU, which is not there or does not take all of the model.
        """
        ...


@dataclass(frozen=True)
class KnownEngine:
    """An engine that can be asked for by name.

    Attributes:
        module: where it is; its function ``load`` returns the `Engine`.
        package: the distribution that it runs.
        formats: what it reads, best first.
        install: the command that brings its package.
        delegate: what it runs the pieces on.
    """

    module: str
    package: str
    formats: tuple[Format, ...]
    install: str
    delegate: Delegate = "none"


_NEW_LITERT = "pip install -U ai-edge-litert"

ENGINES: dict[str, KnownEngine] = {
    "litert": KnownEngine("litert", "ai-edge-litert", ("tflite",), "pip install ai-edge-litert"),
    "tflite-runtime": KnownEngine(
        "tflite_runtime", "tflite-runtime", ("tflite",), 'pip install tflite-runtime "numpy<2" (Python 3.11 at most)'
    ),
    "onnxruntime": KnownEngine("onnxruntime", "onnxruntime", ("onnx",), 'pip install "fpm-edge[onnx]"'),
    "openvino": KnownEngine("openvino", "openvino", ("tflite", "onnx"), 'pip install "fpm-edge[openvino]"'),
    "litert-compiled": KnownEngine("litert_compiled", "ai-edge-litert", ("tflite",), _NEW_LITERT),
    "litert-gpu": KnownEngine("litert_gpu", "ai-edge-litert", ("tflite",), _NEW_LITERT, "gpu"),
    "litert-npu": KnownEngine("litert_npu", "ai-edge-litert", ("tflite",), _NEW_LITERT, "npu"),
}
"""Engine name → what is known of it without importing it. The last three run only where they are asked for by name."""


def load_engine(name: str) -> Engine:
    """An engine by name.

    Raises:
        UsageError: no engine has this name.
        MissingExtraError: its package is not installed, or cannot be imported.
    """
    if name not in ENGINES:
        raise UsageError(f"unknown engine {name!r}; expected one of: {', '.join(ENGINES)}")
    known = ENGINES[name]
    try:
        module = importlib.import_module(f"{__name__}.{known.module}")
    except ImportError as error:
        raise MissingExtraError(f"engine {name} cannot be imported ({error}); install it: {known.install}") from error
    return cast(Engine, module.load())
