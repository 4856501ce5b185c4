"""Files from the image to landmarks: the network inside is the same, and they find what the runtime finds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from fpm_edge_converters.decoder import decoder_tflite, stride_of
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import to_onnx
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.whole import _check_landmarks, whole_onnx_members, whole_tflite_members
from fpm_edge_converters.whole_onnx import letterbox_onnx
from fpm_edge_converters.whole_tflite import whole_tflite
from fpm_edge_runtime.bundle.manifest import TensorSpec
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import Letterbox, cells_to_input
from fpm_edge_runtime.pixels.image import letterbox
from fpm_edge_runtime.stages.results import StageResult

Runner = Callable[[bytes, dict[str, Any]], dict[str, Any]]
PRECISIONS = ["int8", "float32"]


@pytest.fixture(params=PRECISIONS)
def source(request: pytest.FixtureRequest) -> bytes:
    data: bytes = request.getfixturevalue(f"{request.param}_tflite")
    return data


@pytest.fixture(scope="session")
def made(int8_tflite: bytes, float32_tflite: bytes) -> dict[bytes, dict[str, bytes]]:
    """Network → its whole files."""
    files = {}
    for data in (int8_tflite, float32_tflite):
        graph = FlatGraph(data)
        pieces = cut_tflite(graph, plan_cuts(graph, 3))
        files[data] = whole_tflite_members(data, pieces, 3) | whole_onnx_members(to_onnx(data, stages=3), 3)
    return files


def decoded(heatmaps: Any, spec: TensorSpec, stride: int) -> Any:
    """(L, 3): what the runtime makes of the maps of one picture."""
    channels = spec.shape[3 if spec.layout == "NHWC" else 1]
    cells, scores = decode_heatmaps(
        heatmaps[0], layout=spec.layout, landmarks=channels - 1, scale=spec.scale, zero_point=spec.zero_point
    )
    return np.concatenate([cells_to_input(cells, stride), scores[:, np.newaxis]], axis=1)


def session_of(data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def test_tflite_finds_what_the_runtime_finds(
    source: bytes, made: dict[bytes, dict[str, bytes]], run_tflite: Runner, inputs: list[Any]
) -> None:
    graph = FlatGraph(source)
    spec = graph.spec(graph.find("heatmap_3"))
    whole = made[source]["whole.tflite"]
    assert [graph.spec(i).dtype for i in FlatGraph(whole).inputs] == ["uint8"]
    for picture in inputs[:6]:
        expected = decoded(run_tflite(source, {"image": picture[None]})["heatmap_3"], spec, 4)
        found = run_tflite(whole, {"image": picture[None]})
        assert list(found) == ["landmarks"]
        assert found["landmarks"].shape == (24, 3)
        np.testing.assert_allclose(found["landmarks"], expected, atol=1e-2)
        assert expected[:, 2].max() > 0.1


def test_the_network_inside_is_the_same_code_for_code(source: bytes, run_tflite: Runner, inputs: list[Any]) -> None:
    graph = FlatGraph(source)
    heatmap = graph.find("heatmap_3")
    decoder = decoder_tflite(graph.spec(heatmap), stride_of(graph.spec(graph.find("image")), graph.spec(heatmap)))
    added = graph.append(decoder, {decoder.inputs[0]: heatmap}, "decode/")
    both = graph.cut(graph.inputs, [heatmap, added["landmarks"]])
    alone = whole_tflite(source, 3)
    for picture in inputs[:3]:
        image = {"image": picture[None]}
        found = run_tflite(both, image)
        np.testing.assert_array_equal(found["heatmap_3"], run_tflite(source, image)["heatmap_3"])
        np.testing.assert_array_equal(found["landmarks"], run_tflite(alone, image)["landmarks"])


def test_every_stage_is_a_signature_of_one_file(
    source: bytes, made: dict[bytes, dict[str, bytes]], run_tflite: Runner, inputs: list[Any]
) -> None:
    graph = FlatGraph(source)
    pieces = cut_tflite(graph, plan_cuts(graph, 3))
    data = made[source]["stages.tflite"]
    interpreter = Interpreter(model_content=data, num_threads=1)
    decoders = [f"landmarks_{t}" for t in (1, 2, 3)]
    assert sorted(interpreter.get_signature_list()) == sorted([*(piece.name for piece in pieces), *decoders])
    whole = run_tflite(made[source]["whole.tflite"], {"image": inputs[0][None]})["landmarks"]
    tensors = {"image": inputs[0][None]}
    for piece, content in pieces.items():
        given = {spec.name: tensors[spec.name] for spec in piece.inputs}
        expected = run_tflite(content, given)
        found = {k: np.array(v) for k, v in interpreter.get_signature_runner(piece.name)(**given).items()}
        assert sorted(found) == sorted(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
        tensors |= found
    last = interpreter.get_signature_runner("landmarks_3")(heatmaps=tensors["heatmap_3"])["landmarks"]
    np.testing.assert_array_equal(last, whole)


def test_weights_are_stored_once(source: bytes, made: dict[bytes, dict[str, bytes]]) -> None:
    files = made[source]
    # Both hold the network and one decoder; the rest is a description of every edge, and of the background's weights.
    assert len(files["stages.tflite"]) < len(files["whole.tflite"]) + 20_000


def test_onnx_takes_pictures_of_any_size(
    source: bytes, made: dict[bytes, dict[str, bytes]], run_onnx: Runner, calibration_data: Any
) -> None:
    from fpm_edge.data import read_image

    plain = to_onnx(source, stages=3)
    whole = session_of(made[source]["whole.onnx"])
    names = [output.name for output in whole.get_outputs()]
    assert names == ["landmarks", "heatmap_1", "heatmap_2", "heatmap_3"]
    graph = FlatGraph(source)
    scale, zero_point = graph.quantization(graph.find("heatmap_3")) or (None, None)
    dtype: Any = "float32" if scale is None else "int8"
    spec = TensorSpec("heatmap_3", dtype, (1, 25, 16, 16), "NCHW", scale, zero_point)
    for number, size in enumerate([(64, 64), (90, 170), (200, 61), (40, 33)]):
        record = calibration_data.records[number]
        picture = np.asarray(Image.fromarray(read_image(record)).resize(size))
        fit = Letterbox.fit(size, (64, 64))
        maps = run_onnx(plain.SerializeToString(), {"image": letterbox(picture, fit, (64, 64))[None]})
        found = dict(zip(names, whole.run(None, {"image": picture[None]}), strict=True))
        for name, value in maps.items():
            np.testing.assert_array_equal(found[name], value)
        expected = decoded(maps["heatmap_3"], spec, 4)
        np.testing.assert_allclose(found["landmarks"][:, 2], expected[:, 2], atol=1e-6)
        in_input = fit.to_input(found["landmarks"][:, :2])
        assert np.linalg.norm(in_input - expected[:, :2], axis=1).max() < 0.1


def test_the_score_of_a_landmark_in_doubt_is_not_compared() -> None:
    schema = LandmarkSchema("two", ("a", "b"), (0, 1), {"all": (0, 1)})
    places, scores = np.zeros((2, 2), np.float32), np.array([0.9, 0.0], np.float32)
    found = np.array([[0.0, 0.0, 0.9], [5.0, 5.0, 1.0]], np.float32)
    _check_landmarks(
        found,
        places,
        StageResult(1, places, scores, {"b": "saturated"}, 0.0, np.ones(len(scores), np.bool_)),
        schema,
        "a file",
    )
    with pytest.raises(ConversionError, match="a file gives other scores"):
        _check_landmarks(
            found, places, StageResult(1, places, scores, {}, 0.0, np.ones(len(scores), np.bool_)), schema, "a file"
        )


def test_the_letterbox_is_pillows_pixel_for_pixel() -> None:
    height, width = 48, 64
    data = letterbox_onnx(TensorSpec("image", "uint8", (1, height, width, 3), "NHWC")).SerializeToString()
    run = session_of(data)
    generator = np.random.default_rng(3)
    sizes = [(64, 48), (1, 1), (2, 3), (63, 47), (640, 480), (333, 400), (37, 50), (500, 9), (64, 20), (1001, 777)]
    for size in sizes:
        picture = generator.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        fit = Letterbox.fit(size, (width, height))
        found, scale, corner = run.run(
            ["letterbox/input", "letterbox/scale", "letterbox/corner"], {"image": picture[None]}
        )
        np.testing.assert_array_equal(found[0], letterbox(picture, fit, (width, height)), err_msg=str(size))
        np.testing.assert_allclose(scale, [fit.scale_y, fit.scale_x], rtol=1e-6)
        np.testing.assert_array_equal(corner, [fit.top, fit.left])


def test_tall_pictures_differ_by_rounding_between_the_two_passes() -> None:
    """Pillow 13 resizes those along the columns first, earlier versions along the rows."""
    run = session_of(letterbox_onnx(TensorSpec("image", "uint8", (1, 48, 64, 3), "NHWC")).SerializeToString())
    picture = np.random.default_rng(4).integers(0, 256, (500, 100, 3), dtype=np.uint8)
    (found,) = run.run(["letterbox/input"], {"image": picture[None]})
    expected = letterbox(picture, Letterbox.fit((100, 500), (64, 48)), (64, 48))
    assert np.abs(found[0].astype(int) - expected).max() <= 1


def test_the_same_network_gives_the_same_files(int8_tflite: bytes, made: dict[bytes, dict[str, bytes]]) -> None:
    again = whole_tflite(int8_tflite, 3)
    assert again == made[int8_tflite]["whole.tflite"]
    model = onnx.load_from_string(made[int8_tflite]["whole.onnx"])
    assert whole_onnx_members(to_onnx(int8_tflite, stages=3), 3)["whole.onnx"] == model.SerializeToString(
        deterministic=True
    )


def test_the_shipped_weights(calibrated: Any, run_tflite: Runner, run_onnx: Runner) -> None:
    from fpm_edge.convert.quantized import load_any
    from fpm_edge.data import load_dataset
    from fpm_edge.train.pipeline import load_sample
    from fpm_edge_converters.tflite import to_tflite

    loaded = load_any(Path(__file__).parents[2] / "fpm_edge" / "models" / "lite-m")
    data = load_dataset("rendered:6@11/192")
    pictures = [load_sample(data, index, loaded.config).image for index in range(6)]
    graph = to_tflite(calibrated(loaded.network, pictures), "int8")
    network = graph.cut(graph.inputs, graph.outputs)
    spec = graph.spec(graph.find("heatmap_3"))
    whole = whole_tflite(network, 3)
    for picture in pictures:
        expected = decoded(run_tflite(network, {"image": picture[None]})["heatmap_3"], spec, 8)
        found = run_tflite(whole, {"image": picture[None]})["landmarks"]
        np.testing.assert_allclose(found, expected, atol=1e-2)
        assert (expected[:, 2] > 0.25).sum() >= 4
