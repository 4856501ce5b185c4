"""LiteRT's CompiledModel API: a piece compiled for the CPU, a GPU or an NPU."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib import metadata
from typing import Any

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, GpuOptions, HardwareAccelerator, Options
from ai_edge_litert.environment import Environment
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.engines import Delegate, PieceRunner
from fpm_edge_runtime.engines._check import check_names, damaged
from fpm_edge_runtime.engines._tflite import SIGNATURE, edges
from fpm_edge_runtime.errors import FpmEdgeError

__all__ = ["CompiledEngine"]

_ACCELERATORS: dict[Delegate, Any] = {
    "none": HardwareAccelerator.CPU,
    "gpu": HardwareAccelerator.GPU,
    "npu": HardwareAccelerator.NPU,
}


class CompiledEngine:
    """An `Engine` around ``CompiledModel``.

    A GPU or NPU is asked for alone, without the CPU beside it: LiteRT then takes all of a piece or fails. With the CPU
    it would take what it can, and nothing in its Python API says how much that was.
    """

    formats: tuple[Format, ...] = ("tflite",)

    def __init__(self, name: str, delegate: Delegate) -> None:
        self.name = name
        self.version = metadata.version("ai-edge-litert")
        self.delegate = delegate
        self.survives_fork: tuple[int | None, ...] = (None, 1) if delegate == "none" else ()
        # One for all pieces; made by the first, as making it loads drivers.
        self._environment: Any = None

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`."""
        try:
            # A compiled model says no scales, an interpreter does, and need not allocate for it.
            edges(Interpreter(model_content=model), piece)
        except (ValueError, RuntimeError) as error:
            raise damaged(piece, self.name, error) from error
        compiled = self._compile(piece, model, threads)
        signatures = compiled.get_signature_list()
        signature = SIGNATURE if SIGNATURE in signatures else next(iter(signatures))
        check_names(piece, signatures[signature]["inputs"], signatures[signature]["outputs"])
        return _Runner(compiled, piece, signature, self.delegate)

    def options(self, delegate: Delegate, threads: int | None) -> Options:
        """How LiteRT is to compile a piece."""
        # Left alone, a GPU computes in float16, and the landmarks drift unseen (benchmarks/delegates.py).
        gpu = GpuOptions(enforce_f32=True)
        return Options(_ACCELERATORS[delegate], cpu_options=CpuOptions(threads or 0), gpu_options=gpu)

    def _compile(self, piece: Piece, model: bytes, threads: int | None) -> Any:
        try:
            compiled = self._compiled(self.delegate, model, threads)
        except RuntimeError as error:
            if self.delegate == "none" or not self._compiles_on_cpu(model):
                raise damaged(piece, self.name, error) from error
            raise self._refused(piece, str(error)) from error
        if self.delegate != "none" and not compiled.is_fully_accelerated():
            raise self._refused(piece, "some of them were left to the CPU")
        return compiled

    def _compiled(self, delegate: Delegate, model: bytes, threads: int | None) -> Any:
        options = self.options(delegate, threads)
        with nullcontext() if delegate == "none" else _stdout_kept_clean():
            if self._environment is None:
                self._environment = Environment.create()
            return CompiledModel.from_buffer(model, environment=self._environment, options=options)

    def _compiles_on_cpu(self, model: bytes) -> bool:
        """Whether it is the GPU or NPU that failed, not the model."""
        try:
            self._compiled("none", model, None)
        except RuntimeError:
            return False
        return True

    def _refused(self, piece: Piece, said: str) -> FpmEdgeError:
        # Most lines are places in LiteRT's own source; why a driver failed, it tells stderr only.
        lines = [line.removeprefix("└ ") for line in said.splitlines()]
        words = " ".join(line for line in lines if not line.startswith("ERROR: ["))
        return FpmEdgeError(
            f"{self.name} cannot run {piece.member}: no {self.delegate.upper()} here takes all of its operations "
            f"(LiteRT {self.version} says: {words or 'nothing here, but more on stderr'}); use another engine"
        )


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send what is written to stdout to stderr: LiteRT's GPU library writes there, and so may an app its answers."""
    try:
        kept = os.dup(1)
    except OSError:  # there is no stdout
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


class _Runner:
    def __init__(self, compiled: Any, piece: Piece, signature: str, delegate: Delegate) -> None:
        self.delegate = delegate
        self.delegated = float(delegate != "none")  # never less than all: see `CompiledEngine`
        self._compiled = compiled
        self._signature = signature
        self._inputs = {spec.name: compiled.create_input_buffer_by_name(signature, spec.name) for spec in piece.inputs}
        self._outputs = {
            spec.name: compiled.create_output_buffer_by_name(signature, spec.name) for spec in piece.outputs
        }
        self._specs = [(spec.name, spec.shape, np.dtype(spec.dtype)) for spec in piece.outputs]

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        for name, buffer in self._inputs.items():
            buffer.write(inputs[name])
        self._compiled.run_by_name(self._signature, self._inputs, self._outputs)
        # `read` copies, and waits for the GPU.
        return {
            name: self._outputs[name].read(int(np.prod(shape)), dtype).reshape(shape)
            for name, shape, dtype in self._specs
        }
