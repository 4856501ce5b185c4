"""Types of the codes in the int8 ONNX file: fast where they are, the same numbers."""

import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from full_disk import small_disk
from onnx import TensorProto, numpy_helper
from small_bundle import colour_model

from fpm_edge_converters.onnx_codes import is_quantized, own_constants, unsigned_weights
from fpm_edge_converters.onnx_export import from_tflite
from fpm_edge_converters.onnx_optimized import check_optimized_onnx, optimized_onnx
from fpm_edge_runtime.errors import ConversionError

HEATMAPS = ["heatmap_1", "heatmap_2", "heatmap_3"]


@pytest.fixture(scope="module")
def signed(int8_tflite: bytes) -> Any:
    """TFLite's own codes, as tf2onnx gives them."""
    model = from_tflite(int8_tflite)
    own_constants(model.graph)
    return model


def in_float(model: Any, image: Any) -> list[Any]:
    """What the file says, computed node by node in float."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(HEATMAPS, {"image": image})
    return found


def types(model: Any) -> dict[str, int]:
    """Type of every code between two nodes, by the name of the tensor."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    return {
        node.output[0]: constants[node.input[2]].data_type
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    }


def test_only_heatmaps_are_int8(int8_onnx: Any) -> None:
    found = types(int8_onnx)
    assert {name for name, kind in found.items() if kind == TensorProto.INT8} == set(HEATMAPS)
    assert found["features"] == found["context"] == TensorProto.UINT8


def test_the_same_numbers(int8_onnx: Any, signed: Any, inputs: list[Any]) -> None:
    for picture in inputs[:3]:
        for ours, plain in zip(in_float(int8_onnx, picture[None]), in_float(signed, picture[None]), strict=True):
            np.testing.assert_array_equal(ours, plain.transpose(0, 3, 1, 2))


def test_the_image_is_read_as_it_is(int8_onnx: Any, signed: Any) -> None:
    def readers(model: Any) -> list[str]:
        return [node.op_type for node in model.graph.node if "image" in node.input]

    assert readers(signed) == ["DequantizeLinear"]
    assert readers(int8_onnx) == ["Transpose"]


def test_kernels_of_plain_files_are_uint8(int8_onnx: Any, inputs: list[Any]) -> None:
    before = int8_onnx.SerializeToString(deterministic=True)
    model = unsigned_weights(int8_onnx)
    assert int8_onnx.SerializeToString(deterministic=True) == before
    onnx.checker.check_model(model, full_check=True)
    kernels = [numpy_helper.to_array(c) for c in model.graph.initializer if len(c.dims) == 4]
    assert len(kernels) == 13
    assert {kernel.dtype for kernel in kernels} == {np.dtype(np.uint8)}
    image = inputs[0][None]
    for ours, plain in zip(in_float(model, image), in_float(int8_onnx, image), strict=True):
        np.testing.assert_array_equal(ours, plain)
    check_optimized_onnx(model.SerializeToString(), "the file")


def test_a_session_without_options_is_exact_with_uint8_kernels(
    int8_onnx: Any, inputs: list[Any], run_onnx: Any
) -> None:
    data = unsigned_weights(int8_onnx).SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for picture in inputs[:4]:
        expected = run_onnx(int8_onnx.SerializeToString(), {"image": picture[None]})
        for name, found in zip(HEATMAPS, session.run(HEATMAPS, {"image": picture[None]}), strict=True):
            assert np.abs(found.astype(int) - expected[name]).max() <= 1


def test_no_two_kernels_share_a_constant(int8_onnx: Any) -> None:
    constants = {constant.name: constant.data_type for constant in int8_onnx.graph.initializer}
    read = [
        name
        for node in int8_onnx.graph.node
        if node.op_type == "DequantizeLinear" and constants.get(node.input[0]) == TensorProto.INT8
        for name in (node.input[0], node.input[2])
    ]
    assert len(read) == len(set(read)) == 26
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    onnxruntime.InferenceSession(int8_onnx.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_a_float_file_has_no_codes(float32_tflite: bytes, int8_onnx: Any) -> None:
    assert is_quantized(int8_onnx.graph)
    assert not is_quantized(from_tflite(float32_tflite).graph)


def test_nothing_runs_in_float(int8_onnx: Any) -> None:
    data = int8_onnx.SerializeToString()
    check_optimized_onnx(data, "the file")
    kinds = [node.op_type for node in optimized_onnx(data).graph.node]
    assert kinds.count("QLinearConv") == 13
    assert "Conv" not in kinds


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="ARM has kernels for int8 activations")
def test_tflites_own_codes_run_in_float(signed: Any) -> None:
    with pytest.raises(ConversionError, match=r"computes \d+ nodes of stages/1\.onnx in float: Conv "):
        check_optimized_onnx(signed.SerializeToString(), "stages/1.onnx")


def test_an_activation_between_codes_that_onnxruntime_computes_in_float(int8_onnx: Any) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(int8_onnx)
    quantize = next(node for node in model.graph.node if node.op_type == "QuantizeLinear" and "context" in node.output)
    bend = onnx.helper.make_node("Softplus", [quantize.input[0]], ["bent"])
    model.graph.node.insert(list(model.graph.node).index(quantize), bend)
    quantize.input[0] = "bent"
    with pytest.raises(ConversionError, match=r"computes 2 nodes of stages/1\.onnx in float: Conv .*, Softplus"):
        check_optimized_onnx(model.SerializeToString(), "stages/1.onnx")


def test_a_full_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        (disk / "fill").write_bytes(bytes(4096))
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(ConversionError, match=rf"cannot write the graph that it executes into {disk}.*make room"):
            optimized_onnx(colour_model().SerializeToString())
