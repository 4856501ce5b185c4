"""Every check lets the right file pass, and stops one that breaks what it checks."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import tf_keras
from onnx import helper

from fpm_edge_converters.checks import (
    check_builtin_tflite,
    check_dynamic_range_tflite,
    check_folded_onnx,
    check_folded_tflite,
    check_int8_onnx,
    check_int8_tflite,
    check_int16x8_tflite,
    check_plain_onnx,
    check_same_landmarks,
    check_same_maps,
    check_transposes,
)
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import to_onnx
from fpm_edge_converters.tflite import Precision, to_tflite
from fpm_edge_runtime.errors import ConversionError


@pytest.fixture
def model(int8_onnx: Any) -> Any:
    copied = onnx.ModelProto()
    copied.CopyFrom(int8_onnx)
    return copied


def node_of(model: Any, kind: str) -> Any:
    return next(node for node in model.graph.node if node.op_type == kind)


def test_files_that_are_right_pass(int8_tflite: bytes, int8_onnx: Any, float32_tflite: bytes) -> None:
    check_int8_tflite(FlatGraph(int8_tflite))
    check_int8_onnx(int8_onnx)
    check_transposes(int8_onnx)
    check_transposes(to_onnx(float32_tflite, stages=3))


def test_a_float_graph_is_not_int8(float32_tflite: bytes) -> None:
    with pytest.raises(ConversionError, match=r"holds a \w+; expected only|is FLOAT32; this is a float island"):
        check_int8_tflite(FlatGraph(float32_tflite))
    with pytest.raises(ConversionError, match=r"the int8 ONNX graph holds a Cast; expected only"):
        check_int8_onnx(to_onnx(float32_tflite, stages=3))


def test_graphs_of_other_precisions(int8_tflite: bytes, float32_tflite: bytes, quantized: Any) -> None:
    with pytest.raises(ConversionError, match=r"of the int16x8 TFLite graph is \w+; expected INT16"):
        check_int16x8_tflite(FlatGraph(int8_tflite))
    with pytest.raises(ConversionError, match=r"int16x8 TFLite graph (holds a (MINIMUM|RELU);|is FLOAT32)"):
        check_int16x8_tflite(FlatGraph(float32_tflite))
    wide = to_tflite(quantized, "int16x8")
    wide.store_as(wide.find("heatmap_3"), "INT8", 1.0)
    with pytest.raises(ConversionError, match="output heatmap_3 of the int16x8 TFLite graph is INT8; expected INT16"):
        check_int16x8_tflite(wide)
    with pytest.raises(ConversionError, match=r"no kernel has the 1024 weights .* convert with --fp16 or --int8"):
        check_dynamic_range_tflite(FlatGraph(float32_tflite))
    with pytest.raises(ConversionError, match="of the dynamic-range TFLite graph is INT8; expected FLOAT32"):
        check_dynamic_range_tflite(FlatGraph(int8_tflite))


@pytest.mark.parametrize(
    ("kind", "where", "message"),
    [
        ("FLOAT32", "context", "tensor context of the int8 TFLite graph is FLOAT32; this is a float island"),
        ("INT32", "heatmap_2", "activation heatmap_2 of the int8 TFLite graph is INT32"),
        ("UINT8", "features", "tensor features of the int8 TFLite graph is UINT8; only the image may be"),
    ],
)
def test_a_tensor_of_another_type(int8_tflite: bytes, kind: str, where: str, message: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    graph = FlatGraph(int8_tflite)
    graph._graph.tensors[graph.find(where)].type = getattr(schema.TensorType, kind)
    with pytest.raises(ConversionError, match=message):
        check_int8_tflite(graph)


def test_an_operator_that_was_left_over(int8_tflite: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    graph = FlatGraph(int8_tflite)
    code = next(c for c in graph._model.operatorCodes if c.builtinCode == schema.BuiltinOperator.CONV_2D)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEPTHWISE_CONV_2D
    with pytest.raises(ConversionError, match="holds a DEPTHWISE_CONV_2D; expected only"):
        check_int8_tflite(graph)


@pytest.mark.parametrize("kind", ["Conv", "Add"])
def test_a_node_that_reads_float(model: Any, kind: str) -> None:
    node = node_of(model, kind)
    node.input[0] = "image"
    with pytest.raises(ConversionError, match=f"{kind} .* of the int8 ONNX graph reads float image"):
        check_int8_onnx(model)


def test_a_convolution_whose_output_stays_float(model: Any) -> None:
    node = node_of(model, "Conv")
    model.graph.node.append(helper.make_node("Sigmoid", [node.output[0]], ["side"]))
    with pytest.raises(ConversionError, match=f"the output of Conv {node.output[0]} .* stays float"):
        check_int8_onnx(model)
    del model.graph.node[-1]
    check_int8_onnx(model)
    node.output[0] = "nobody reads this"
    with pytest.raises(ConversionError, match="stays float"):
        check_int8_onnx(model)


def test_inner_codes_that_are_not_unsigned(model: Any) -> None:
    node = next(node for node in model.graph.node if "context" in node.output)
    zero_point = next(constant for constant in model.graph.initializer if constant.name == node.input[2])
    zero_point.data_type = onnx.TensorProto.INT8
    with pytest.raises(ConversionError, match="tensor context of the int8 ONNX graph is not uint8"):
        check_int8_onnx(model)


def test_a_stray_transpose(model: Any) -> None:
    model.graph.node.append(helper.make_node("Transpose", ["heatmap_1"], ["stray"], perm=[0, 2, 3, 1]))
    with pytest.raises(ConversionError, match="has 2 Transposes, expected one after the image; stray: stray"):
        check_transposes(model)


def test_the_versions_are_the_stated_ones(model: Any) -> None:
    check_plain_onnx(model, "the file")
    assert ([(entry.domain, entry.version) for entry in model.opset_import], model.ir_version) == ([("", 17)], 8)
    model.ir_version = 10
    with pytest.raises(
        ConversionError, match=r"the file has opsets \{'': 17\} and IR version 10; expected opset 17 and 8"
    ):
        check_plain_onnx(model, "the file")
    model.ir_version = 8
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    with pytest.raises(ConversionError, match=r"the file has opsets .*'ai\.onnx\.ml': 2"):
        check_plain_onnx(model, "the file")


def test_all_of_an_onnx_file_is_in_the_file(model: Any) -> None:
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location="weights.bin")
    with pytest.raises(ConversionError, match=f"the file keeps {tensor.name} in another file"):
        check_plain_onnx(model, "the file")


def test_an_operator_of_another_domain(model: Any) -> None:
    node_of(model, "Conv").domain = "com.microsoft"
    with pytest.raises(ConversionError, match=r"the file holds a Conv of com\.microsoft"):
        check_plain_onnx(model, "the file")


def test_an_operator_that_not_every_runtime_has(int8_tflite: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    graph = FlatGraph(int8_tflite)
    check_builtin_tflite(graph, "the file")
    code = graph._model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    with pytest.raises(ConversionError, match="the file holds a CUSTOM operator"):
        check_builtin_tflite(graph, "the file")


def test_maps_must_be_equal_bit_for_bit() -> None:
    whole = [np.zeros((1, 4, 4, 2), np.int8), np.ones((1, 4, 4, 2), np.int8)]
    check_same_maps(whole, copy.deepcopy(whole), "tflite stages")
    staged = copy.deepcopy(whole)
    staged[1][0, 2, 3, 1] += 1
    staged[1][0, 0, 0, 0] += 1
    with pytest.raises(ConversionError, match=r"tflite stages: stage 2 run by itself differs .* in 2 cells"):
        check_same_maps(whole, staged, "tflite stages")
    with pytest.raises(ValueError, match="shorter"):
        check_same_maps(whole, whole[:1], "tflite stages")
    floats = [np.float32([np.nan])]
    with pytest.raises(ConversionError):
        check_same_maps(floats, floats, "maps that are no numbers")


@pytest.fixture
def landmarks() -> Callable[[int, float], tuple[Any, Any]]:
    def make(moved: int, pixels: float) -> tuple[Any, Any]:
        first = np.random.default_rng(0).uniform(0, 64, (50, 2, 4, 2)).astype(np.float32)
        second = first.copy()
        second.reshape(-1, 2)[:moved, 1] += pixels
        return first, second

    return make


def test_landmarks_must_agree_but_for_one_in_a_hundred(landmarks: Callable[[int, float], tuple[Any, Any]]) -> None:
    all_clear = np.ones((50, 2, 4), bool)
    assert check_same_landmarks(*landmarks(0, 0), all_clear, 0.75, "x") == 0
    assert check_same_landmarks(*landmarks(400, 0.5), all_clear, 0.75, "x") == pytest.approx(0.5, abs=1e-3)
    check_same_landmarks(*landmarks(3, 40.0), all_clear, 0.75, "x")
    with pytest.raises(ConversionError, match=r"TFLite against ONNX: 1 % of the clear landmarks differ by 40\.00 px"):
        check_same_landmarks(*landmarks(8, 40.0), all_clear, 0.75, "TFLite against ONNX")
    with pytest.raises(ConversionError, match=r"allowed 0\.75 px"):
        check_same_landmarks(*landmarks(400, 0.8), all_clear, 0.75, "x")


def test_only_clear_landmarks_are_compared(landmarks: Callable[[int, float], tuple[Any, Any]]) -> None:
    clear = np.ones((50, 2, 4), bool)
    clear.reshape(-1)[:20] = False
    assert check_same_landmarks(*landmarks(20, 40.0), clear, 0.75, "x") == 0
    with pytest.raises(ConversionError):
        check_same_landmarks(*landmarks(40, 40.0), clear, 0.75, "x")
    assert check_same_landmarks(*landmarks(400, 40.0), np.zeros_like(clear), 0.75, "x") == 0


def test_a_landmark_that_is_no_number_is_no_agreement(landmarks: Callable[[int, float], tuple[Any, Any]]) -> None:
    first, second = landmarks(0, 0)
    second[0, 0, 0] = np.nan
    with pytest.raises(ConversionError):
        check_same_landmarks(first, second, np.ones((50, 2, 4), bool), 0.75, "x")


def tflite_with(between: Any, precision: Precision) -> FlatGraph:
    """A network of two convolutions and what `between` puts between them."""
    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = layers.ReLU()(layers.Conv2D(4, 3, padding="same")(layers.Activation("linear", name="pixels")(image)))
    x = between(x)
    model = tf_keras.Model(image, layers.Conv2D(3, 5, padding="same", name="heatmap_1")(x))
    for layer in model.layers:  # a fresh batch normalisation is nearly nothing, and is optimised away
        layer.set_weights([np.random.default_rng(0).uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return to_tflite(model, precision)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_batch_normalisation_that_was_not_folded(precision: Precision) -> None:
    plain = tflite_with(lambda x: x, precision)
    check_folded_tflite(plain)
    check_folded_onnx(to_onnx(plain.cut(plain.inputs, plain.outputs), stages=1))

    def after_activation(x: Any) -> Any:
        return tf_keras.layers.ReLU()(tf_keras.layers.BatchNormalization()(x))

    left = tflite_with(after_activation, precision)
    with pytest.raises(ConversionError, match=r"(MUL|ADD) .* of the TFLite graph .* BatchNormalization"):
        check_folded_tflite(left)
    with pytest.raises(ConversionError, match=r"(Mul|Add) .* of the ONNX graph .* BatchNormalization"):
        check_folded_onnx(to_onnx(left.cut(left.inputs, left.outputs), stages=1))


def test_a_constant_map_may_be_added() -> None:
    ramp = np.arange(8 * 8 * 4, dtype=np.float32).reshape(1, 8, 8, 4)
    graph = tflite_with(lambda x: tf_keras.layers.Lambda(lambda y: y + ramp)(x), "float32")
    assert any(op.kind == "ADD" for op in graph.operators)
    check_folded_tflite(graph)
    check_folded_onnx(to_onnx(graph.cut(graph.inputs, graph.outputs), stages=1))


def test_the_scaling_of_the_image_may_stay() -> None:
    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    pooled = layers.MaxPooling2D(2)(layers.Activation("linear", name="pixels")(image))
    graph = to_tflite(tf_keras.Model(image, layers.Conv2D(3, 1, name="heatmap_1")(pooled)), "float32")
    assert any(op.kind == "MUL" for op in graph.operators)
    check_folded_tflite(graph)


def test_a_constant_in_an_int8_sum_is_named(int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    add = next(op for op in graph._graph.operators if graph._model.operatorCodes[op.opcodeIndex].builtinCode == 0)
    bias = next(op.inputs[2] for op in graph.operators if op.kind == "CONV_2D")
    add.inputs = np.array([add.inputs[0], bias], np.int32)
    with pytest.raises(ConversionError, match=r"ADD .* BatchNormalization that was not folded"):
        check_int8_tflite(graph)


def test_an_onnx_batch_normalisation_is_named(model: Any) -> None:
    model.graph.node.append(helper.make_node("BatchNormalization", ["heatmap_1"] * 5, ["norm"]))
    with pytest.raises(ConversionError, match="BatchNormalization norm of the ONNX graph"):
        check_folded_onnx(model)
