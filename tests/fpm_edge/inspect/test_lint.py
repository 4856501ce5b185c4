"""Heatmap lint: warns where codes are missing, says what to change, and is quiet where nothing is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge.convert.quantized import load_any
from fpm_edge.data import Dataset, load_dataset
from fpm_edge.inspect.edges import Maps, open_edges, place
from fpm_edge.inspect.lint import FEWEST_MAPS, LandmarkLint, _look, _over, lint
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model
from fpm_edge.model.store import load_model
from fpm_edge.shipped import shipped_model
from fpm_edge.train.pipeline import load_sample
from fpm_edge_calibration import MinMax
from fpm_edge_converters import assign_ranges, calibrated, export, fake_quantized, quantized_layers
from fpm_edge_runtime import Bundle, Manifest, open_bundle
from fpm_edge_runtime.bundle.manifest import Geometry
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, SchemaError, UsageError
from fpm_edge_runtime.stages.pack import bundle_bytes


@pytest.fixture(scope="module")
def pictures() -> Dataset:
    return load_dataset("rendered:48@9/64")


def bundle_of(quantized: Any, config: Any, template: Manifest, probe: Any) -> Bundle:
    """A bundle of TFLite pieces that nothing was measured on."""
    made = export(quantized, "int8", ("tflite",), [probe])
    geometry = Geometry(input_height=config.input_height, input_width=config.input_width, stride=config.stride)
    manifest = msgspec.structs.replace(
        template,
        geometry=geometry,
        pieces=made.pieces,
        digests={},
        model=msgspec.to_builtins(config),
        measured=None,
        calibration=None,
    )
    return open_bundle(bundle_bytes(manifest, made.members))


@pytest.fixture(scope="module")
def wide_bundle(tiny_model: Path, tiny_bundle: Path, pictures: Dataset) -> Bundle:
    """The tiny network with linear heads, their range stretched to ±6 as unlabelled maps stretch it."""
    config, trained = load_model(tiny_model)
    linear = msgspec.structs.replace(config, clip_heatmaps=False)
    network = build_model(linear)
    network.set_weights(trained.get_weights())
    linear, network = fold_batch_norm(linear, network)
    quantized = fake_quantized(network)
    manifest = open_bundle(tiny_bundle).manifest
    assert manifest.calibration is not None
    ranges = dict(manifest.calibration.ranges)
    ranges |= {name: (-6.0, 6.0) for name in quantized_layers(quantized) if name.startswith("heatmap")}
    assign_ranges(quantized, ranges)
    return bundle_of(quantized, linear, manifest, place(pictures.records[0], manifest.geometry).image)


def test_a_fixed_range_has_all_codes(tiny_bundle: Path, pictures: Dataset) -> None:
    seen: list[int] = []
    report = lint(open_bundle(tiny_bundle), pictures, advance=lambda: seen.append(1))
    assert len(seen) == report.pictures == 48
    assert [covered.stage for covered in report.ranges] == [1, 2, 3]
    for covered in report.ranges:
        assert (covered.low, covered.high) == (pytest.approx(0), pytest.approx(1))
        assert covered.codes_of_one == pytest.approx(255, abs=0.1)
    assert not any("clip_heatmaps" in warning.message for warning in report.warnings)


def test_maps_are_those_of_the_landmarks_categories(tiny_bundle: Path, pictures: Dataset) -> None:
    report = lint(open_bundle(tiny_bundle), pictures)
    schema = pictures.schema
    for entry in report.landmarks:
        index = schema.landmarks.index(entry.landmark)
        has = [record for record in pictures.records if index in schema.landmarks_of(record.category)]
        assert entry.maps == len(has)


def test_a_stretched_range_is_warned_about(wide_bundle: Bundle, pictures: Dataset) -> None:
    report = lint(wide_bundle, pictures)
    assert not report.ok
    assert report.to_dict()["ok"] is False
    few = [warning for warning in report.warnings if warning.kind == "few codes"]
    assert [warning.stage for warning in few] == [1, 2, 3]
    judged = {entry.landmark for entry in report.landmarks if entry.maps >= FEWEST_MAPS}
    assert set(few[0].landmarks) == judged
    message = few[-1].message
    assert "a peak has fewer than 32 codes (all landmarks); the maps cover -6.02 to 5.98" in message
    assert "21 codes for a peak of 1" in message
    assert "set clip_heatmaps" in message
    assert "--fp16" in message
    assert max(entry.codes for entry in report.landmarks) < 32


def test_the_shipped_model_is_quiet(tiny_bundle: Path) -> None:
    loaded = load_any(shipped_model())
    data = load_dataset("rendered:32@9/192")
    inputs = [load_sample(data, index, loaded.config).image for index in range(8)]
    quantized = calibrated(loaded.network, inputs, MinMax())
    bundle = bundle_of(quantized, loaded.config, open_bundle(tiny_bundle).manifest, inputs[0])
    report = lint(bundle, data.subset(range(8, 32)))
    assert report.warnings == ()
    # Heights also say how sure the network is of the category, so that few are near 1; a warning begins at 32.
    assert np.median([entry.codes for entry in report.landmarks]) > 100


def test_what_is_seen_in_a_map() -> None:
    codes = np.full((8, 8), -128, np.int8)
    assert _look(codes, -128) == (0, 0, 0, 0, 0, 1)
    codes[2, 2] = 0
    assert _look(codes, -128) == (128, 0, 0, 0, 0, 0)
    codes[2, 3] = 0
    assert _look(codes, -128) == (128, 1, 0, 0, 0, 0)
    # A chain of tied cells, each within the decoder's reach of the next, is one peak; far ones are two.
    codes[2, 5] = 0
    assert _look(codes, -128) == (128, 1, 0, 0, 0, 0)
    codes[7, 7] = 0
    assert _look(codes, -128) == (128, 1, 1, 0, 0, 0)
    codes[4:6, 4:6] = 127
    assert _look(codes, -128) == (255, 1, 0, 1, 0, 0)
    codes[4:6, 6] = 127
    assert _look(codes, -100) == (227, 1, 0, 1, 1, 0)


def entry(name: str, maps: int, ties: float) -> LandmarkLint:
    return LandmarkLint(1, name, maps, 200.0, ties, 0.0, 0.0, 0.0, 0.0)


def test_chance_is_not_warned_about() -> None:
    def over(*entries: LandmarkLint) -> tuple[tuple[str, ...], float]:
        return _over(entries, lambda e: e.ties, 0.15)

    assert over(entry("a", 10, 0.3))[0] == ()
    assert over(entry("a", 100, 0.3)) == (("a",), pytest.approx(0.3))
    # One landmark alone, hidden among those that are well.
    assert over(entry("a", 20, 0.9), *(entry(f"ok{i}", 100, 0.0) for i in range(5)))[0] == ("a",)
    # Each too few to tell, all together enough.
    assert len(over(*(entry(f"{i}", 10, 0.4) for i in range(12)))[0]) == 12


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_maps_are_what_the_session_decodes(tiny_bundle: Path, pictures: Dataset, engine: str) -> None:
    bundle = open_bundle(tiny_bundle)
    run, session = open_edges(bundle, engine), bundle.session(engine)
    for record in pictures.records[:4]:
        image = place(record, bundle.manifest.geometry).image
        for maps, result in zip(run(image), session.detect_input(image), strict=True):
            assert maps.values.shape == (16, 16, 25)
            points, scores = maps.landmarks(bundle.manifest.geometry.stride)
            np.testing.assert_array_equal(points, result.landmarks)
            np.testing.assert_array_equal(scores, result.scores)
            assert maps.real().min() >= 0
    plain = Maps(np.ones((2, 2, 3), np.float32))
    np.testing.assert_array_equal(plain.real(), plain.values)


def test_what_cannot_be_looked_at(
    tiny_bundle: Path, tiny_float_bundle: Path, wide_bundle: Bundle, pictures: Dataset
) -> None:
    with pytest.raises(UsageError, match=r"tiny \(float32\) has real numbers in heatmap_1"):
        lint(open_bundle(tiny_float_bundle), pictures)
    with pytest.raises(DataError, match="no landmark is on 8 of the 3 pictures"):
        lint(open_bundle(tiny_bundle), pictures.subset(range(3)))
    with pytest.raises(UsageError, match="engine onnxruntime reads onnx and the bundle has tflite"):
        lint(wide_bundle, pictures, engine="onnxruntime")
    other = replace(pictures, schema=load_schema("lsp14"))
    with pytest.raises(SchemaError, match="has schema 'lsp14', the bundle 'fashionai24'"):
        lint(open_bundle(tiny_bundle), other)
