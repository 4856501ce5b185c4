"""Bundles whose TFLite stages have uint8 edges: the same landmarks, in every bit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge.convert.convert import Calibration, Converted, convert
from fpm_edge.convert.formats import check_edges
from fpm_edge.convert.quantized import load_any
from fpm_edge.data import Dataset
from fpm_edge.data.record import read_image
from fpm_edge.inspect.compare import compare
from fpm_edge.inspect.edges import open_edges
from fpm_edge.inspect.lint import lint
from fpm_edge_runtime import Bundle, Detection, check_goldens, open_bundle
from fpm_edge_runtime.bundle.manifest import Piece, schema_version_for
from fpm_edge_runtime.errors import BundleError, UsageError
from fpm_edge_runtime.stages.pack import bundle_bytes


@pytest.fixture(scope="module")
def made(tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    path = tmp_path_factory.mktemp("edges") / "uint8.fpm"
    calibration = Calibration(calibration_data, samples=16)
    return convert(tiny_model, path, precision="int8", calibration=calibration, edges="uint8", whole=True)


def bits(found: Detection) -> tuple[Any, ...]:
    numbers = (found.landmarks, found.scores, found.confidences)
    return (
        *(None if array is None else array.tobytes() for array in numbers),
        *(found.doubts, found.stages_run, found.category, found.category_score),
    )


@pytest.mark.parametrize("engine", ["litert", "litert-compiled"])
def test_landmarks_are_the_same_bit_for_bit(
    engine: str, made: Converted, tiny_bundle: Path, calibration_data: Dataset
) -> None:
    signed, moved = (open_bundle(path).session(engine, threads=1) for path in (tiny_bundle, made.path))
    for record in calibration_data.records[:24]:
        picture = read_image(record)
        for stages in (1, 2, None):
            assert bits(moved.detect(picture, stages=stages)) == bits(signed.detect(picture, stages=stages))


def test_an_engine_that_computes_otherwise_finds_the_same_places(
    made: Converted, tiny_bundle: Path, calibration_data: Dataset
) -> None:
    signed, moved = (open_bundle(path).session("openvino", threads=1) for path in (tiny_bundle, made.path))
    apart = []
    for record in calibration_data.records[:12]:
        mine, its = (session.detect(read_image(record)) for session in (moved, signed))
        clear = np.maximum(mine.scores, its.scores) >= 0.1
        apart.extend(np.linalg.norm(mine.landmarks - its.landmarks, axis=1)[clear])
    # A code is rounded otherwise now and then.
    assert np.mean(np.array(apart) > 0.1) < 0.02


def test_the_manifest(made: Converted, tiny_bundle: Path) -> None:
    manifest, signed = made.manifest, open_bundle(tiny_bundle).manifest
    assert (manifest.schema_version, signed.schema_version) == (4, 1)
    assert manifest.pieces["onnx"] == signed.pieces["onnx"]
    for piece in manifest.pieces["tflite"]:
        assert {spec.dtype for spec in (*piece.inputs, *piece.outputs)} == {"uint8"}
    assert manifest.calibration == signed.calibration
    assert check_goldens(open_bundle(made.path).session("litert")).ok


def test_it_is_looked_at_as_any_other(
    made: Converted, tiny_bundle: Path, tiny_model: Path, calibration_data: Dataset
) -> None:
    """Lint sees the same codes, and the layers of both files are as far from the float network."""
    bundles = [open_bundle(path) for path in (tiny_bundle, made.path)]
    signed, moved = (lint(bundle, calibration_data) for bundle in bundles)
    assert (moved.ranges, moved.landmarks, moved.warnings) == (signed.ranges, signed.landmarks, signed.warnings)
    loaded = load_any(tiny_model)
    case = bundles[1].golden_input(bundles[1].golden().cases[0])  # type: ignore[union-attr]
    first, second = (compare(bundle, loaded, [case], "a case", engines=["litert"]) for bundle in bundles)
    assert first.layers == second.layers
    # The whole graph was made again, and its stages are those of the bundle, byte for byte.
    assert "litert whole" in {pair.second for pair in second.pairs}
    assert first.pairs == second.pairs
    codes = [open_edges(bundle, "litert")(case)[-1].values for bundle in bundles]
    np.testing.assert_array_equal(codes[1], codes[0].astype(np.int16) + 128)


def test_a_version_that_does_not_know_them(made: Converted) -> None:
    bundle = open_bundle(made.path)
    manifest = msgspec.structs.replace(bundle.manifest, schema_version=3)
    members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
    with pytest.raises(BundleError, match="states schema version 3 and has content of version 4"):
        open_bundle(bundle_bytes(manifest, members))


def mixed(codes: Bundle, other: Bundle, names: set[str]) -> Bundle:
    """The TFLite pieces of `codes`, those called `names` from `other`."""
    pieces: list[Piece] = []
    members = {}
    for plain, changed in zip(codes.manifest.pieces["tflite"], other.manifest.pieces["tflite"], strict=True):
        source, piece = (other, changed) if plain.name in names else (codes, plain)
        pieces.append(piece)
        members[piece.member] = source.read(piece.member)
    version = schema_version_for(codes.manifest.quantization, {"tflite": tuple(pieces)})
    manifest = msgspec.structs.replace(
        codes.manifest, schema_version=version, pieces={"tflite": tuple(pieces)}, recognition=None, convergence=None
    )
    return open_bundle(bundle_bytes(manifest, members))


@pytest.mark.parametrize("precision", ["float16", "int16x8"])
@pytest.mark.parametrize("names", [{"stage_1"}, {"context", "stage_3"}, {"stage_1", "stage_2", "stage_3"}])
def test_pieces_of_more_precision_beside_them(
    names: set[str],
    precision: Any,
    made: Converted,
    tiny_bundle: Path,
    precise: Callable[[Any], Bundle],
    calibration_data: Dataset,
) -> None:
    signed, moved = (mixed(open_bundle(path), precise(precision), names) for path in (tiny_bundle, made.path))
    left = {"stage_1", "stage_2", "stage_3"} - names
    assert moved.manifest.schema_version == (4 if left else signed.manifest.schema_version)
    mine, its = (bundle.session("litert", threads=1) for bundle in (moved, signed))
    for record in calibration_data.records[:8]:
        picture = read_image(record)
        assert bits(mine.detect(picture)) == bits(its.detect(picture))


@pytest.fixture(scope="module")
def precise(
    tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Any], Bundle]:
    folder = tmp_path_factory.mktemp("precise")

    def bundle(precision: Any) -> Bundle:
        path = folder / f"{precision}.fpm"
        if not path.exists():
            calibration = Calibration(calibration_data, samples=16)
            convert(tiny_model, path, precision=precision, calibration=calibration, formats=("tflite",))
        return open_bundle(path)

    return bundle


@pytest.mark.parametrize(
    ("precision", "formats", "named"),
    [("float16", ("tflite", "onnx"), "float16 in tflite and onnx"), ("int8", ("onnx",), "int8 in onnx")],
)
def test_where_there_is_no_int8_edge(precision: Any, formats: Any, named: str) -> None:
    check_edges("int8", precision, formats)
    with pytest.raises(UsageError, match=f"--edges uint8 is for the TFLite stages of --int8, and these are {named}"):
        check_edges("uint8", precision, formats)


def test_the_option(
    tiny_model: Path, tmp_path: Path, made: Converted, run: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "cli.fpm"
    common = (
        "convert",
        tiny_model,
        "--calibration",
        "rendered:40@2/64",
        "--samples",
        16,
        "--edges",
        "uint8",
        "-o",
        path,
    )
    code, out, _ = run(*common, "--format", "tflite", "--json")
    assert code == 0
    manifest = json.loads(out)["manifest"]
    assert manifest["schema_version"] == 4
    bundle = open_bundle(path)
    for piece in made.manifest.pieces["tflite"]:
        assert bundle.read(piece.member) == open_bundle(made.path).read(piece.member)
    path.unlink()
    code, _, error = run(*common, "--int16x8")
    assert (code, "these are int16x8 in tflite" in error) == (2, True)
    assert not path.exists()
