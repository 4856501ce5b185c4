"""Bundles with int16 activations, throughout or in some pieces, and of dynamic range."""

import json
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.__main__ import main
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import drift_between, predict_session, truth_of
from fpm_edge.convert.convert import Calibration, Converted, convert
from fpm_edge.convert.fallback import Fallback
from fpm_edge.convert.gate import Budget, excess
from fpm_edge.data import Dataset
from fpm_edge.inspect.edges import open_edges
from fpm_edge.inspect.lint import lint
from fpm_edge_runtime import Bundle, check_goldens, open_bundle
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.pixels.metrics import normalized_error


@pytest.fixture(scope="module")
def wide(tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    path = tmp_path_factory.mktemp("wide") / "wide.fpm"
    return convert(tiny_model, path, precision="int16x8", calibration=Calibration(calibration_data, 16), whole=True)


def test_int16x8_has_the_ranges_of_int8(wide: Converted, tiny_bundle: Path) -> None:
    bundle, int8 = open_bundle(wide.path), open_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert bundle.formats == ("tflite",)
    assert (manifest.schema_version, int8.manifest.schema_version) == (2, 1)
    assert (manifest.quantization.precision, manifest.quantization.method) == ("int16x8", "ptq")
    assert manifest.calibration == int8.manifest.calibration
    assert "3 stages, int16x8 (ptq)" in bundle.read("card.md").decode()
    last = [found.manifest.measured.stages[-1].disagreement.estimate for found in (bundle, int8)]  # type: ignore[union-attr]
    assert last[0] < last[1]
    assert check_goldens(bundle.session()).ok


def test_int16_maps_outside_a_session(wide: Converted, calibration_data: Dataset) -> None:
    bundle = open_bundle(wide.path)
    golden = bundle.golden()
    assert golden is not None
    case = bundle.golden_input(golden.cases[0])
    for result, maps in zip(bundle.session().detect_input(case), open_edges(bundle, "litert")(case), strict=True):
        assert maps.values.dtype == np.int16
        np.testing.assert_array_equal(maps.landmarks(bundle.manifest.geometry.stride)[0], result.landmarks)
        assert maps.real().max() == pytest.approx(maps.values.max() / 32767, rel=1e-5)
    report = lint(bundle, calibration_data)
    for covered in report.ranges:
        assert covered.high == pytest.approx(1, abs=1e-3)
        assert covered.codes_of_one == pytest.approx(32767, rel=1e-3)
    assert max(entry.ties for entry in report.landmarks) < 0.2
    assert not any("clip_heatmaps" in warning.message for warning in report.warnings)


def harmed(bundle: Bundle, data: Dataset) -> Dataset:
    """The pictures that a bundle answers worst in comparison with its float model: where precision matters."""
    reference = bundle.reference()
    assert reference is not None
    truth = truth_of(data)
    mask = point_mask(truth.visibility, "labelled")
    both = [predict_session(one.session("litert"), data) for one in (bundle, reference)]
    its, best = (np.where(mask, normalized_error(p.landmarks[:, -1], truth.landmarks, p.sizes), 0.0) for p in both)
    return data.subset(np.argsort(best.sum(axis=1) - its.sum(axis=1))[:12])


def test_int8_with_pieces_in_int16x8(
    tiny_converted: Converted, wide: Converted, tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    int8 = open_bundle(tiny_converted.path)
    reference = int8.reference()
    assert reference is not None
    pictures = harmed(int8, calibration_data)
    expected = predict_session(reference.session("litert"), pictures)
    found = [predict_session(bundle.session("litert"), pictures) for bundle in (int8, open_bundle(wide.path))]
    reports = [drift_between(answers, expected, truth_of(pictures), pictures.schema) for answers in found]
    coarse, fine = (excess(report, Budget(0.0, 50.0)) for report in reports)
    assert fine < coarse
    made = convert(
        tiny_model,
        tmp_path / "mixed.fpm",
        precision="int8",
        calibration=Calibration(calibration_data, 16),
        score=pictures,
        budget=Budget((coarse + fine) / 2, 50.0),
        fallback=Fallback("int16x8"),
    )
    manifest = made.manifest
    names = manifest.quantization.exceptions
    assert names
    assert set(names.values()) == {"int16x8"}
    assert manifest.schema_version == 2
    for piece in manifest.pieces["tflite"]:
        assert piece.outputs[-1].dtype == ("int16" if piece.name in names else "int8")
    taken = next(one for one in made.tries if set(one.pieces) == set(names))
    assert taken.within
    assert not made.tries[0].within
    bundle = open_bundle(made.path)
    assert check_goldens(bundle.session()).ok
    # Its maps are codes, of one kind or the other.
    assert lint(bundle, calibration_data).pictures == len(calibration_data)


def test_dynamic_range_is_called_so(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    made = convert(
        tiny_model,
        tmp_path / "dynamic.fpm",
        precision="dynamic-range",
        calibration=Calibration(calibration_data, 16),
        stages=1,
    )
    bundle = open_bundle(made.path)
    quantization = bundle.manifest.quantization
    assert (bundle.manifest.schema_version, bundle.formats) == (2, ("tflite",))
    assert (quantization.precision, quantization.method, bundle.manifest.calibration) == ("dynamic-range", "none", None)
    card = bundle.read("card.md").decode()
    assert "dynamic-range (none)" in card
    assert "int8" not in card
    assert made.drift["tflite"].stages[-1].disagreement.upper > 0.0
    assert check_goldens(bundle.session()).ok
    with pytest.raises(UsageError, match=r"\(dynamic-range\) has real numbers in heatmap_1"):
        lint(bundle, calibration_data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--int16x8", "--format", "onnx"), "int16x8 is for TFLite only"),
        (("--dynamic-range", "--format", "onnx"), "dynamic-range is for TFLite only"),
        (
            ("--int8", "--fallback", "int16x8", "--max-ne-drift", "0.1", "--format", "tflite", "--format", "onnx"),
            "int16x8 is for TFLite only",
        ),
        (("--spend", "ms"), "--spend says what --fallback may cost; give both"),
        (("--int16x8", "--fallback", "float16", "--max-ne-drift", "0.1"), "--fallback is for int8 files"),
    ],
)
def test_options_that_do_not_go_together(
    options: tuple[str, ...],
    message: str,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    common = ["convert", str(tiny_model), "--calibration", "rendered:40@2/64", "-o", str(tmp_path / "x.fpm")]
    with pytest.raises(SystemExit) as caught:
        main([*common, *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_tells_every_try(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["convert", str(tiny_model), "--calibration", "rendered:40@2/64", "--samples", "16", "--stages", "1"]
    budget = ["--max-ne-drift", "9", "--max-part-drift", "99", "--fallback", "int16x8", "--json"]
    with pytest.raises(SystemExit) as caught:
        main([*common, *budget, "-o", str(tmp_path / "x.fpm")])
    assert not caught.value.code
    captured = capsys.readouterr()
    (only,) = json.loads(captured.out)["tries"]
    assert (only["pieces"], only["cost"], only["within"]) == ([], {"bytes": 0, "ms": 0.0}, True)
    assert "tried no piece in more precision: +0.0 kB, +0.00 ms; within the budget by" in captured.err
