"""What executes a piece. Every engine is one module, imported when it is first asked for."""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, Protocol, cast

from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.errors import MissingExtraError, UsageError

__all__ = [
    "DEFAULT_ORDER",
    "ENGINES",
    "Delegate",
    "Engine",
    "KnownEngine",
    "PieceRunner",
    "default_engine",
    "installed_engines",
    "load_engine",
]

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
    """Turns the bytes of a piece into something that runs.

    It may have `survives_fork`: the `threads` with which pieces run on in a forked process; else (1,).
    """

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

DEFAULT_ORDER = ("litert", "tflite-runtime", "onnxruntime", "openvino")
"""The engines that are tried where nobody says which, best first; those for a GPU or NPU have to be named."""


def installed_engines() -> tuple[str, ...]:
    """The engines of `DEFAULT_ORDER` whose package is there. None is imported, so one of them may yet be broken."""
    return tuple(name for name in DEFAULT_ORDER if find_spec(ENGINES[name].package.replace("-", "_")) is not None)


def default_engine(formats: Collection[Format]) -> str:
    """The first engine of `DEFAULT_ORDER` that is installed and reads one of `formats`.

    One that is installed and cannot be imported is not passed over: `load_engine` then says what is wrong with it.

    Raises:
        MissingExtraError: there is none; the message says what to install.
    """
    able = [name for name in DEFAULT_ORDER if set(ENGINES[name].formats) & set(formats)]
    for name in installed_engines():
        if name in able:
            return name
    choice = "; ".join(f"{name}: {ENGINES[name].install}" for name in able)
    raise MissingExtraError(f"no engine that reads {' or '.join(sorted(formats))} is installed; install one ({choice})")


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
        if isinstance(error.__cause__, KeyboardInterrupt):  # native modules take Ctrl-C for a failure of theirs
            raise error.__cause__ from None
        others = ", ".join(other for other in installed_engines() if other != name)
        advice = f"install it: {known.install}" + (f"; or use what is installed here: {others}" if others else "")
        raise MissingExtraError(f"engine {name} cannot be imported ({error}); {advice}") from error
    return cast(Engine, module.load())
