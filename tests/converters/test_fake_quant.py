"""Quantizers: their ranges are the scales of the converted file."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import tf_keras
from ai_edge_litert.interpreter import Interpreter

from fpm_edge_converters import (
    assign_kernel_ranges,
    assign_ranges,
    fake_quantized,
    quantized_layers,
    recorded_ranges,
)
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import to_onnx
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.engines.onnxruntime import session_options
from fpm_edge_runtime.errors import ConversionError

layers = tf_keras.layers


def convolutions(network: Any) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]


def test_ranges_are_the_scales_of_the_file(quantized: Any, int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    ranges = recorded_ranges(quantized)
    expected = {np.float32((high - low) / 255) for low, high in ranges.values()}
    found = set()
    for op in graph.operators:
        for index in op.outputs:
            scale, _ = graph.quantization(index)  # type: ignore[misc]
            found.add(np.float32(scale))
    assert len(expected) > 5
    np.testing.assert_allclose(sorted(found), sorted(expected), rtol=1e-6)
    for name in ("features", "context"):
        low, high = ranges[name]
        scale, zero_point = graph.quantization(graph.find(name))  # type: ignore[misc]
        assert scale == pytest.approx((high - low) / 255, rel=1e-6)
        assert zero_point == round(-128 - low / scale)


def test_heatmaps_have_every_code_for_zero_to_one(int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    for stage in (1, 2, 3):
        index = graph.find(f"heatmap_{stage}")
        assert graph.tensor_type(index) == "INT8"
        assert graph.quantization(index) == (pytest.approx(1 / 255, rel=1e-6), -128)
    (image,) = graph.inputs
    assert graph.tensor_type(image) == "UINT8"
    assert graph.quantization(image) == (pytest.approx(1 / 255, rel=1e-6), 0)


def test_kernels_have_a_scale_for_each_channel(network: Any, int8_tflite: bytes) -> None:
    interpreter = Interpreter(model_content=int8_tflite)
    interpreter.allocate_tensors()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    graph = FlatGraph(int8_tflite)
    found = []
    for op in graph.operators:
        if op.kind == "CONV_2D":
            parameters = details[op.inputs[1]]["quantization_parameters"]
            assert parameters["quantized_dimension"] == 0
            assert not parameters["zero_points"].any()
            found.append((parameters["scales"], interpreter.get_tensor(op.inputs[1])))
    assert len(found) == len(convolutions(network))
    for layer in convolutions(network):
        kernel = layer.kernel.numpy().transpose(3, 0, 1, 2)
        scales = np.abs(kernel).max(axis=(1, 2, 3)) / 127
        match = [
            codes
            for given, codes in found
            if given.shape == scales.shape and np.allclose(given, scales, rtol=1e-5) and codes.shape == kernel.shape
        ]
        assert len(match) == 1, layer.name
        error = match[0] * scales[:, None, None, None] - kernel
        assert (np.abs(error) <= 0.5001 * scales[:, None, None, None]).all()


def test_kernels_of_seven_bits_overflow_nowhere(network: Any, calibrated: Any, inputs: list[Any]) -> None:
    made = calibrated(network, inputs[:4])
    assign_kernel_ranges(made, 7)
    graph = to_tflite(made, "int8")
    codes = [graph.constant(op.inputs[1]).astype(int) for op in graph.operators if op.kind == "CONV_2D"]
    largest = [np.abs(kernel).reshape(len(kernel), -1).max(axis=1) for kernel in codes]
    assert len(largest) == len(convolutions(network))
    assert all((found == 64).all() for found in largest)
    assert np.iinfo(np.int16).max >= 2 * 255 * 64
    # An engine without any option that keeps products exact, then, answers as one that has them.
    data = to_onnx(graph.cut(graph.inputs, graph.outputs), stages=3).SerializeToString()
    sessions = [
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for options in (onnxruntime.SessionOptions(), session_options(1))
    ]
    for image in inputs[:2]:
        plain, exact = (session.run(None, {"image": image[np.newaxis]}) for session in sessions)
        for one, other in zip(plain, exact, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_quantized_network_is_the_float_one_but_for_rounding(
    network: Any, quantized: Any, inputs: list[Any]
) -> None:
    image = np.stack(inputs[:4]).astype(np.float32) / 255
    assert [output.shape for output in quantized.outputs] == [output.shape for output in network.outputs]
    for plain, rounded in zip(network(image), quantized(image), strict=True):
        difference = np.abs(plain.numpy() - rounded.numpy())
        assert 0 < difference.mean() < 0.02
        codes = rounded.numpy() * 255
        np.testing.assert_allclose(codes, codes.round(), atol=1e-3)


def test_fixed_ranges_are_not_asked_for_and_not_changed(network: Any) -> None:
    fresh = fake_quantized(network)
    wanted = quantized_layers(fresh)
    assert {"pixels", "heatmap_1", "heatmap_2", "heatmap_3"}.isdisjoint(wanted)
    assert {"features", "context", "stage_2_join_relu"} <= set(wanted)
    assign_ranges(fresh, dict.fromkeys((*wanted, "heatmap_1", "pixels"), (-1.0, 3.0)))
    ranges = recorded_ranges(fresh)
    assert {ranges[name] for name in wanted} == {(-1.0, 3.0)}
    assert {ranges[name] for name in set(ranges) - set(wanted)} == {(0.0, 1.0)}


def test_ranges_always_hold_zero_and_have_a_width(network: Any) -> None:
    fresh = fake_quantized(network)
    wanted = quantized_layers(fresh)
    given = dict.fromkeys(wanted, (0.0, 6.0))
    given["features"], given["context"], given["stage_2_join_relu"] = (2.0, 5.0), (0.0, 0.0), (-3.0, -2.0)
    assign_ranges(fresh, given)
    ranges = recorded_ranges(fresh)
    assert ranges["features"] == (0.0, 5.0)
    assert ranges["context"] == (0.0, pytest.approx(1e-3))
    assert ranges["stage_2_join_relu"] == (-3.0, 0.0)


def test_ranges_that_cannot_be(network: Any) -> None:
    fresh = fake_quantized(network)
    good = dict.fromkeys(quantized_layers(fresh), (0.0, 6.0))
    with pytest.raises(ConversionError, match="no range for the output of layer context"):
        assign_ranges(fresh, {name: value for name, value in good.items() if name != "context"})
    for bad in ((0.0, np.nan), (-np.inf, 1.0), (2.0, 1.0)):
        with pytest.raises(ConversionError, match="the range of layer context is"):
            assign_ranges(fresh, good | {"context": bad})


def test_kernel_ranges_are_symmetric_and_never_empty(network: Any) -> None:
    fresh = fake_quantized(network)
    variable = next(variable for variable in fresh.weights if variable.name == "quant_stage_1_head/kernel:0")
    kernel = variable.numpy()
    kernel[..., 3] = 0.0
    variable.assign(kernel)
    assign_kernel_ranges(fresh)
    values = {variable.name: variable.numpy() for variable in fresh.weights}
    low, high = values["quant_stage_1_head/kernel_min:0"], values["quant_stage_1_head/kernel_max:0"]
    np.testing.assert_array_equal(low, -high)
    np.testing.assert_allclose(np.delete(high, 3), np.delete(np.abs(kernel).max(axis=(0, 1, 2)), 3))
    assert high[3] == np.float32(1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        layers.PReLU(name="strange"),
        layers.Conv2DTranspose(4, 3, name="strange"),
        layers.UpSampling2D(name="strange"),
        layers.BatchNormalization(name="strange"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_is_not_known_is_named(layer: Any) -> None:
    image = tf_keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, name="conv")(layers.Activation("linear", name="pixels")(image))
    model = tf_keras.Model(image, layers.Activation("linear", name="heatmap_1")(layer(x)))
    with pytest.raises(ConversionError, match=f"layer strange is a {type(layer).__name__}"):
        fake_quantized(model)
