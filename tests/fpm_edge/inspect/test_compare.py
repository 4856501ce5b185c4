"""A bundle against its float model, engine against engine, whole against staged; and the command lines of all three."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tf_keras

from fpm_edge.__main__ import main
from fpm_edge.convert.quantized import load_any, save_qat
from fpm_edge.data import Dataset, load_dataset
from fpm_edge.inspect.compare import Comparison, compare
from fpm_edge.inspect.edges import place
from fpm_edge.inspect.float_model import load_model_of, weights_of
from fpm_edge.model import preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import save_model
from fpm_edge.report.bars import Bar, bar_chart
from fpm_edge_converters import assign_ranges, fake_quantized
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.pack import bundle_bytes

ENGINES = ("litert", "onnxruntime")
DATA = ("--data", "rendered:12@9/64")


@pytest.fixture(scope="module")
def pictures() -> Dataset:
    return load_dataset("rendered:8@9/64")


@pytest.fixture(scope="module")
def inputs(tiny_bundle: Path, pictures: Dataset) -> list[Any]:
    geometry = open_bundle(tiny_bundle).manifest.geometry
    return [place(record, geometry).image for record in pictures.records]


@pytest.fixture(scope="module")
def result(tiny_bundle: Path, tiny_model: Path, inputs: list[Any]) -> Comparison:
    bundle = open_bundle(tiny_bundle)
    return compare(bundle, load_model_of(bundle, tiny_model), inputs, "pictures", engines=ENGINES)


def test_every_run_against_every_other(result: Comparison) -> None:
    runs = ["float", "litert", "onnxruntime", "litert whole", "onnxruntime whole"]
    expected = [(first, second) for i, first in enumerate(runs) for second in runs[i + 1 :]]
    assert [(pair.first, pair.second) for pair in result.pairs] == expected
    assert result.notes == ()
    pairs = {(pair.first, pair.second): pair for pair in result.pairs}
    for engine in ENGINES:
        staged = pairs[engine, f"{engine} whole"]
        assert (staged.largest_px, staged.other_values, staged.largest_value) == (0, 0, 0)
        against = pairs["float", engine]
        assert against.points > 50
        # Half a code of the last rounding alone.
        assert 0.5 / 255 <= against.largest_value < 0.5
        assert 0 <= against.quantile_px <= against.largest_px
    assert pairs["litert", "onnxruntime"].quantile_px < pairs["float", "litert"].quantile_px
    plain = msgspec.json.decode(msgspec.json.encode(result.to_dict()))
    assert [layer["name"] for layer in plain["layers"]] == [layer.name for layer in result.layers]


def test_distances_are_those_of_the_sessions(
    result: Comparison, tiny_bundle: Path, tiny_float_bundle: Path, inputs: list[Any]
) -> None:
    int8, floating = (open_bundle(path).session() for path in (tiny_bundle, tiny_float_bundle))
    apart = []
    for image in inputs:
        for one, other in zip(int8.detect_input(image), floating.detect_input(image), strict=True):
            clear = np.maximum(one.scores, other.scores) >= 0.25
            apart += list(np.linalg.norm(one.landmarks - other.landmarks, axis=-1)[clear])
    pair = next(pair for pair in result.pairs if (pair.first, pair.second) == ("float", "litert"))
    assert pair.points == pytest.approx(len(apart), abs=2)
    assert pair.quantile_px == pytest.approx(np.quantile(apart, 0.99), rel=0.1)
    assert pair.over_half_px == pytest.approx((np.array(apart) > 0.5).mean(), abs=0.02)


def test_a_whole_graph_of_other_bytes_is_not_compared(tiny_bundle: Path, tiny_model: Path, inputs: list[Any]) -> None:
    bundle = open_bundle(tiny_bundle)
    loaded = load_model_of(bundle, tiny_model)
    head = loaded.network.get_layer("stage_3_head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + 0.01])
    found = compare(bundle, loaded, inputs[:1], "pictures", engines=["litert"])
    assert [(pair.first, pair.second) for pair in found.pairs] == [("float", "litert")]
    assert "has other bytes than the bundle's pieces" in found.notes[0]


def test_a_float_bundle(tiny_float_bundle: Path, tiny_model: Path, inputs: list[Any]) -> None:
    bundle = open_bundle(tiny_float_bundle)
    found = compare(bundle, load_model_of(bundle, tiny_model), inputs[:2], "pictures", engines=["onnxruntime"])
    assert found.pairs[0].second == "onnxruntime"
    assert max(pair.quantile_px for pair in found.pairs) < 0.05
    assert min(layer.sqnr_db for layer in found.layers) > 80


def test_qat_weights_are_those_that_were_converted(tiny_model: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    loaded = load_any(tiny_model)
    quantized = fake_quantized(loaded.network)
    original = open_bundle(tiny_bundle)
    manifest = original.manifest
    assert manifest.calibration is not None
    assign_ranges(quantized, manifest.calibration.ranges)
    trained = next(variable for variable in quantized.weights if variable.name == "quant_stage_1_head/bias:0")
    trained.assign(trained + 0.25)
    folder = tmp_path / "qat"
    save_qat(folder, loaded.config, loaded.network, quantized)
    marked = msgspec.structs.replace(
        manifest, quantization=msgspec.structs.replace(manifest.quantization, method="qat"), digests={}
    )
    bundle = open_bundle(bundle_bytes(marked, {m: original.read(m) for m in original.members if m != "manifest.json"}))
    again = load_model_of(bundle, folder)
    bias = weights_of(bundle, again).get_layer("stage_1_head").bias.numpy()
    np.testing.assert_allclose(bias, loaded.network.get_layer("stage_1_head").bias.numpy() + 0.25, atol=1e-6)
    # The float model stays what it was.
    np.testing.assert_array_equal(
        again.network.get_layer("stage_1_head").bias, loaded.network.get_layer("stage_1_head").bias
    )
    with pytest.raises(UsageError, match=r"was made from a QAT model, .* is a float one"):
        load_model_of(bundle, tiny_model)


def test_another_network(tiny_bundle: Path, schema24: Any, tmp_path: Path) -> None:
    config = preset("tiny", schema24, stages=2)
    tf_keras.utils.set_random_seed(0)
    save_model(tmp_path / "other", config, build_model(config))
    with pytest.raises(UsageError, match=r"is another network than the bundle's \(stages differ\)"):
        load_model_of(open_bundle(tiny_bundle), tmp_path / "other")


def test_a_bar_chart_is_well_formed() -> None:
    svg = bar_chart(
        [Bar("a < b", 2.0, "two", 1.0, 4.0, (("kernel", 3.0),)), Bar("none", 0.0, "nothing")], "T & U", "units"
    )
    root = ET.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    bars = [element for element in root.iter(f"{name}rect") if element.get("class") == "bar"]
    assert [float(bar.get("width", "-1")) for bar in bars] == [pytest.approx(287.0), 0.0]
    assert len(list(root.iter(f"{name}circle"))) == 1
    assert "a < b" in [text.text for text in root.iter(f"{name}text")]


def run(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> tuple[str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert (caught.value.code or 0) == code, captured.err
    assert "Traceback" not in captured.err
    return captured.out, captured.err


def test_the_command_lines(
    tiny_bundle: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "layers.svg"
    common = (tiny_model, tiny_bundle, *DATA, "--samples", 2, "--plot", plot)
    out, _ = run(capsys, 0, "compare", *common, "--engine", "litert")
    assert "own SQNR" in out
    assert "litert whole" in out
    assert "stage_2_join_relu" in plot.read_text()
    ET.parse(plot)
    plot.unlink()

    out, err = run(capsys, 0, "sensitivity", *common)
    assert "all but it" in out
    assert "the bundle itself" in err
    ET.parse(plot)
    plain = json.loads(run(capsys, 0, "sensitivity", *common, "--json")[0])
    assert {layer["name"] for layer in plain["layers"]} >= {"features", "heatmap_3"}

    out, err = run(capsys, 0, "lint", tiny_bundle, "--data", "rendered:24@9/64", "--json")
    plain = json.loads(out)
    assert (plain["pictures"], plain["engine"]) == (24, "litert")
    assert plain["ok"] == (not plain["warnings"])
    assert err.count("warning: ") == len(plain["warnings"])
    run(capsys, 3 if plain["warnings"] else 0, "lint", tiny_bundle, "--data", "rendered:24@9/64", "--strict")


def test_what_the_commands_refuse(
    tiny_bundle: Path, tiny_float_bundle: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("compare", "sensitivity"):
        assert ".svg" in run(capsys, 2, command, tiny_model, tiny_bundle, *DATA, "--plot", tmp_path / "x.png")[1]
        assert (
            "is not a folder"
            in run(capsys, 2, command, tiny_model, tiny_bundle, *DATA, "--plot", tmp_path / "no" / "x.svg")[1]
        )
        run(capsys, 4, command, tiny_model, tmp_path / "none.fpm", *DATA)
        run(capsys, 1, command, tmp_path / "none", tiny_bundle, *DATA)
        run(capsys, 2, command, "lite-m", tiny_bundle, *DATA)
        run(capsys, 2, command, tiny_model, tiny_bundle, *DATA, "--samples", 0)
    assert "float32" in run(capsys, 2, "sensitivity", tiny_model, tiny_float_bundle, *DATA)[1]
    assert "float32" in run(capsys, 2, "lint", tiny_float_bundle, *DATA)[1]
    run(capsys, 2, "lint", tiny_bundle)
    run(capsys, 2, "lint", tiny_bundle, *DATA, "--engine", "nothing")
