"""Memory counted by hand, time measured on steps of known length."""

import io
import json
import time
from itertools import chain, repeat

import pytest
import tf_keras
from rich.console import Console

from fpm_edge.model import ModelConfig, preset, stage_costs
from fpm_edge.model.network import build_model
from fpm_edge.model.networks import network_for
from fpm_edge.train.estimate import MemoryEstimate, describe_run, estimate_table, memory_estimate
from fpm_edge_runtime import load_schema

SCHEMA = load_schema("fashionai24")


def small(policy: str = "float32", *, twice: bool = False) -> tf_keras.Model:
    """8 × 8 × 3 → convolution 3 × 3 × 4 → batch normalisation, in float32; with `twice`, normalised twice."""
    image = tf_keras.Input((8, 8, 3))
    hidden = tf_keras.layers.Conv2D(4, 3, padding="same", dtype=policy)(image)
    normalise = tf_keras.layers.BatchNormalization(dtype="float32")
    out = normalise(hidden)
    return tf_keras.Model(image, normalise(out) if twice else out)


KERNEL, BIAS, NORM = 3 * 3 * 3 * 4, 4, 4
IMAGE, MAPS = 8 * 8 * 3, 8 * 8 * 4


def test_memory_by_hand() -> None:
    found = memory_estimate(small(), 5)
    trainable = 4 * (KERNEL + BIAS + 2 * NORM)
    assert found == MemoryEstimate(
        weights=trainable + 4 * 2 * NORM,
        gradients=trainable,
        moments=2 * trainable,
        activations=4 * 5 * (IMAGE + 2 * MAPS),
    )
    assert found.total == found.weights + found.gradients + found.moments + found.activations


def test_narrow_activations_keep_wide_weights() -> None:
    wide, narrow = memory_estimate(small(), 5), memory_estimate(small("mixed_bfloat16"), 5)
    assert wide.activations - narrow.activations == 5 * MAPS * 2
    assert (narrow.weights, narrow.moments) == (wide.weights, wide.moments)


def test_a_layer_used_twice_has_two_outputs() -> None:
    once, twice = memory_estimate(small(), 5), memory_estimate(small(twice=True), 5)
    assert twice.activations - once.activations == 4 * 5 * MAPS
    assert twice.weights == once.weights


def test_micro_batches_and_averages() -> None:
    whole = memory_estimate(small(), 8)
    parts = memory_estimate(small(), 8, micro_batch=2)
    assert parts.activations == whole.activations // 4
    assert parts.gradients == 2 * whole.gradients
    assert memory_estimate(small(), 8, micro_batch=16) == whole
    assert memory_estimate(small(), 8, averaged=True).weights == 2 * whole.weights


def test_a_run_is_described() -> None:
    config = preset("tiny", SCHEMA)
    assert isinstance(config, ModelConfig)
    model = build_model(config)
    # Seconds of each step: the first, which compiles, must not count, and of the others the median does.
    lengths = chain([0.4, 0.02, 0.6, 0.06], repeat(9.0))
    called = []

    def step() -> None:
        called.append(True)
        time.sleep(next(lengths))

    run = describe_run(config, model, step, pictures=103, batch=10, epochs=7)
    assert len(called) == 4
    assert 0.06 <= run.seconds_per_step < 0.2
    assert run.steps_per_epoch == 11
    assert run.seconds_per_epoch == pytest.approx(11 * run.seconds_per_step)
    assert run.seconds == pytest.approx(77 * run.seconds_per_step)
    assert run.pieces == stage_costs(config)
    assert run.macs == sum(piece.macs for piece in stage_costs(config))
    assert run.parameters == sum(int(w.numpy().size) for w in model.trainable_weights)
    assert run.memory == memory_estimate(model, 10)

    plain = json.loads(json.dumps(run.to_dict()))
    assert plain["memory"]["total"] == run.memory.total
    assert [piece["piece"] for piece in plain["pieces"]] == ["stage_1", "context", "stage_2", "stage_3"]
    assert plain["seconds"] == run.seconds

    out = Console(file=io.StringIO(), width=100)
    out.print(estimate_table(run))
    text = out.file.getvalue()  # type: ignore[attr-defined]
    for part in (f"{run.parameters:,}", "stage 3", "103 in batches of 10", "11", "all 7 epochs", "MiB"):
        assert part in text


@pytest.mark.parametrize(("seconds", "said"), [(5.04, "5.0 s"), (61, "1 min 01 s"), (3 * 3600 + 299, "3 h 04 min")])
def test_durations(seconds: float, said: str) -> None:
    from dataclasses import replace

    config = preset("tiny", SCHEMA)
    run = describe_run(config, small(), lambda: None, pictures=1, batch=1, epochs=1)
    out = Console(file=io.StringIO(), width=100)
    out.print(estimate_table(replace(run, seconds_per_step=seconds)))
    assert said in out.file.getvalue()  # type: ignore[attr-defined]


def test_networks_without_stages_are_counted_by_branch() -> None:
    config = preset("fashionnet", SCHEMA, width=0.125)
    run = describe_run(config, small(), lambda: None, pictures=4, batch=2, epochs=1)
    assert run.pieces == network_for(config).costs(config)
    assert run.pieces[0].piece == "trunk"
    assert run.to_dict()["macs"] == sum(piece.macs for piece in run.pieces) > 0
