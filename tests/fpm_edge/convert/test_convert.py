"""From a model folder to a measured bundle, or to nothing."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.accuracy.predict import predict_network, predict_session
from fpm_edge.convert.convert import Calibration, Converted, convert, draft_bundle
from fpm_edge.convert.gate import Budget
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import Dataset
from fpm_edge.inspect.float_model import load_model_of
from fpm_edge.model import preset
from fpm_edge.model.config import decode_config
from fpm_edge.model.network import build_model
from fpm_edge.model.store import load_model, read_config, save_model
from fpm_edge.train.pipeline import load_sample
from fpm_edge_calibration import ESTIMATORS
from fpm_edge_converters import observe_ranges
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_runtime import check_goldens, load_schema, open_bundle
from fpm_edge_runtime.engines import openvino as openvino_engine
from fpm_edge_runtime.errors import DataError, GateError, ModelError, SchemaError, UsageError
from fpm_edge_runtime.stages.session import Session

ENGINES = ["litert", "onnxruntime"]


def quick(model: Path, output: Path, data: Dataset, **changes: Any) -> Converted:
    """The cheapest conversion there is."""
    arguments: dict[str, Any] = {"precision": "float32", "formats": ("tflite",), "calibration": Calibration(data, 16)}
    return convert(model, output, **(arguments | changes))


def _chosen(data: Dataset, count: int, model: Path) -> list[int]:
    """What `convert` chooses by default."""
    loaded = load_any(model)
    return calibration_samples(data, count, "stratified", 0, loaded.config, loaded.network)


def test_the_manifest_says_what_was_made(
    tiny_converted: Converted, tiny_model: Path, calibration_data: Dataset
) -> None:
    bundle = open_bundle(tiny_converted.path)
    manifest = bundle.manifest
    assert manifest == tiny_converted.manifest
    assert set(bundle.formats) == {"tflite", "onnx"}
    assert (manifest.name, manifest.stages) == ("tiny", 3)
    assert (manifest.quantization.precision, manifest.quantization.method) == ("int8", "ptq")
    assert (manifest.geometry.input_width, manifest.geometry.input_height, manifest.geometry.stride) == (64, 64, 4)
    config = decode_config(manifest.model, "manifest")
    # Batch normalisation is folded; all else is as it was trained.
    assert config == msgspec.structs.replace(read_config(tiny_model), batch_norm=False)
    assert config.schema == calibration_data.schema
    for package in ("fpm-edge", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy"):
        assert manifest.versions[package][0].isdigit()
    for member, digest in manifest.digests.items():
        assert hashlib.sha256(bundle.read(member)).hexdigest() == digest
    card = bundle.read("card.md").decode()
    assert card.startswith("# tiny\n")
    assert "3 stages, int8 (ptq), input 64 × 64, landmarks fashionai24." in card


def test_the_calibration_can_be_repeated(tiny_bundle: Path, tiny_model: Path, calibration_data: Dataset) -> None:
    card = open_bundle(tiny_bundle).manifest.calibration
    assert card is not None
    chosen = _chosen(calibration_data, 16, tiny_model)
    assert card.samples == tuple(calibration_data.records[i].identifier for i in chosen)
    config = read_config(tiny_model)
    pixels = b"".join(load_sample(calibration_data, i, config).image.tobytes() for i in chosen)
    assert card.digest == hashlib.sha256(pixels).hexdigest()
    assert (card.strategy, card.seed, card.estimator, card.source) == (
        "stratified",
        0,
        "min-max",
        calibration_data.name,
    )
    assert card.ranges["heatmap_3"] == (0.0, 1.0)
    assert card.ranges["context"][1] > 0.0


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_the_estimator_sets_the_ranges(
    estimator: str, tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    bundle = tmp_path / "tiny.fpm"
    calibration = Calibration(calibration_data, 8, estimator=estimator)
    convert(tiny_model, bundle, precision="int8", calibration=calibration, stages=1, formats=("tflite",))
    card = open_bundle(bundle).manifest.calibration
    assert card is not None
    assert card.estimator.startswith(estimator)
    loaded = load_any(tiny_model, 1)
    chosen = _chosen(calibration_data, 8, tiny_model)
    inputs = [load_sample(calibration_data, i, loaded.config).image for i in chosen]
    expected = ESTIMATORS[estimator]()
    observe_ranges(
        loaded.network, [name for name in card.ranges if name not in ("pixels", "heatmap_1")], inputs, expected
    )
    for name, (low, high) in expected.ranges().items():
        assert card.ranges[name] == pytest.approx((low, max(high, low + 1e-3)), rel=1e-4, abs=1e-6)


def test_biases_are_corrected_when_asked(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    made = []
    for number, corrected in enumerate((False, True)):
        bundle = tmp_path / f"{number}.fpm"
        calibration = Calibration(calibration_data, 8, correct_biases=corrected)
        convert(tiny_model, bundle, precision="int8", calibration=calibration, stages=1, formats=("tflite",))
        made.append(open_bundle(bundle))
    plain, corrected_card = (bundle.manifest.calibration for bundle in made)
    assert plain is not None
    assert corrected_card is not None
    assert corrected_card.estimator == "min-max, biases corrected"
    assert corrected_card.ranges == plain.ranges
    assert made[0].read("stages/1.tflite") != made[1].read("stages/1.tflite")


def turns_kernels_into_floats(session: Session) -> bool:
    """Whether OpenVINO computes the first piece with real numbers, by what it says of the graph that it runs."""
    runner: Any = session._runners["stage_1"]
    graph = runner._request.get_compiled_model().get_runtime_model()
    return any("Convert" in str(node.get_rt_info()["layerType"].value) for node in graph.get_ops())


def test_kernels_of_seven_bits_when_asked(
    tiny_model: Path,
    tiny_bundle: Path,
    calibration_data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calibration = Calibration(calibration_data, 8, kernel_bits=7)
    bundle = tmp_path / "seven.fpm"
    convert(tiny_model, bundle, precision="int8", calibration=calibration, stages=1, formats=("tflite",))
    made = open_bundle(bundle)
    assert made.manifest.calibration is not None
    assert made.manifest.calibration.estimator == "min-max, kernels of 7 bits"
    graph = FlatGraph(made.read("stages/1.tflite"))
    kernels = [graph.constant(op.inputs[1]) for op in graph.operators if op.kind == "CONV_2D"]
    assert {int(np.abs(kernel.astype(int)).max()) for kernel in kernels} == {64}
    with pytest.raises(UsageError, match="kernels of 7 bits are for --int8"):
        convert(tiny_model, tmp_path / "float.fpm", precision="float32", calibration=calibration)
    # They overflow nowhere, so OpenVINO may multiply their codes where it must not with those of 8 bits.
    monkeypatch.setattr(openvino_engine, "overflows", lambda: True)
    assert not turns_kernels_into_floats(made.session("openvino", threads=1, stages=1))
    assert turns_kernels_into_floats(open_bundle(tiny_bundle).session("openvino", threads=1, stages=1))


def test_an_unknown_estimator(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    calibration = Calibration(calibration_data, 8, estimator="median")
    with pytest.raises(UsageError, match="unknown range estimator 'median'; expected one of: min-max, percentile"):
        convert(tiny_model, tmp_path / "tiny.fpm", precision="int8", calibration=calibration)


def test_drift_is_measured_on_the_pictures_that_set_no_range(
    tiny_converted: Converted, tiny_model: Path, calibration_data: Dataset
) -> None:
    manifest = tiny_converted.manifest
    assert tiny_converted.scored_on == calibration_data.name
    assert set(tiny_converted.drift) == {"tflite", "onnx"}
    assert (manifest.max_ne_drift, manifest.max_part_drift) == (10.0, 20.0)
    measured = manifest.measured
    assert measured is not None
    assert (measured.pictures, measured.format) == (24, "tflite")
    assert measured.engine.startswith("litert ")
    # The file in the bundle, run once more, scores what the manifest says.
    chosen = _chosen(calibration_data, 16, tiny_model)
    rest = calibration_data.subset(sorted(set(range(40)) - set(chosen)))
    found = predict_session(open_bundle(tiny_converted.path).session("litert"), rest).landmarks
    floating = predict_network(load_model(tiny_model)[1], load_model(tiny_model)[0], rest).landmarks
    labelled = np.stack([record.visibility >= 0 for record in rest.records])
    truth = np.stack([record.landmarks for record in rest.records])
    for index, stage in enumerate(measured.stages):
        assert stage.stage == index + 1
        ne = np.linalg.norm((found[:, index] - truth) / 64, axis=-1)[labelled].mean()
        assert stage.converted_ne == pytest.approx(ne, rel=1e-4)
        float_ne = np.linalg.norm((floating[:, index] - truth) / 64, axis=-1)[labelled].mean()
        # Folding rounds, so that a tie between two peaks may fall the other way.
        assert stage.float_ne == pytest.approx(float_ne, rel=0.02)
        assert stage.relative_drift.lower <= stage.relative_drift.estimate <= stage.relative_drift.upper
        assert stage.drift.estimate == pytest.approx(stage.converted_ne - stage.float_ne, abs=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bundle", ["tiny_bundle", "tiny_float_bundle"])
def test_golden_cases_hold_on_every_engine(bundle: str, engine: str, request: pytest.FixtureRequest) -> None:
    report = check_goldens(open_bundle(request.getfixturevalue(bundle)).session(engine))
    assert (report.cases, report.verdict, len(report.stages)) == (8, "ok", 3)


def test_the_reference_is_the_float_model(
    tiny_bundle: Path, tiny_float_bundle: Path, calibration_data: Dataset
) -> None:
    reference = open_bundle(tiny_bundle).reference()
    assert reference is not None
    assert reference.manifest.quantization.precision == "float32"
    some = calibration_data.subset(range(4))
    embedded = predict_session(reference.session(), some)
    np.testing.assert_array_equal(
        embedded.landmarks, predict_session(open_bundle(tiny_float_bundle).session(), some).landmarks
    )
    assert open_bundle(tiny_float_bundle).reference() is None


def test_the_first_stages_of_a_model(
    tiny_model: Path, tiny_float_bundle: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    made = quick(tiny_model, tmp_path / "two.fpm", calibration_data, stages=2)
    assert made.manifest.stages == 2
    assert [piece.name for piece in made.manifest.pieces["tflite"]] == ["stage_1", "context", "stage_2"]
    assert (made.manifest.quantization.method, made.manifest.calibration) == ("none", None)
    # The float file against itself.
    assert made.drift["tflite"].stages[-1].disagreement.upper == 0.0
    some = calibration_data.subset(range(6))
    two = predict_session(open_bundle(made.path).session(), some)
    three = predict_session(open_bundle(tiny_float_bundle).session(), some)
    assert two.landmarks.shape[1] == 2
    np.testing.assert_array_equal(two.landmarks, three.landmarks[:, :2])
    np.testing.assert_array_equal(two.scores, three.scores[:, :2])


def test_half_precision_in_onnx_alone_on_other_pictures(
    tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    others = calibration_data.subset(range(5))
    made = quick(
        tiny_model, tmp_path / "half.fpm", calibration_data, precision="float16", formats=("onnx",), score=others
    )
    assert (made.manifest.quantization.precision, list(made.drift)) == ("float16", ["onnx"])
    measured = made.manifest.measured
    assert measured is not None
    assert (measured.pictures, measured.format) == (5, "onnx")
    assert check_goldens(open_bundle(made.path).session("onnxruntime")).ok
    with pytest.raises(UsageError, match="engine litert reads tflite and the bundle has onnx"):
        open_bundle(made.path).session("litert")


def test_a_budget_that_is_not_met_leaves_nothing(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "never.fpm"
    with pytest.raises(GateError, match=r"tflite: the NE drift is over its budget") as caught:
        quick(tiny_model, output, calibration_data, budget=Budget(-1.0, 9.0))
    assert caught.value.exit_code == 3
    assert f"{output} was not written" in str(caught.value)
    assert re.search(r"all points +\S+%  +\S+% +-100\.00% +\S+%$", str(caught.value), re.MULTILINE)
    assert list(tmp_path.iterdir()) == []
    output.write_bytes(b"an older bundle")
    with pytest.raises(GateError):
        quick(tiny_model, output, calibration_data, budget=Budget(-1.0, 9.0))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an older bundle"]


def test_another_input_size(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    made = quick(tiny_model, tmp_path / "small.fpm", calibration_data, stages=1, input_size=(48, 40))
    bundle = open_bundle(made.path)
    geometry = bundle.manifest.geometry
    assert (geometry.input_width, geometry.input_height) == (48, 40)
    # Drift is that from the float model at this size.
    assert made.drift["tflite"].stages[-1].disagreement.estimate == 0
    # Of the input's shape, so that nothing is around it where the network might find something.
    found = bundle.session().detect(np.zeros((80, 96, 3), np.uint8))
    assert (found.landmarks <= (96, 80)).all()
    assert (found.landmarks >= -1).all()
    # The other commands take the model at the bundle's size.
    loaded = load_model_of(bundle, tiny_model)
    assert loaded.config.input_size == (48, 40)
    expected = predict_network(loaded.network, loaded.config, calibration_data)
    mine = predict_session(bundle.session(), calibration_data)
    clear = np.minimum(mine.scores, expected.scores) >= 0.5
    np.testing.assert_allclose(mine.landmarks[clear], expected.landmarks[clear], atol=0.05)
    with pytest.raises(ModelError, match="input 50 × 40 is not a multiple of the stride 4"):
        quick(tiny_model, tmp_path / "never.fpm", calibration_data, input_size=(50, 40))


def test_inputs_that_cannot_be_used(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "never.fpm"
    eight = load_schema("deepfashion8")
    with pytest.raises(UsageError, match="nowhere is not a folder; create it"):
        quick(tiny_model, tmp_path / "nowhere" / "x.fpm", calibration_data)
    with pytest.raises(ModelError, match="no such model folder"):
        quick(tmp_path / "no model", output, calibration_data)
    with pytest.raises(UsageError, match="has 3 stages; cannot keep 4"):
        quick(tiny_model, output, calibration_data, stages=4)
    with pytest.raises(DataError, match="has 7 pictures, 8 are needed"):
        quick(tiny_model, output, calibration_data.subset(range(7)))
    few = Calibration(calibration_data.subset(range(10)), samples=16)
    with pytest.raises(DataError, match="has 10 pictures, 16 are needed"):
        convert(tiny_model, output, precision="int8", calibration=few)
    with pytest.raises(UsageError, match="2 calibration samples; at least 8 are needed"):
        convert(tiny_model, output, precision="int8", calibration=Calibration(calibration_data, samples=2))
    other = tmp_path / "other"
    config = preset("tiny", eight)
    save_model(other, config, build_model(config))
    with pytest.raises(SchemaError, match="has schema 'fashionai24', the model 'deepfashion8'"):
        quick(other, output, calibration_data)
    assert list(tmp_path.iterdir()) == [other]


def test_no_picture_left_to_measure_on(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"all 8 pictures of .* set the ranges, so none is left"):
        quick(tiny_model, tmp_path / "never.fpm", calibration_data.subset(range(8)))
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_one_colour_set_no_ranges(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    white = tmp_path / "white.png"
    Image.new("RGB", (50, 70), "white").save(white)
    (third,) = (calibration_data.records[i] for i in _chosen(calibration_data, 16, tiny_model)[2:3])
    records = [replace(r, image=white) if r is third else r for r in calibration_data.records]
    data = replace(calibration_data, records=tuple(records))
    message = f"1 of 16 calibration pictures are of nearly one colour, .* first {third.identifier}"
    with pytest.raises(DataError, match=message):
        quick(tiny_model, tmp_path / "never.fpm", data, precision="int8")
    assert list(tmp_path.iterdir()) == [white]
    # Float files have no ranges to set; and a search is told when it first converts, not when it writes its choice.
    quick(tiny_model, tmp_path / "float.fpm", data, stages=1)
    loaded = load_any(tiny_model, 1)
    chosen = _chosen(data, 16, tiny_model)
    inputs = network_inputs(data, chosen, loaded.config)
    with pytest.raises(DataError, match="are of nearly one colour"):
        draft_bundle(tiny_model, loaded, "int16x8", Calibration(data, 16), chosen, inputs, ("tflite",))
