"""One layer at a time, with the codes of the converted file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge.data import Dataset, load_dataset
from fpm_edge.inspect.edges import place
from fpm_edge.inspect.float_model import load_model_of, weights_of
from fpm_edge.inspect.sensitivity import MOVED, Sensitivity, analyse
from fpm_edge_converters import assign_ranges, export, fake_quantized
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.pack import bundle_bytes

DAMAGED = "stage_1_2_relu"


@pytest.fixture(scope="module")
def pictures() -> Dataset:
    return load_dataset("rendered:8@9/64")


@pytest.fixture(scope="module")
def result(tiny_bundle: Path, tiny_model: Path, pictures: Dataset) -> Sensitivity:
    bundle = open_bundle(tiny_bundle)
    return analyse(bundle, weights_of(bundle, load_model_of(bundle, tiny_model)), pictures)


def test_every_layer_is_measured_and_sorted(result: Sensitivity) -> None:
    assert len(result.layers) == 15
    assert result.pictures == 8
    costs = [layer.stages[-1].cost.estimate for layer in result.layers]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 0
    named = {layer.name: layer for layer in result.layers}
    # Later stages do not reach back.
    for name in ("heatmap_3", "stage_3_conv_h", "stage_3_join_relu"):
        assert [stage.disagreement.estimate for stage in named[name].stages[:2]] == [0, 0]
    assert [stage.stage for stage in result.rounded] == [1, 2, 3]
    head = named["heatmap_1"]
    assert (head.kind, head.bytes, head.macs) == ("CONV_2D", 25 * 16 + 100, 25 * 16 * 256)
    join = named["stage_2_join_relu"]
    assert (join.kernel, join.bytes, join.macs) == (None, 0, 0)
    assert join.output == pytest.approx(join.stages[-1].cost.estimate)
    for layer in result.layers:
        for stage in layer.stages:
            change = stage.ne_change
            assert change is not None
            assert stage.cost.lower <= stage.cost.estimate <= stage.cost.upper
            assert stage.cost.estimate <= stage.disagreement.estimate + 1e-9
            assert stage.cost.estimate <= MOVED
            # What moved is at least so far away.
            assert stage.disagreement.estimate >= stage.moved * MOVED
            # |NE change| ≤ disagreement: the triangle inequality.
            assert abs(change.estimate) <= stage.disagreement.estimate + 1e-9


def test_all_layers_together_are_the_bundle(result: Sensitivity) -> None:
    for rounded, int8 in zip(result.rounded, result.int8, strict=True):
        assert rounded.cost.estimate == pytest.approx(int8.cost.estimate, rel=0.25)


def test_plain_values(result: Sensitivity) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(result.to_dict()))
    assert plain["layers"][0]["name"] == result.layers[0].name
    assert set(plain) == {"bundle", "data", "pictures", "layers", "rounded", "int8"}


def test_a_damaged_range_is_the_worst_layer(tiny_bundle: Path, tiny_model: Path, pictures: Dataset) -> None:
    bundle = open_bundle(tiny_bundle)
    manifest = bundle.manifest
    loaded = load_model_of(bundle, tiny_model)
    assert manifest.calibration is not None
    ranges = manifest.calibration.ranges
    quantized = fake_quantized(loaded.network)
    assign_ranges(quantized, ranges | {DAMAGED: (0.0, 40.0 * ranges[DAMAGED][1])})
    probe = place(pictures.records[0], manifest.geometry).image
    made = export(quantized, "int8", ("tflite",), [probe])
    changed = msgspec.structs.replace(manifest, pieces=made.pieces, digests={}, measured=None)
    damaged = open_bundle(bundle_bytes(changed, made.members))
    steps: list[int] = []
    planned: list[int] = []

    def progress(runs: int) -> Any:
        planned.append(runs)
        return lambda: steps.append(1)

    found = analyse(damaged, loaded.network, pictures, progress=progress)
    assert planned == [len(steps)]
    worst, second = found.layers[:2]
    assert worst.name == DAMAGED
    first_stage = [layer.stages[0].cost.estimate for layer in found.layers]
    assert first_stage[0] > 3 * max(first_stage[1:])
    assert worst.stages[-1].cost.estimate > 1.5 * second.stages[-1].cost.estimate
    # It is the output, not the kernel; and sparing it helps more than sparing any other.
    assert worst.kernel is not None
    assert worst.output > 3 * worst.kernel
    assert worst.spared == min(layer.spared for layer in found.layers)
    assert worst.spared < found.rounded[-1].cost.estimate


def test_pictures_without_labels(tiny_bundle: Path, tiny_model: Path, pictures: Dataset) -> None:
    bundle = open_bundle(tiny_bundle)
    bare = [replace(record, visibility=np.full_like(record.visibility, -1)) for record in pictures.records[:2]]
    unlabelled = replace(pictures, records=tuple(bare))
    found = analyse(bundle, load_model_of(bundle, tiny_model).network, unlabelled)
    assert {stage.ne_change for layer in found.layers for stage in layer.stages} == {None}
    assert found.layers[0].stages[-1].disagreement.estimate > 0


def test_only_int8_has_codes(tiny_float_bundle: Path, tiny_model: Path, pictures: Dataset) -> None:
    bundle = open_bundle(tiny_float_bundle)
    with pytest.raises(UsageError, match="is float32 with"):
        analyse(bundle, load_model_of(bundle, tiny_model).network, pictures)
