"""The trained "tiny" network and what the converters make of it; each is made once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def inputs(tiny_model: Path, calibration_data: Any) -> list[Any]:
    """16 network inputs, (64, 64, 3) uint8."""
    from fpm_edge.model.store import read_config
    from fpm_edge.train.pipeline import load_sample

    config = read_config(tiny_model)
    return [load_sample(calibration_data, index, config).image for index in range(16)]


@pytest.fixture(scope="session")
def network(tiny_model: Path) -> Any:
    """The float network, batch normalisation folded."""
    from fpm_edge.convert.quantized import load_any

    return load_any(tiny_model).network


@pytest.fixture(scope="session")
def calibrated() -> Callable[[Any, Sequence[Any]], Any]:
    """Put quantizers into a network and set their ranges from inputs."""
    from fpm_edge_calibration import MinMax
    from fpm_edge_converters import calibrated

    return lambda model, pictures: calibrated(model, pictures, MinMax())


@pytest.fixture(scope="session")
def quantized(calibrated: Callable[[Any, Sequence[Any]], Any], network: Any, inputs: list[Any]) -> Any:
    """The network with quantizers whose ranges are set."""
    return calibrated(network, inputs)


@pytest.fixture(scope="session")
def int8_tflite(quantized: Any) -> bytes:
    return _whole(quantized, "int8")


@pytest.fixture(scope="session")
def float32_tflite(network: Any) -> bytes:
    return _whole(network, "float32")


@pytest.fixture(scope="session")
def int8_onnx(int8_tflite: bytes) -> Any:
    from fpm_edge_converters.onnx_export import to_onnx

    return to_onnx(int8_tflite, stages=3)


@pytest.fixture(scope="session")
def run_tflite() -> Callable[[bytes, dict[str, Any]], dict[str, Any]]:
    """Run a TFLite file on named inputs in a plain interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    def run(data: bytes, values: dict[str, Any]) -> dict[str, Any]:
        interpreter = Interpreter(model_content=data, num_threads=1)
        return {name: np.array(v) for name, v in interpreter.get_signature_runner()(**values).items()}

    return run


@pytest.fixture(scope="session")
def run_onnx() -> Callable[[bytes, dict[str, Any]], dict[str, Any]]:
    """Run an ONNX file on named inputs, set up as the runtime sets it up."""
    import onnxruntime

    from fpm_edge_runtime.engines.onnxruntime import session_options

    def run(data: bytes, values: dict[str, Any]) -> dict[str, Any]:
        session = onnxruntime.InferenceSession(data, session_options(1), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, values), strict=True))

    return run


def _whole(model: Any, precision: Any) -> bytes:
    from fpm_edge_converters.tflite import to_tflite

    graph = to_tflite(model, precision)
    return graph.cut(graph.inputs, graph.outputs)
