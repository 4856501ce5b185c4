"""The training step: micro-batches, 16 bits, XLA, averages, schedules, teachers."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from safetensors.numpy import load_file

from fpm_edge.data import Dataset, load_dataset
from fpm_edge.model import ModelConfig, preset
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for
from fpm_edge.train.batches import Batch
from fpm_edge.train.distribute import Place, Team, alone
from fpm_edge.train.loop import make_step, train
from fpm_edge.train.objective import Teacher
from fpm_edge.train.pipeline import training_batches
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime.errors import UsageError

SETTINGS = TrainSettings(epochs=2, batch=6, learning_rate=1e-3, augmentation=Augmentation())
TOTAL = 10


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("rendered:12@3/64")


@pytest.fixture(scope="module")
def config(schema24: Any) -> NetworkConfig:
    return preset("tiny", schema24, stages=1)


@pytest.fixture(scope="module")
def staged(schema24: Any) -> NetworkConfig:
    """For what stages have to do with each other, also in 16 bits and in XLA; it takes twice as long to trace."""
    return preset("tiny", schema24, stages=2)


@pytest.fixture(scope="module")
def plain(schema24: Any) -> NetworkConfig:
    """Without batch normalisation a picture's gradient does not depend on the others of its batch."""
    return preset("tiny", schema24, stages=1, batch_norm=False)


def changed(**changes: Any) -> TrainSettings:
    return msgspec.structs.replace(SETTINGS, **changes)


def batch_of(dataset: Dataset, config: NetworkConfig) -> Batch:
    return next(training_batches(dataset, config, SETTINGS, 0))


def one_step(config: NetworkConfig, dataset: Dataset, settings: TrainSettings, **options: Any) -> tuple[Any, Any, Any]:
    """Losses of a first step, Adam's first moments after it (a tenth of the gradient), and the model."""
    tf_keras.utils.set_random_seed(0)
    model = network_for(config).build(config, policy=settings.precision)
    step, optimizer = make_step(model, config, settings, **options)
    losses = step(batch_of(dataset, config), settings.batch, 0, TOTAL).numpy()
    shapes = [tuple(v.shape) for v in model.trainable_weights]
    # Step count, then both moments of each weight in turn.
    moments = [v.numpy() for v in list(optimizer.variables)[1 : 1 + 2 * len(shapes) : 2]]
    assert [m.shape for m in moments] == shapes
    return losses, moments, model


def assert_close(first: list[Any], second: list[Any], share: float) -> None:
    for a, b in zip(first, second, strict=True):
        assert np.abs(a - b).max() <= share * np.abs(a).max() + 1e-7


@pytest.fixture(scope="module")
def usual(config: NetworkConfig, dataset: Dataset) -> tuple[Any, Any]:
    """Losses and moments of a step with nothing special."""
    return one_step(config, dataset, SETTINGS)[:2]


@pytest.fixture(scope="module")
def usual_staged(staged: NetworkConfig, dataset: Dataset) -> tuple[Any, Any]:
    return one_step(staged, dataset, SETTINGS)[:2]


@pytest.fixture(scope="module")
def usual_plain(plain: NetworkConfig, dataset: Dataset) -> tuple[Any, Any]:
    return one_step(plain, dataset, SETTINGS)[:2]


@pytest.mark.parametrize("size", [1, 4, 6, 9])
def test_micro_batches_add_up_to_the_batch(
    usual_plain: tuple[Any, Any], plain: NetworkConfig, dataset: Dataset, size: int
) -> None:
    losses, moments = usual_plain
    found, summed, _ = one_step(plain, dataset, changed(micro_batch=size))
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    assert_close(moments, summed, 1e-4)


def test_xla_computes_the_same(usual_staged: tuple[Any, Any], staged: NetworkConfig, dataset: Dataset) -> None:
    losses, moments = usual_staged
    found, compiled, _ = one_step(staged, dataset, changed(xla=True))
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    assert_close(moments, compiled, 1e-3)


def test_xla_cannot_normalise_over_devices(config: NetworkConfig, plain: NetworkConfig) -> None:
    several = Team(tf.distribute.get_strategy(), Place(2, 0, 2), workers=1, chief=True)
    with pytest.raises(UsageError, match="XLA cannot compile batch normalisation over several devices"):
        make_step(network_for(config).build(config), config, changed(xla=True), team=several)
    make_step(network_for(plain).build(plain), plain, changed(xla=True), team=several)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_sixteen_bits_give_nearly_the_same_gradient(
    usual_staged: tuple[Any, Any], staged: NetworkConfig, dataset: Dataset, precision: str
) -> None:
    losses, moments = usual_staged
    found, rough, model = one_step(staged, dataset, changed(precision=precision))
    np.testing.assert_allclose(found, losses, rtol=0.03)
    for a, b in zip(moments, rough, strict=True):
        if np.abs(a).max() > 1e-3:
            cosine = float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
            assert cosine > 0.9
    assert {weight.dtype for weight in model.weights} == {tf.float32}
    assert {layer.compute_dtype for layer in model.layers} >= {precision.removeprefix("mixed_"), "float32"}


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_sixteen_bits_resume_bit_equal(config: NetworkConfig, dataset: Dataset, tmp_path: Path, precision: str) -> None:
    """The scale of float16's loss is part of the state."""
    settings = changed(precision=precision, epochs=2)

    def run(folder: Path, **options: Any) -> None:
        tf_keras.utils.set_random_seed(0)
        model = network_for(config).build(config, policy=precision)
        train(model, config, dataset, settings, folder, **options)

    class StopError(Exception):
        pass

    def stop(log: Any) -> None:
        raise StopError

    run(tmp_path / "whole")
    with pytest.raises(StopError):
        run(tmp_path / "stopped", on_epoch=stop)
    run(tmp_path / "stopped", resume=True)
    whole, stopped = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "stopped"))
    assert whole.keys() == stopped.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(array, stopped[name], err_msg=name)
    if precision == "mixed_float16":
        assert max(float(array) for array in whole.values() if array.ndim == 0 and array.dtype == np.float32) > 1.0


def test_the_average_of_the_weights_is_what_is_kept(config: NetworkConfig, dataset: Dataset, tmp_path: Path) -> None:
    tf_keras.utils.set_random_seed(0)
    model = network_for(config).build(config)
    start = {v.name: v.numpy() for v in model.trainable_weights}
    train(model, config, dataset, changed(ema=0.9), tmp_path)
    last = load_file(tmp_path / "checkpoint.safetensors")
    name = "stem_1_conv/kernel"
    kept = next(v.numpy() for v in model.trainable_weights if v.name == f"{name}:0")
    # Four steps at decay 0.9: the average has gone about a quarter of the way.
    way = float(np.linalg.norm(kept - start[f"{name}:0"]) / np.linalg.norm(last[f"model/{name}"] - start[f"{name}:0"]))
    assert 0.1 < way < 0.5


def test_long_gradients_are_shortened(usual: tuple[Any, Any], config: NetworkConfig, dataset: Dataset) -> None:
    _, moments = usual
    _, clipped, _ = one_step(config, dataset, changed(clip_norm=0.5))
    norms = [float(np.sqrt(sum((m.astype(np.float64) ** 2).sum() for m in each))) * 10 for each in (moments, clipped)]
    assert norms[0] > 0.6
    assert norms[1] == pytest.approx(0.5, rel=1e-3)
    assert_close([m * norms[1] / norms[0] for m in moments], clipped, 1e-3)


def test_a_wider_peak_is_what_the_step_is_told(config: NetworkConfig, dataset: Dataset) -> None:
    narrow, _, _ = one_step(config, dataset, changed(sigma=1.0))
    wide, _, _ = one_step(config, dataset, changed(sigma=2.0))
    first, _, _ = one_step(config, dataset, changed(sigma=2.0, sigma_end=1.0))
    np.testing.assert_array_equal(wide, first)
    # Untrained maps are near zero, so the loss is about the energy of the ideal ones, which grows with sigma².
    assert 2.5 < wide[0] / narrow[0] < 5.0


# ---- learning from maps ----


def teacher_like(config: NetworkConfig, value: float) -> Teacher:
    """A network whose every map is `value`."""
    model = network_for(config).build(config)
    for variable in model.weights:
        if variable.name.endswith("_head/bias:0"):
            variable.assign(tf.fill(variable.shape, value))
        elif variable.name.endswith("_head/kernel:0"):
            variable.assign(tf.zeros(variable.shape))
    return Teacher(config, model, "teacher")


@pytest.mark.parametrize("side", [64, 96])
def test_a_teacher_adds_the_distance_to_its_last_maps(
    usual_staged: tuple[Any, Any], staged: NetworkConfig, dataset: Dataset, side: int
) -> None:
    assert isinstance(staged, ModelConfig)
    tutor = teacher_like(msgspec.structs.replace(staged, input_width=side, input_height=side), 0.25)
    losses, _ = usual_staged
    taught, _, _ = one_step(staged, dataset, changed(teacher_weight=2.0), teacher=tutor)
    tf_keras.utils.set_random_seed(0)
    step, _ = make_step(network_for(staged).build(staged), staged, changed(augmentation=None))
    batch = batch_of(dataset, staged)
    cells = staged.map_size[0] * staged.map_size[1]
    # Untrained landmark maps are about 0 and the background is about 1: 0.25² and 0.75² a cell.
    labelled = float((batch.visibility.numpy() >= 0).sum()) / SETTINGS.batch
    expected = 2.0 * cells * (labelled * 0.25**2 + 0.75**2)
    np.testing.assert_allclose(taught - losses, expected, rtol=0.25)
    assert step.objective.terms == ("stage_1", "stage_2")


def test_a_teacher_needs_a_weight_and_a_weight_a_teacher(config: NetworkConfig, schema24: Any) -> None:
    model = network_for(config).build(config)
    with pytest.raises(UsageError, match="needs both a teacher and a teacher_weight above 0"):
        make_step(model, config, changed(teacher_weight=1.0))
    with pytest.raises(UsageError, match="needs both"):
        make_step(model, config, SETTINGS, teacher=teacher_like(config, 0.0))
    for kind in ("fashionnet", "oneshot"):
        wrong = preset(kind, schema24, input_size=(64, 64), width=0.0625)
        with pytest.raises(UsageError, match=f"'tiny' cannot learn from '{kind}-w0.0625'; a teacher is a Fashion Pose"):
            make_step(model, config, changed(teacher_weight=1.0), teacher=Teacher(wrong, model, "teacher"))
    other = preset("oneshot", schema24, input_size=(64, 64), width=0.0625)
    student = network_for(other).build(other)
    with pytest.raises(UsageError, match="only networks with stages of heatmaps learn from a teacher's"):
        make_step(student, other, changed(teacher_weight=1.0), teacher=teacher_like(config, 0.0))
    # It has no earlier stage that its answer could draw.
    make_step(student, other, changed(self_weight=1.0))


def test_earlier_stages_learn_from_the_last_one(
    usual_staged: tuple[Any, Any], staged: NetworkConfig, dataset: Dataset
) -> None:
    losses, _ = usual_staged
    found, _, _ = one_step(staged, dataset, changed(self_weight=1.0))
    assert found[0] > losses[0]
    assert found[1] == losses[1]


def test_the_truth_can_be_left_out(
    usual_staged: tuple[Any, Any], staged: NetworkConfig, dataset: Dataset, schema24: Any
) -> None:
    losses, _ = usual_staged
    tutor = teacher_like(staged, 0.25)
    both, _, _ = one_step(staged, dataset, changed(teacher_weight=2.0), teacher=tutor)
    alone_, _, _ = one_step(staged, dataset, changed(teacher_weight=2.0, truth_weight=0.0), teacher=tutor)
    np.testing.assert_allclose(both - losses, alone_, rtol=1e-4)
    other = preset("oneshot", schema24, input_size=(64, 64), width=0.0625)
    with pytest.raises(UsageError, match="it learns from the truth alone; leave the training setting truth_weight"):
        make_step(network_for(other).build(other), other, changed(truth_weight=0.5))


# ---- a rate for each stage ----


def steps_of(config: NetworkConfig, dataset: Dataset, settings: TrainSettings) -> dict[str, Any]:
    """How far a first step moves each weight. Adam's moves nearly every number by the learning rate."""
    tf_keras.utils.set_random_seed(0)
    model = network_for(config).build(config)
    before = {v.name: v.numpy() for v in model.trainable_weights}
    step, _ = make_step(model, config, settings)
    step(batch_of(dataset, config), settings.batch, 0, TOTAL)
    return {v.name: v.numpy() - before[v.name] for v in model.trainable_weights}


def test_each_stage_has_its_own_rate(staged: NetworkConfig, dataset: Dataset) -> None:
    plain = steps_of(staged, dataset, SETTINGS)
    scaled = steps_of(staged, dataset, changed(stage_rates=(0.25, 1.0)))
    for name, moved in plain.items():
        factor = 0.25 if name.startswith(("stem", "features", "stage_1")) else 1.0
        np.testing.assert_allclose(scaled[name], factor * moved, atol=1e-3 * SETTINGS.learning_rate, err_msg=name)
    assert any(name.startswith("context") for name in plain)


def test_a_rate_for_each_stage_or_none(staged: NetworkConfig, schema24: Any) -> None:
    model = network_for(staged).build(staged)
    with pytest.raises(UsageError, match="stage_rates has 3 rates; model 'tiny' has 2 stages"):
        make_step(model, staged, changed(stage_rates=(1.0, 1.0, 1.0)))
    other = preset("oneshot", schema24, input_size=(64, 64), width=0.0625)
    with pytest.raises(UsageError, match="has no stages; leave the training setting stage_rates out"):
        make_step(network_for(other).build(other), other, changed(stage_rates=(1.0,)))


@pytest.mark.parametrize("name", ["fashionnet", "oneshot", "cpm"])
def test_every_kind_learns(schema24: Any, dataset: Dataset, tmp_path: Path, name: str) -> None:
    stages = 2 if name == "cpm" else None
    config = preset(name, schema24, stages=stages, input_size=(64, 64), width=0.0625, batch_norm=True)
    model = network_for(config).build(config)
    logs: list[Any] = []
    train(model, config, dataset, changed(epochs=3, learning_rate=3e-3), tmp_path, on_epoch=logs.append)
    assert all(np.isfinite(log.losses).all() for log in logs)
    assert logs[-1].losses[0] < logs[0].losses[0]
    expected = {
        "fashionnet": ("landmarks", "visibility", "category"),
        "oneshot": ("heatmaps",),
        "cpm": ("stage_1", "stage_2"),
    }
    assert logs[0].terms == expected[name]


def test_picture_losses_are_of_each_picture_alone(staged: NetworkConfig, dataset: Dataset) -> None:
    tf_keras.utils.set_random_seed(0)
    step, _ = make_step(network_for(staged).build(staged), staged, SETTINGS, team=alone())
    batch = batch_of(dataset, staged)
    together = step.picture_losses(batch, 0, TOTAL)
    assert together.shape == (6, 2)
    np.testing.assert_allclose(step.picture_losses(batch.part(4, 1), 0, TOTAL), together[4:5], rtol=1e-4)
