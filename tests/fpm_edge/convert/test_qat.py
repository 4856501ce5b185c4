"""Quantization-aware training on a tiny network: what it changes, what it keeps, what it hands to conversion."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from safetensors.numpy import load_file

from fpm_edge.accuracy.predict import predict_network, truth_of
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.qat import fine_tune
from fpm_edge.convert.quantized import FLOAT_FOLDER, is_qat_folder, load_any, save_qat
from fpm_edge.data import Dataset, load_dataset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import training_outputs
from fpm_edge.model.store import load_model, named_weights
from fpm_edge.train.loop import CHECKPOINT, make_step
from fpm_edge.train.objective import Goal, objective_for
from fpm_edge.train.pipeline import training_batches
from fpm_edge.train.quantizers import Quantizers
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_converters import fake_quantized, freeze_ranges, quantized_layers, recorded_ranges
from fpm_edge_runtime.errors import UsageError

SETTINGS = TrainSettings(epochs=2, batch=8, learning_rate=1e-4)


def changed(**changes: Any) -> TrainSettings:
    return msgspec.structs.replace(SETTINGS, **changes)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("rendered:24@1/64")


@pytest.fixture(scope="module")
def start(tiny_model: Path) -> tuple[Any, Any]:
    """Configuration and float network: the first two of three stages."""
    return fold_batch_norm(*load_model(tiny_model, stages=2))


@pytest.fixture(scope="module")
def qat_model(start: tuple[Any, Any], dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qat") / "qat"
    config, network = start
    quantized = fine_tune(config, network, dataset, SETTINGS, folder)
    save_qat(folder, config, network, quantized)
    return folder


def test_weights_and_ranges_have_moved(qat_model: Path, tiny_model: Path) -> None:
    trained = load_any(qat_model)
    assert trained.quantized is not None
    start = {w.name: w.numpy() for w in trained.network.weights}
    moved = {w.name.removeprefix("quant_"): w.numpy() for w in trained.quantized.weights}
    changed = [name for name, value in start.items() if not np.array_equal(value, moved[name])]
    assert len(changed) == len(start)
    assert not np.isnan(np.concatenate([value.ravel() for value in moved.values()])).any()
    # The maps' range is fixed whatever the training does.
    saved = load_file(qat_model / "weights.safetensors")
    assert saved["quant_heatmap_2/output_min"] == 0.0
    assert saved["quant_heatmap_2/output_max"] == 1.0
    assert saved["quant_features/output_max"] > 0.0


def test_the_float_model_is_kept_beside(qat_model: Path, tiny_model: Path) -> None:
    assert is_qat_folder(qat_model)
    assert not is_qat_folder(tiny_model)
    _, expected = fold_batch_norm(*load_model(tiny_model, stages=2))
    _, kept = load_model(qat_model / FLOAT_FOLDER)
    for first, second in zip(expected.weights, kept.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_it_stays_close_to_float(qat_model: Path) -> None:
    trained = load_any(qat_model)
    assert trained.quantized is not None
    image = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    for plain, quantized in zip(
        trained.network(image, training=False), trained.quantized(image, training=False), strict=True
    ):
        assert np.abs(plain.numpy() - quantized.numpy()).mean() < 0.05


def test_convert_uses_the_trained_ranges(qat_model: Path, calibration_data: Any, tmp_path: Path) -> None:
    result = convert(
        qat_model, tmp_path / "qat.fpm", precision="int8", calibration=Calibration(calibration_data, samples=16)
    )
    assert result.manifest.quantization.method == "qat"
    assert result.manifest.stages == 2
    card = result.manifest.calibration
    assert card is not None
    saved = load_file(qat_model / "weights.safetensors")
    assert card.ranges["features"][1] == pytest.approx(float(saved["quant_features/output_max"]))
    features = next(
        spec for piece in result.manifest.pieces["tflite"] for spec in piece.outputs if spec.name == "features"
    )
    assert features.scale == pytest.approx(float(saved["quant_features/output_max"]) / 255.0, rel=1e-3)


# ---- the float network as teacher ----


def goal_of(config: Any, dataset: Dataset) -> Goal:
    batch = next(training_batches(dataset, config, SETTINGS, 0))
    image = tf.cast(batch.image, tf.float32) / 255.0
    return Goal(image, batch.landmarks, batch.visibility, batch.category, tf.constant(1.25), tf.constant(0.0))


def test_equal_networks_have_nothing_to_learn(start: tuple[Any, Any], dataset: Dataset) -> None:
    config, network = start
    goal = goal_of(config, dataset)
    objective = objective_for(config, changed(truth_weight=0.0, float_weight=3.0), reference=network)
    heads = training_outputs(network)(goal.image)
    np.testing.assert_array_equal(objective.losses(heads, goal), np.zeros((SETTINGS.batch, 2)))
    # What the clip hides costs nothing, on either side.
    hidden = [tf.where(maps <= 0.0, maps - 1.0, tf.where(maps >= 1.0, maps + 1.0, maps)) for maps in heads]
    np.testing.assert_array_equal(objective.losses(hidden, goal), np.zeros((SETTINGS.batch, 2)))
    # Each stage is held to its own maps.
    moved = objective.losses([heads[0], heads[1] + 0.1], goal).numpy()
    assert (moved[:, 0] == 0.0).all()
    assert (moved[:, 1] > 0.0).all()


def test_the_teacher_teaches_the_landmarks_of_the_category(start: tuple[Any, Any], dataset: Dataset) -> None:
    config, network = start
    goal = goal_of(config, dataset)
    objective = objective_for(config, changed(truth_weight=0.0, float_weight=1.0), reference=network)

    def loss(tensor: Any, picture: int) -> NDArray[np.float32]:
        values: NDArray[np.float32] = objective.losses([tensor, tensor], goal).numpy()[picture]
        return values

    maps = training_outputs(network)(goal.image)[0]
    own = config.schema.landmarks_of(list(config.schema.categories)[int(goal.category[0])])
    for landmark in range(config.maps):
        far = maps + 2.0 * tf.one_hot(landmark, config.maps)
        changed_loss = not np.array_equal(loss(far, 0), loss(maps, 0))
        assert changed_loss == (landmark in own or landmark == config.maps - 1)


def disagreement(config: Any, network: Any, quantized: Any, data: Dataset) -> float:
    """Mean distance between the labelled landmarks of both networks over all stages, pixels."""
    found = [predict_network(model, config, data).landmarks for model in (network, quantized)]
    apart = np.linalg.norm(found[0] - found[1], axis=-1).mean(axis=1)
    return float(apart[truth_of(data).visibility >= 0].mean())


def test_with_the_teacher_answers_stay_closer(
    start: tuple[Any, Any], dataset: Dataset, calibration_data: Any, tmp_path: Path
) -> None:
    config, network = start
    found = {}
    for weight in (0.0, 10.0):
        settings = changed(learning_rate=1e-3, float_weight=weight)
        quantized = fine_tune(config, network, dataset, settings, tmp_path / str(weight))
        found[weight] = disagreement(config, network, quantized, calibration_data)
    assert found[10.0] < 0.7 * found[0.0]


# ---- ranges ----


class _Fixed:
    """Says the same of every tensor, whatever it saw."""

    name = "fixed"

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        self.seen |= set(values)

    def ranges(self) -> dict[str, tuple[float, float]]:
        return dict.fromkeys(self.seen, (0.0, 3.25))


def test_ranges_start_from_any_estimator_and_stay_where_they_are_told_to(
    start: tuple[Any, Any], dataset: Dataset, tmp_path: Path
) -> None:
    config, network = start
    settings = changed(epochs=1, freeze_ranges_after=0.0)
    still = fine_tune(config, network, dataset, settings, tmp_path / "still", estimator=_Fixed())
    settings = changed(epochs=1)
    moving = fine_tune(config, network, dataset, settings, tmp_path / "moving", estimator=_Fixed())
    calibrated = quantized_layers(still)
    assert {recorded_ranges(still)[name] for name in calibrated} == {(0.0, 3.25)}
    assert all(recorded_ranges(moving)[name] != (0.0, 3.25) for name in calibrated)


def test_ranges_move_until_they_are_frozen(start: tuple[Any, Any], dataset: Dataset) -> None:
    config, network = start
    quantized = fake_quantized(network)
    before = named_weights(quantized)
    quantizers = Quantizers(network, partial(freeze_ranges, quantized))
    step, _ = make_step(quantized, config, changed(freeze_ranges_after=0.5), quantizers=quantizers)
    batch = next(training_batches(dataset, config, SETTINGS, 0))
    found = [recorded_ranges(quantized)]
    for number in range(4):
        step(batch, SETTINGS.batch, number, 4)
        found.append(recorded_ranges(quantized))
    for name in quantized_layers(quantized):
        first, second, third, fourth, fifth = (ranges[name] for ranges in found)
        assert first != second != third
        assert third == fourth == fifth
    # That they are frozen is known to the training, and to no file.
    assert named_weights(quantized).keys() == before.keys()


# ---- rates, resume, settings ----


def test_a_stage_with_rate_zero_is_left_as_it_is(start: tuple[Any, Any], dataset: Dataset, tmp_path: Path) -> None:
    config, network = start
    settings = changed(epochs=1, stage_rates=(0.0, 1.0), float_weight=1.0)
    trained = named_weights(fine_tune(config, network, dataset, settings, tmp_path))
    same = {
        name.split("/")[0] for name, w in named_weights(network).items() if np.array_equal(w, trained[f"quant_{name}"])
    }
    # The stem is stage 1's, x' is stage 2's.
    layers = {name.split("/")[0] for name in named_weights(network)}
    assert same == {name for name in layers if name.startswith(("stem", "stage_1"))}
    assert {name for name in layers if name.startswith(("context", "stage_2"))} == layers - same


def test_a_run_that_stopped_ends_as_one_that_did_not(start: tuple[Any, Any], dataset: Dataset, tmp_path: Path) -> None:
    config, network = start
    # Six steps; ranges stay from the last but one on, after the break.
    settings = changed(
        float_weight=1.0, freeze_ranges_after=0.75, stage_rates=(0.5, 1.0), augmentation=Augmentation(), ema=0.9
    )

    class StopError(Exception):
        pass

    def stop(log: Any) -> None:
        raise StopError

    whole = fine_tune(config, network, dataset, settings, tmp_path / "whole")
    with pytest.raises(StopError):
        fine_tune(config, network, dataset, settings, tmp_path / "stopped", on_epoch=stop)
    # Ranges come from the checkpoint, not from the estimator once more.
    resumed = fine_tune(config, network, dataset, settings, tmp_path / "stopped", resume=True, estimator=_Fixed())
    for name, array in named_weights(whole).items():
        np.testing.assert_array_equal(array, named_weights(resumed)[name], err_msg=name)
    first, second = (load_file(tmp_path / name / CHECKPOINT) for name in ("whole", "stopped"))
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    with pytest.raises(UsageError, match="other settings"):
        fine_tune(config, network, dataset, changed(float_weight=2.0), tmp_path / "stopped", resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"float_weight": -1.0}, "float_weight is -1.0; expected zero or a positive"),
        ({"truth_weight": float("nan")}, "truth_weight is nan; expected zero or a positive"),
        ({"truth_weight": 0.0}, "truth_weight is 0, which leaves nothing to learn from"),
        ({"freeze_ranges_after": 1.5}, "freeze_ranges_after is 1.5; expected a share from 0 to 1"),
        ({"stage_rates": (1.0, -1.0)}, r"stage_rates is \[1.0, -1.0\]; expected zeros and positive numbers"),
        ({"stage_rates": (0.0, 0.0)}, "not all zero"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        changed(**settings)


def test_settings_that_need_quantizers(start: tuple[Any, Any]) -> None:
    config, network = start
    for name, value in (("float_weight", 1.0), ("freeze_ranges_after", 0.5)):
        with pytest.raises(UsageError, match=f"{name} is {value}, which is for quantization-aware training"):
            make_step(network, config, changed(**{name: value}))
