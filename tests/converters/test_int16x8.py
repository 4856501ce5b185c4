"""Int16 activations over the ranges of the int8 graph."""

from typing import Any

import numpy as np
import pytest
import tf_keras
from ai_edge_litert import schema_py_generated as schema

from fpm_edge_converters import export, recorded_ranges
from fpm_edge_converters.checks import check_int16x8_tflite
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.int16x8 import to_int16x8
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.errors import ConversionError

HIGHEST = 32767


@pytest.fixture(scope="module")
def wide(int8_tflite: bytes) -> FlatGraph:
    graph = FlatGraph(int8_tflite)
    to_int16x8(graph)
    return FlatGraph(graph.cut(graph.inputs, graph.outputs))


def real(maps: Any, scale: float, zero_point: int) -> Any:
    return scale * (maps.astype(np.float64) - zero_point)


def test_ranges_are_those_of_the_calibration(wide: FlatGraph, int8_tflite: bytes, quantized: Any) -> None:
    check_int16x8_tflite(wide)
    ranges = recorded_ranges(quantized)
    for name in ("features", "context", "heatmap_1", "heatmap_2", "heatmap_3"):
        spec = wide.spec(wide.find(name))
        low, high = ranges[name]
        assert (spec.dtype, spec.zero_point) == ("int16", 0)
        # The int8 file moves a range by up to half a code, so that 0 is a code.
        assert spec.scale == pytest.approx(max(-low, high) / HIGHEST, rel=1 / 128)
    assert wide.spec(wide.find("heatmap_3")).scale == pytest.approx(1 / HIGHEST, rel=1e-6)
    image = wide.spec(wide.inputs[0])
    assert (image.name, image.dtype, image.scale) == ("image", "uint8", None)
    before = FlatGraph(int8_tflite)
    for old, new in zip(before.operators, wide.operators, strict=True):
        if old.kind == "CONV_2D":
            np.testing.assert_array_equal(before.constant(old.inputs[1]), wide.constant(new.inputs[1]))


def test_maps_are_nearer_to_float_than_int8s(
    wide: FlatGraph, int8_tflite: bytes, float32_tflite: bytes, inputs: list[Any], run_tflite: Any
) -> None:
    data = wide.cut(wide.inputs, wide.outputs)
    errors = []
    for found, scale, zero_point in ((data, 1 / HIGHEST, 0), (int8_tflite, 1 / 255, -128)):
        total = 0.0
        for image in inputs[:8]:
            expected = run_tflite(float32_tflite, {"image": image[np.newaxis]})
            maps = run_tflite(found, {"image": image[np.newaxis]})
            for name, value in expected.items():
                values = real(maps[name], scale, zero_point)
                # The clip at 0, which int8 has by its lowest code, is an operator's here.
                assert values.min() >= 0.0
                total += float(((values - value) ** 2).sum())
        errors.append(total)
    assert errors[0] < 0.7 * errors[1]


def test_openvino_reads_the_same_maps(wide: FlatGraph, inputs: list[Any], run_tflite: Any) -> None:
    pytest.importorskip("openvino")
    data = wide.cut(wide.inputs, wide.outputs)
    piece = Piece(
        name="whole",
        member="whole.tflite",
        inputs=tuple(wide.spec(i) for i in wide.inputs),
        outputs=tuple(wide.spec(i) for i in wide.outputs),
    )
    run = load_engine("openvino").load(piece, data, 1)
    for image in inputs[:4]:
        expected = run_tflite(data, {"image": image[np.newaxis]})
        for name, maps in run({"image": image[np.newaxis]}).items():
            apart = np.abs(maps.astype(np.int64) - expected[name])
            # Half of an int8 code; float arithmetic does not round as the integers do.
            assert apart.max() < HIGHEST / 510


def test_a_sum_that_could_overflow_32_bits_has_64(calibrated: Any, run_tflite: Any) -> None:
    layers = tf_keras.layers
    image = layers.Input((8, 8, 3), name="image")
    x = layers.Activation("linear", name="pixels")(image)
    x = layers.Conv2D(32, 1, name="first")(x)
    x = layers.ReLU(6.0, name="first_relu")(x)
    # 800 weights that all are 127 codes: 127 · 800 · 32768 is above 2³¹.
    ones = tf_keras.initializers.Constant(1 / 800)
    x = layers.Conv2D(2, 5, padding="same", kernel_initializer=ones, name="stage_1_head")(x)
    model = tf_keras.Model(image, [layers.ReLU(1.0, name="heatmap_1")(x)])
    first = np.full((1, 1, 3, 32), 0.35, np.float32)
    model.get_layer("first").set_weights([first, np.zeros(32, np.float32)])
    bright = np.full((8, 8, 3), 250, np.uint8)
    graph = to_tflite(calibrated(model, [bright, bright // 2]), "int16x8")
    check_int16x8_tflite(graph)
    biases = [graph.tensor_type(op.inputs[2]) for op in graph.operators if op.kind == "CONV_2D"]
    assert biases == ["INT32", "INT64"]
    data = graph.cut(graph.inputs, graph.outputs)
    found = run_tflite(data, {"image": bright[np.newaxis]})["heatmap_1"][0] / HIGHEST
    expected = model(bright[np.newaxis].astype(np.float32) / 255).numpy()[0]
    assert expected[4, 4, 0] > 0.9
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_what_has_no_int16_form(int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    code = next(c for c in graph._model.operatorCodes if c.builtinCode == schema.BuiltinOperator.ADD)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MAXIMUM
    with pytest.raises(ConversionError, match=r"MAXIMUM .* of the int8 graph has no int16 form; convert with --int8"):
        to_int16x8(graph)


def test_a_bundles_members(quantized: Any, inputs: list[Any]) -> None:
    made = export(quantized, "int16x8", ["tflite"], inputs[:2], whole_files=True)
    specs = {spec.name: spec.dtype for piece in made.pieces["tflite"] for spec in (*piece.inputs, *piece.outputs)}
    assert specs.pop("image") == "uint8"
    assert set(specs.values()) == {"int16"}
    assert {"whole.tflite", "stages.tflite"} < set(made.members)
