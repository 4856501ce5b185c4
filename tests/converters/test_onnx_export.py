"""The ONNX twin of a TFLite file."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import tf_keras
from onnx import numpy_helper

from fpm_edge.model import preset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model
from fpm_edge_converters import onnx_export
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import IR_VERSION, OPSET, cut_onnx, to_onnx
from fpm_edge_converters.pieces import plan_cuts
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps

Runner = Callable[[bytes, dict[str, Any]], dict[str, Any]]
HEATMAPS = ["heatmap_1", "heatmap_2", "heatmap_3"]


@pytest.fixture(scope="module")
def float32_onnx(float32_tflite: bytes) -> Any:
    return to_onnx(float32_tflite, stages=3)


@pytest.fixture(scope="module")
def float16_onnx(float32_tflite: bytes) -> Any:
    return to_onnx(float32_tflite, stages=3, half_weights=True)


@pytest.fixture(params=["int8", "float32", "float16"])
def model(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_onnx")


def kinds(model: Any) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_the_file_is_one_that_old_engines_read(model: Any) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert (OPSET, IR_VERSION, model.ir_version) == (17, 8, 8)
    assert kinds(model)["Transpose"] == 1


def test_inputs_and_outputs(model: Any) -> None:
    def shape(value: Any) -> list[int]:
        return [d.dim_value for d in value.type.tensor_type.shape.dim]

    (image,) = model.graph.input
    assert (image.name, image.type.tensor_type.elem_type, shape(image)) == (
        "image",
        onnx.TensorProto.UINT8,
        [1, 64, 64, 3],
    )
    assert [output.name for output in model.graph.output] == HEATMAPS
    assert [shape(output) for output in model.graph.output] == [[1, 25, 16, 16]] * 3
    produced = {name for node in model.graph.node for name in node.output}
    assert {"features", "context", *HEATMAPS} <= produced


def test_int8_reads_and_writes_codes_everywhere(int8_onnx: Any) -> None:
    producers = {name: node for node in int8_onnx.graph.node for name in node.output}
    weights = {i.name: numpy_helper.to_array(i) for i in int8_onnx.graph.initializer}
    convolutions = [node for node in int8_onnx.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 13
    for node in convolutions:
        sources = [producers[name] for name in node.input]
        assert [source.op_type for source in sources] == ["DequantizeLinear"] * len(sources)
        assert weights[sources[1].input[0]].dtype == np.int8
    assert set(kinds(int8_onnx)) <= {"Transpose", "DequantizeLinear", "QuantizeLinear", "Conv", "Add", "Clip", "Relu"}
    assert not [name for name, array in weights.items() if array.dtype == np.float32 and array.size > 64]


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_both_formats_hold_the_same_network(
    precision: str,
    request: pytest.FixtureRequest,
    run_tflite: Runner,
    run_onnx: Runner,
    inputs: list[Any],
) -> None:
    tflite = request.getfixturevalue(f"{precision}_tflite")
    data = request.getfixturevalue(f"{precision}_onnx").SerializeToString()
    distances = []
    for picture in inputs[:8]:
        ours = run_tflite(tflite, {"image": picture[None]})
        theirs = run_onnx(data, {"image": picture[None]})
        for name in HEATMAPS:
            first = ours[name].transpose(0, 3, 1, 2)
            assert first.dtype == theirs[name].dtype
            difference = np.abs(first.astype(np.float64) - theirs[name])
            assert difference.max() <= (5 if precision == "int8" else 1e-4)
            scale = {"scale": 1 / 255, "zero_point": -128} if precision == "int8" else {}
            a, a_scores = decode_heatmaps(first[0], layout="NCHW", landmarks=24, **scale)
            b, b_scores = decode_heatmaps(theirs[name][0], layout="NCHW", landmarks=24, **scale)
            clear = np.minimum(a_scores, b_scores) > 0.25
            distances.extend(np.linalg.norm(a - b, axis=-1)[clear])
    assert len(distances) > 50
    assert np.quantile(distances, 0.99) * 4 <= 0.75  # in pixels of the input


def test_dilated_layers_in_both_formats(schema24: Any, calibrated: Any, run_tflite: Runner, run_onnx: Runner) -> None:
    # One convolution each: no SPACE_TO_BATCH (the check of the graph's operators would refuse it), the same codes.
    config = preset("lite-s", schema24, stages=2, input_size=(64, 64))
    tf_keras.utils.set_random_seed(1)
    _, model = fold_batch_norm(config, build_model(config))
    for head in ("stage_1_head", "stage_2_head"):
        kernel = model.get_layer(head).kernel
        kernel.assign(20.0 * kernel)  # heads start near zero
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8))
    graph = to_tflite(calibrated(model, pictures), "int8")
    tflite = graph.cut(graph.inputs, graph.outputs)
    onnx_model = to_onnx(tflite, stages=2)
    dilations = [a.ints for n in onnx_model.graph.node for a in n.attribute if a.name == "dilations"]
    assert [4, 4] in dilations
    ours = run_tflite(tflite, {"image": pictures[0][None]})
    theirs = run_onnx(onnx_model.SerializeToString(), {"image": pictures[0][None]})
    for name in HEATMAPS[:2]:
        maps = ours[name].transpose(0, 3, 1, 2).astype(int)
        assert np.ptp(maps[:, :-1]) > 50
        assert np.abs(maps - theirs[name]).max() <= 5


def test_pieces_are_the_whole(int8_tflite: bytes, int8_onnx: Any, run_onnx: Runner, inputs: list[Any]) -> None:
    pieces = cut_onnx(int8_onnx, plan_cuts(FlatGraph(int8_tflite), 3))
    tensors = {"image": inputs[0][None]}
    expected = run_onnx(int8_onnx.SerializeToString(), tensors)
    for piece, data in pieces.items():
        part = onnx.load_from_string(data)
        assert (part.ir_version, [o.version for o in part.opset_import]) == (8, [17])
        tensors |= run_onnx(data, {spec.name: tensors[spec.name] for spec in piece.inputs})
        for spec in piece.outputs:
            assert tensors[spec.name].shape == spec.shape
            # Codes between pieces are uint8, heatmaps stay int8.
            expected_type = "int8" if spec.name.startswith("heatmap") else "uint8"
            assert str(tensors[spec.name].dtype) == spec.dtype == expected_type
    for name in HEATMAPS:
        np.testing.assert_array_equal(tensors[name], expected[name])
    assert {spec.name: spec.layout for piece in pieces for spec in piece.inputs} == {
        "image": "NHWC",
        "features": "NCHW",
        "context": "NCHW",
        "heatmap_1": "NCHW",
        "heatmap_2": "NCHW",
    }
    kernels = {
        piece.name: {i.raw_data for i in onnx.load_from_string(data).graph.initializer if len(i.raw_data) > 500}
        for piece, data in pieces.items()
    }
    assert kernels["context"]
    assert kernels["context"].isdisjoint(kernels["stage_1"])


def test_half_weights_are_half_the_file(
    float16_onnx: Any, float32_onnx: Any, run_onnx: Runner, inputs: list[Any]
) -> None:
    def weight_bytes(model: Any) -> int:
        return sum(numpy_helper.to_array(i).nbytes for i in model.graph.initializer)

    assert weight_bytes(float16_onnx) == pytest.approx(weight_bytes(float32_onnx) / 2, rel=0.02)
    assert len(float16_onnx.SerializeToString()) < 0.65 * len(float32_onnx.SerializeToString())
    half = run_onnx(float16_onnx.SerializeToString(), {"image": inputs[0][None]})
    full = run_onnx(float32_onnx.SerializeToString(), {"image": inputs[0][None]})
    for name in HEATMAPS:
        assert half[name].dtype == np.float32
        np.testing.assert_allclose(half[name], full[name], atol=0.02)


def test_a_map_is_clipped_once(float32_tflite: bytes, float32_onnx: Any, run_onnx: Runner, inputs: list[Any]) -> None:
    assert not {"Min", "Max", "Relu"} & set(kinds(float32_onnx))
    clips = {node.output[0]: node for node in float32_onnx.graph.node if node.op_type == "Clip"}
    constants = {constant.name: numpy_helper.to_array(constant) for constant in float32_onnx.graph.initializer}
    for name in HEATMAPS:
        assert [constants[limit].tolist() for limit in clips[name].input[1:]] == [0.0, 1.0]
    # As TFLite's three operators would have it, bit for bit.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_export, "_clip_once", lambda graph: None)
        before = to_onnx(float32_tflite, stages=3)
    assert kinds(before)["Min"] == 3
    image = {"image": inputs[0][np.newaxis]}
    expected = run_onnx(before.SerializeToString(), image)
    for name, found in run_onnx(float32_onnx.SerializeToString(), image).items():
        np.testing.assert_array_equal(found, expected[name])


def test_a_tensor_that_is_not_there(float32_onnx: Any, float32_tflite: bytes) -> None:
    with pytest.raises(ConversionError, match="ONNX output heatmap_4 does not end in a Transpose"):
        to_onnx(float32_tflite, stages=4)


def test_the_same_file_gives_the_same_bytes(float32_tflite: bytes) -> None:
    again = to_onnx(float32_tflite, stages=3)
    assert to_onnx(float32_tflite, stages=3).SerializeToString(deterministic=True) == again.SerializeToString(
        deterministic=True
    )
