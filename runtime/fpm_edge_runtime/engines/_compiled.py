"""LiteRT's CompiledModel API: a piece compiled for the CPU, a GPU or an NPU."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, GpuOptions, HardwareAccelerator, Options
from ai_edge_litert.environment import Environment
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fpm_edge_runtime.engines import Delegate, PieceRunner
from fpm_edge_runtime.engines._check import check_names, damaged
from fpm_edge_runtime.engines._tflite import SIGNATURE, edges
from fpm_edge_runtime.errors import FpmEdgeError
from fpm_edge_runtime.manifest import Format, Piece

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
        return _Runner(compiled, piece, signature, delegated=float(self.delegate != "none"))

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
        if self._environment is None:
            self._environment = Environment.create()
        # Left alone, a GPU computes in float16, and the landmarks of a float32 bundle drift over their limit.
        options = Options(
            _ACCELERATORS[delegate], cpu_options=CpuOptions(threads or 0), gpu_options=GpuOptions(enforce_f32=True)
        )
        return CompiledModel.from_buffer(model, environment=self._environment, options=options)

    def _compiles_on_cpu(self, model: bytes) -> bool:
        """Whether it is the GPU or NPU that failed, not the model."""
        try:
            self._compiled("none", model, None)
        except RuntimeError:
            return False
        return True

    def _refused(self, piece: Piece, said: str) -> FpmEdgeError:
        last = said.strip().splitlines()[-1].removeprefix("└ ")
        return FpmEdgeError(
            f"{self.name} cannot run {piece.member}: no {self.delegate.upper()} here takes all of its operations "
            f"(LiteRT {self.version} says: {last}; it may have said more on stderr); use another engine"
        )


class _Runner:
    def __init__(self, compiled: Any, piece: Piece, signature: str, delegated: float) -> None:
        self.delegated = delegated
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
