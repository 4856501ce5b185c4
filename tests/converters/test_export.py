"""From a network to the members of a bundle."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
import tf_keras

from fpm_edge.model import Conv, ModelConfig, preset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model
from fpm_edge_converters import export
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.engines import load_engine

Calibrated = Callable[[Any, Sequence[Any]], Any]
FORMATS = ("tflite", "onnx")

# The paper's shape in small: x' starts from the image, pools between convolutions, nothing is clipped.
PAPER_LIKE = ModelConfig(
    name="small",
    schema=LandmarkSchema(name="two", landmarks=("a", "b"), flip=(1, 0), categories={"all": (0, 1)}),
    input_height=16,
    input_width=24,
    stages=3,
    first=(Conv(5, 4, pool=2), Conv(3, 6, pool=2), Conv(3, 8)),
    context=(Conv(5, 4, pool=2), Conv(3, 6, pool=2), Conv(3, 5)),
    refine=(Conv(5, 8), Conv(1, 8)),
)


def built(config: ModelConfig) -> tuple[Any, list[Any]]:
    tf_keras.utils.set_random_seed(1)
    _, model = fold_batch_norm(config, build_model(config))
    shape = (4, config.input_height, config.input_width, 3)
    return model, list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


def wiring(pieces: Sequence[Any]) -> dict[str, tuple[list[str], list[str]]]:
    return {piece.name: ([s.name for s in piece.inputs], [s.name for s in piece.outputs]) for piece in pieces}


def test_members_of_an_int8_network(quantized: Any, inputs: list[Any], float32_tflite: bytes) -> None:
    made = export(quantized, "int8", FORMATS, inputs[:2])
    names = ["1", "2", "3", "context"]
    assert sorted(made.members) == sorted(f"stages/{name}.{form}" for name in names for form in FORMATS)
    assert set(made.pieces) == set(FORMATS)
    for form in FORMATS:
        assert [piece.member for piece in made.pieces[form]] == [
            f"stages/{n}.{form}" for n in ("1", "context", "2", "3")
        ]
        assert wiring(made.pieces[form]) == wiring(made.pieces["tflite"])
    for piece in made.pieces["tflite"]:
        assert made.members[piece.member][4:8] == b"TFL3"
        graph = FlatGraph(made.members[piece.member])
        assert piece.inputs == tuple(graph.spec(i) for i in graph.inputs)
        assert piece.outputs == tuple(graph.spec(i) for i in graph.outputs)
    for piece in made.pieces["onnx"]:
        onnx.checker.check_model(onnx.load_from_string(made.members[piece.member]), full_check=True)
    assert made.whole_bytes["tflite"] < len(float32_tflite)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            {
                "stage_1": (["image"], ["heatmap_1"]),
                "context": (["image"], ["context"]),
                "stage_2": (["context", "heatmap_1"], ["heatmap_2"]),
                "stage_3": (["context", "heatmap_2"], ["heatmap_3"]),
            },
        ),
        (
            {"share_features_from": 3},
            {
                "stage_1": (["image"], ["heatmap_1"]),
                "context": (["image"], ["context"]),
                "stage_2": (["image", "heatmap_1"], ["heatmap_2"]),
                "stage_3": (["context", "heatmap_2"], ["heatmap_3"]),
            },
        ),
        ({"stages": 1}, {"stage_1": (["image"], ["heatmap_1"])}),
    ],
    ids=["paper", "stage 2 has its own features", "one stage"],
)
def test_every_shape_of_network_is_cut(
    changes: dict[str, Any], expected: dict[str, Any], calibrated: Calibrated
) -> None:
    model, pictures = built(msgspec.structs.replace(PAPER_LIKE, **changes))
    made = export(calibrated(model, pictures), "int8", FORMATS, pictures)
    assert wiring(made.pieces["tflite"]) == wiring(made.pieces["onnx"]) == expected


def test_a_shared_stem_of_a_network_of_one_stage_stays_inside(schema24: Any) -> None:
    model, pictures = built(preset("tiny", schema24, stages=1))
    made = export(model, "float32", ["tflite"], pictures[:1])
    assert wiring(made.pieces["tflite"]) == {"stage_1": (["image"], ["heatmap_1"])}
    assert list(made.members) == ["stages/1.tflite"]


def test_half_precision(network: Any, inputs: list[Any], float32_tflite: bytes) -> None:
    made = export(network, "float16", FORMATS, inputs[:1])
    assert made.whole_bytes["tflite"] < 0.65 * len(float32_tflite)
    specs = {s.dtype for pieces in made.pieces.values() for p in pieces for s in (*p.inputs, *p.outputs)}
    assert specs == {"uint8", "float32"}


def test_the_papers_shape_with_int16_activations(calibrated: Calibrated) -> None:
    """Pools, linear maps whose range is not [0, 1], and an x' from the image."""
    model, pictures = built(PAPER_LIKE)
    made = export(calibrated(model, pictures), "int16x8", ["tflite"], pictures)
    whole, data = made.wholes["tflite"]
    run = load_engine("litert").load(whole, data, 1)
    spec = whole.outputs[-1]
    assert (spec.name, spec.dtype, spec.zero_point) == ("heatmap_3", "int16", 0)
    for image in pictures:
        expected = model(image[np.newaxis].astype(np.float32) / 255)[-1].numpy()
        found = run({"image": image[np.newaxis]})["heatmap_3"] * np.float32(spec.scale or 0.0)
        assert expected.min() < 0.0
        # Of the largest value: what 8 bits of the kernels leave.
        assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()


def test_dynamic_range() -> None:
    wide = msgspec.structs.replace(PAPER_LIKE, refine=(Conv(5, 16), Conv(5, 16)))
    model, pictures = built(wide)
    made = export(model, "dynamic-range", ["tflite"], pictures[:2], whole_files=True)
    kinds = set()
    for piece in made.pieces["tflite"]:
        assert {spec.dtype for spec in (*piece.inputs, *piece.outputs)} <= {"uint8", "float32"}
        graph = FlatGraph(made.members[piece.member])
        for op in graph.operators:
            if op.kind == "CONV_2D":
                kernel = op.inputs[1]
                large = np.prod(graph.shape(kernel)) >= 1024
                kinds.add(graph.tensor_type(kernel))
                assert graph.tensor_type(kernel) == ("INT8" if large else "FLOAT32")
                assert graph.scales(kernel).size == (graph.shape(kernel)[0] if large else 0)
    assert kinds == {"INT8", "FLOAT32"}


def test_int8_files_are_a_third_of_float_ones(schema24: Any, calibrated: Calibrated) -> None:
    model, pictures = built(preset("lite", schema24, input_size=(64, 64)))
    small = to_tflite(calibrated(model, pictures[:2]), "int8")
    large = to_tflite(model, "float32")
    sizes = [len(graph.cut(graph.inputs, graph.outputs)) for graph in (small, large)]
    assert sizes[0] <= 0.35 * sizes[1]


def test_the_same_network_gives_the_same_bytes(quantized: Any, int8_tflite: bytes) -> None:
    again = to_tflite(quantized, "int8")
    assert again.cut(again.inputs, again.outputs) == int8_tflite
