"""Pieces that get more precision, in real conversions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.fallback import Fallback, Try
from fpm_edge.convert.gate import Budget
from fpm_edge.data import Dataset
from fpm_edge.inspect.edges import open_edges
from fpm_edge.inspect.lint import lint
from fpm_edge.model.store import load_model, save_model
from fpm_edge_runtime import check_goldens, open_bundle
from fpm_edge_runtime.errors import GateError, UsageError

_COARSER = 30.0


@pytest.fixture
def coarse_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network with one channel of its last stage far larger than the others: int8 has few codes for these."""
    config, network = load_model(tiny_model)
    norm, head = network.get_layer("stage_3_1_bn"), network.get_layer("stage_3_head")
    gamma, beta, *moving = norm.get_weights()
    gamma[1:] /= _COARSER
    beta[1:] /= _COARSER
    beta[0] = 3.0
    norm.set_weights([gamma, beta, *moving])
    kernel, bias = head.get_weights()
    bias -= 3.0 * kernel[0, 0, 0]
    kernel[:, :, 1:] *= _COARSER
    head.set_weights([kernel, bias])
    folder = tmp_path_factory.mktemp("models") / "coarse"
    save_model(folder, config, network)
    return folder


def test_some_pieces_get_more_precision_until_the_budget_is_met(
    coarse_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    common: dict[str, Any] = {"precision": "int8", "calibration": Calibration(calibration_data, 16)}
    drift = convert(coarse_model, tmp_path / "int8.fpm", **common).drift
    bound = max(report.stages[-1].relative_drift.upper for report in drift.values())  # type: ignore[union-attr]
    assert bound > 0.0
    (tmp_path / "int8.fpm").unlink()
    common["budget"] = budget = Budget(bound / 3, 50.0)
    with pytest.raises(GateError, match=r"int8 (tflite|onnx): the NE drift is over its budget; .* --fallback float16"):
        convert(coarse_model, tmp_path / "never.fpm", **common)
    tries: list[Try] = []
    made = convert(coarse_model, tmp_path / "mixed.fpm", fallback=Fallback("float16"), on_try=tries.append, **common)
    assert [path.name for path in tmp_path.iterdir()] == ["mixed.fpm"]
    quantization = made.manifest.quantization
    assert (quantization.precision, set(quantization.exceptions.values())) == ("int8", {"float16"})
    names = list(quantization.exceptions)
    bundle = open_bundle(made.path)
    pieces = bundle.manifest.pieces["tflite"]
    assert made.tries == tuple(tries)
    assert set(names) in [set(one.pieces) for one in tries if one.within]
    assert not tries[0].within
    for piece in pieces:
        assert piece.outputs[-1].dtype == ("float32" if piece.name in names else "int8")
    for report in made.drift.values():
        assert report.stages[-1].relative_drift is not None
        assert report.stages[-1].relative_drift.upper <= budget.overall
    card = bundle.read("card.md").decode()
    assert all(f", {name} in float16" in card for name in names)
    golden = bundle.golden()
    assert golden is not None
    case = bundle.golden_input(golden.cases[0])
    for engine in ("litert", "onnxruntime"):
        assert check_goldens(bundle.session(engine)).ok
        # Codes become real numbers where maps are read without a session too.
        maps = open_edges(bundle, engine)(case)
        for result, stage in zip(bundle.session(engine).detect_input(case), maps, strict=True):
            np.testing.assert_array_equal(stage.landmarks(bundle.manifest.geometry.stride)[0], result.landmarks)
    if any(name.startswith("stage_") for name in names):
        with pytest.raises(UsageError, match=r"has real numbers in heatmap_\d.*; only maps of int8, uint8 or int16"):
            lint(bundle, calibration_data)


def test_a_budget_that_no_precision_meets(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    calibration = Calibration(calibration_data, 16)
    with pytest.raises(GateError, match=r"int8, stage_1 in float16 tflite: the NE drift is over its budget"):
        convert(
            tiny_model,
            tmp_path / "never.fpm",
            precision="int8",
            calibration=calibration,
            budget=Budget(-1.0, 9.0),
            stages=1,
            formats=("tflite",),
            fallback=Fallback("float16"),
        )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="give it with --int8 and --max-ne-drift"):
        convert(
            tiny_model,
            tmp_path / "never.fpm",
            precision="float32",
            calibration=calibration,
            fallback=Fallback("float16"),
        )
    both: dict[str, Any] = {
        "precision": "int8",
        "calibration": calibration,
        "budget": Budget(0.1, 0.1),
        "fallback": Fallback("float16"),
        "whole": True,
    }
    with pytest.raises(UsageError, match="give either --whole or --fallback"):
        convert(tiny_model, tmp_path / "never.fpm", **both)
