"""The training loop: it learns, and a run that was killed ends as one that was not."""

import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load, load_file
from zygote import Child, Surroundings, Zygote

from fpm_edge.data import Dataset, load_dataset
from fpm_edge.model import ModelConfig, preset
from fpm_edge.model.network import build_model
from fpm_edge.train import pipeline
from fpm_edge.train.distribute import ALONE, Team
from fpm_edge.train.loop import CHECKPOINT, EpochLog, train
from fpm_edge.train.pipeline import batch_indices
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.run_record import check_run, record_run
from fpm_edge.train.seen import Seen
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge.train.step import TrainStep
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import ModelError, SchemaError, UsageError

SETTINGS = TrainSettings(epochs=1, batch=4, learning_rate=1e-3, augmentation=Augmentation())

# Run in a process of its own. Usage: FOLDER [--resume].
PROGRAM = """
import sys
from pathlib import Path

import msgspec
import tensorflow as tf

from fpm_edge.data import load_dataset
from fpm_edge.model import preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import save_model
from fpm_edge.train.loop import train
from fpm_edge.train.recipes import RECIPES


tf.config.experimental.enable_op_determinism()
dataset = load_dataset("rendered:32@3/64")
settings = msgspec.structs.replace(RECIPES["lite"], epochs=3, batch=4, checkpoint_minutes=1e-9)
tf.keras.utils.set_random_seed(0)
config = preset("tiny", dataset.schema, stages=2)
model = build_model(config)
folder = Path(sys.argv[1])
train(model, config, dataset, settings, folder, resume="--resume" in sys.argv)
save_model(folder, config, model)
"""


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("rendered:8@3/64")


@pytest.fixture(scope="module")
def whole(trainers: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `PROGRAM` run without a break."""
    folder = tmp_path_factory.mktemp("whole")
    child = trainers.start([str(folder / "run")], Surroundings(folder), folder, program=PROGRAM)
    _, error = child.communicate()
    assert child.returncode == 0, error
    return folder / "run"


@pytest.fixture(scope="module")
def config(schema24: Any) -> ModelConfig:
    return msgspec.structs.replace(preset("tiny", schema24), stages=1)


def position(checkpoint: Path) -> list[int]:
    """Epoch, step in it, and steps in all; zeros while there is no checkpoint."""
    if not checkpoint.exists():
        return [0, 0, 0]
    return [int(v) for v in load(checkpoint.read_bytes())["position"]]


def wait_for(condition: Callable[[], bool], process: Child) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"ended early with {process.returncode}: {process.communicate()[1]}")
        if time.monotonic() > deadline:
            pytest.fail("nothing happened for two minutes")
        time.sleep(0.002)


def assert_same_arrays(first: Path, second: Path) -> None:
    a, b = load_file(first), load_file(second)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_a_network_of_another_precision_is_refused(dataset: Dataset, config: ModelConfig, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(RECIPES["lite"], precision="mixed_bfloat16")
    with pytest.raises(UsageError, match=r"precision is mixed_bfloat16, but the network was built for float32"):
        train(build_model(config), config, dataset, settings, tmp_path / "run")
    with pytest.raises(UsageError, match=r"precision is float32, but the network was built for bfloat16"):
        train(build_model(config, policy="mixed_bfloat16"), config, dataset, RECIPES["lite"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_it_learns(tiny_training: tuple[Path, list[EpochLog]]) -> None:
    _, logs = tiny_training
    assert [log.epoch for log in logs] == list(range(1, 11))
    assert logs[0].terms == ("stage_1", "stage_2", "stage_3")
    first, last = np.array(logs[0].losses), np.array(logs[-1].losses)
    assert first.shape == (3,)
    assert (last < 0.8 * first).all()
    # Later stages see the maps of earlier ones, and do better.
    assert last[2] < 0.9 * last[0]


def test_all_stages_are_trained_jointly(dataset: Dataset, schema24: Any, tmp_path: Path) -> None:
    config = preset("tiny", schema24)
    model = build_model(config)
    before = {v.name: v.numpy() for v in model.trainable_weights}
    train(model, config, dataset.subset(range(4)), SETTINGS, tmp_path)
    still = [v.name for v in model.trainable_weights if np.array_equal(before[v.name], v.numpy())]
    assert still == []


def test_a_run_killed_with_minus_9_ends_as_if_it_had_not_been(
    tmp_path: Path, start_trainer: Callable[..., Child], whole: Path
) -> None:
    folder = tmp_path / "run"
    killed = start_trainer([str(folder)], program=PROGRAM)
    try:
        wait_for(lambda: position(folder / CHECKPOINT)[2] >= 10, killed)
    finally:
        killed.kill()
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    epoch, _, step = position(folder / CHECKPOINT)
    assert 10 <= step < 24
    assert epoch >= 1
    assert not (folder / "weights.safetensors").exists()

    resumed = start_trainer([str(folder), "--resume"], program=PROGRAM)
    _, error = resumed.communicate()
    assert resumed.returncode == 0, error
    assert position(whole / CHECKPOINT) == [3, 0, 24]
    for file in (CHECKPOINT, "weights.safetensors"):
        assert_same_arrays(folder / file, whole / file)
    assert (folder / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_control_c_leaves_a_checkpoint_and_exit_code_130(tmp_path: Path, start_trainer: Callable[..., Child]) -> None:
    folder = tmp_path / "run"
    command = ["train", "--model", "tiny", "--recipe", "lite", "--stages", "1"]
    command += ["--epochs", "2000", "--batch", "4", "--data", "rendered:64@3/64", "-o", str(folder)]
    process = start_trainer(command)
    try:
        wait_for(lambda: position(folder / CHECKPOINT)[0] >= 1, process)
        seen = position(folder / CHECKPOINT)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stdout == ""
    assert "continue with the same command and --resume" in stderr
    assert "fpm-edge: interrupted" in stderr
    assert "Traceback" not in stderr
    epoch, step_in_epoch, step = position(folder / CHECKPOINT)
    assert step >= seen[2]
    assert step == 16 * epoch + step_in_epoch
    assert not list(folder.glob(".*.part"))
    assert not (folder / "weights.safetensors").exists()

    other = start_trainer([*command, "--resume", "--epochs", "3"])
    _, error = other.communicate()
    assert other.returncode == 2
    assert "its checkpoint was made with other settings or data" in error


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Ctrl-C at step `at`. As Python acts on signals between bytecodes, it comes when TensorFlow's step is done."""
    step = TrainStep.__call__

    def interrupted(self: TrainStep, batch: Any, count: int, number: int, total: int) -> Any:
        losses = step(self, batch, count, number, total)
        if number == at:
            signal.raise_signal(signal.SIGINT)
        return losses

    monkeypatch.setattr(TrainStep, "__call__", interrupted)


def test_control_c_repeats_no_step(
    dataset: Dataset, config: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = msgspec.structs.replace(SETTINGS, epochs=2)
    start = build_model(config).get_weights()

    def run(folder: Path, resume: bool = False) -> tuple[EpochLog, ...]:
        model = build_model(config)
        model.set_weights(start)
        return train(model, config, dataset, settings, folder, resume=resume)

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt(patch, at=2)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped")
    resumed = run(tmp_path / "stopped", resume=True)
    assert_same_arrays(tmp_path / "stopped" / CHECKPOINT, tmp_path / "whole" / CHECKPOINT)
    # The log is that of the whole run as well, also when there is nothing left to do.
    for logs in (resumed, run(tmp_path / "stopped", resume=True)):
        assert [(log.epoch, log.losses) for log in logs] == [(log.epoch, log.losses) for log in whole]


def test_a_checkpoint_is_not_overwritten_and_not_invented(
    dataset: Dataset, config: ModelConfig, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="there is no checkpoint to resume; start without --resume"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path, resume=True)
    train(build_model(config), config, dataset, SETTINGS, tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(UsageError, match="holds a checkpoint already; continue it with --resume"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path)
    other_data = dataset.subset(range(7))
    other_config = msgspec.structs.replace(config, name="other")
    for model_config, data, settings in (
        (config, dataset, msgspec.structs.replace(SETTINGS, learning_rate=2e-3)),
        (config, dataset, msgspec.structs.replace(SETTINGS, augmentation=None)),
        (config, other_data, SETTINGS),
        (config, dataset.subset(reversed(range(len(dataset)))), SETTINGS),
        (other_config, dataset, SETTINGS),
    ):
        with pytest.raises(UsageError, match="made with other settings or data"):
            train(build_model(config), model_config, data, settings, tmp_path, resume=True)
    with pytest.raises(UsageError, match="from other weights"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path, origin="another model", resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    # A finished run that is resumed has nothing left to do.
    train(build_model(config), config, dataset, SETTINGS, tmp_path, resume=True)
    assert position(tmp_path / CHECKPOINT) == [1, 0, 2]


def test_a_setting_that_a_record_does_not_know_had_its_default(tmp_path: Path) -> None:
    """Runs of versions without a setting can be resumed by those that have it."""

    def record(settings: TrainSettings) -> dict[str, Any]:
        return {"settings": msgspec.to_builtins(settings), "data": "garments"}

    (tmp_path / CHECKPOINT).touch()
    earlier = record(SETTINGS)
    for name in ("float_weight", "truth_weight", "stage_rates", "freeze_ranges_after"):
        del earlier["settings"][name]
    record_run(tmp_path, earlier, Seen.of(load_dataset("rendered:1@3/64")))
    check_run(tmp_path, record(SETTINGS))
    for changes in ({"truth_weight": 0.5}, {"stage_rates": (0.5, 1.0)}):
        with pytest.raises(UsageError, match="made with other settings or data"):
            check_run(tmp_path, record(msgspec.structs.replace(SETTINGS, **changes)))
    with pytest.raises(UsageError, match="made with other settings or data"):
        check_run(tmp_path, record(SETTINGS) | {"data": "photographs"})


def test_a_damaged_checkpoint(dataset: Dataset, config: ModelConfig, tmp_path: Path) -> None:
    train(build_model(config), config, dataset, SETTINGS, tmp_path)
    checkpoint = tmp_path / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path, resume=True)


def test_data_of_another_schema(dataset: Dataset, tmp_path: Path) -> None:
    config = preset("tiny", load_schema("deepfashion8"))
    with pytest.raises(SchemaError, match="has schema 'fashionai24', the model 'deepfashion8'"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_goes_back_to_the_checkpoint_and_names_the_pictures(
    dataset: Dataset, config: ModelConfig, tmp_path: Path
) -> None:
    # With this rate the maps grow beyond float32 in one step, so that the loss is infinite in the second.
    settings = TrainSettings(epochs=5, batch=4, learning_rate=1e25)
    model = build_model(config)
    start = model.get_weights()
    with pytest.raises(ModelError) as caught:
        train(model, config, dataset, settings, tmp_path)
    message = str(caught.value)
    assert re.search(r"the loss became (inf|nan) at step 1 \(epoch 1\) on the batch of rendered/3/64/\d, ", message)
    for index in batch_indices(dataset, settings, 0, 1):
        assert f"rendered/3/64/{index}" in message
    assert "none of them alone does it with the last good weights, so check the learning rate first" in message
    assert f"The checkpoint of step 0 is kept in {tmp_path}" in message
    assert position(tmp_path / CHECKPOINT) == [0, 0, 0]
    for before, after in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_picture_that_breaks_the_loss_is_named(
    dataset: Dataset, config: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No file can hold such a landmark, as readers refuse it; the fault is put in behind them.
    load = pipeline.load_sample

    def broken(data: Dataset, index: int, config: ModelConfig) -> Any:
        sample = load(data, index, config)
        return replace(sample, landmarks=sample.landmarks * np.float32(np.nan)) if index == 5 else sample

    monkeypatch.setattr(pipeline, "load_sample", broken)
    with pytest.raises(ModelError, match=r"already alone and with the last good weights: rendered/3/64/5; check these"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path)


def test_weights_that_are_not_finite_are_never_saved(dataset: Dataset, config: ModelConfig, tmp_path: Path) -> None:
    # One step only: its loss is finite, what it makes of the weights is not.
    settings = TrainSettings(epochs=1, batch=8, learning_rate=1e39)
    model = build_model(config)
    start = model.get_weights()
    with pytest.raises(
        ModelError, match=r"the weights are no longer finite at step 0 \(epoch 1\) on the batch of rend"
    ):
        train(model, config, dataset, settings, tmp_path)
    assert position(tmp_path / CHECKPOINT) == [0, 0, 0]
    for before, after in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, start_trainer: Callable[..., Child], whole: Path
) -> None:
    """Files may grow to the size of the first checkpoint and no further: the second cannot be written whole."""
    folder = tmp_path / "run"
    program = f"""
import resource, sys
from fpm_edge.train import loop
save = loop.write_checkpoint
def fill_after_first(path, state):
    save(path, state)
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
loop.write_checkpoint = fill_after_first
{PROGRAM}"""
    filled = start_trainer([str(folder)], program=program)
    _, error = filled.communicate()
    assert filled.returncode == 1
    assert "the checkpoint could not be written (File too large); the one before it is kept; make room" in error
    assert position(folder / CHECKPOINT) == [0, 0, 0]
    assert not list(folder.glob(".*.part"))
    resumed = start_trainer([str(folder), "--resume"], program=PROGRAM)
    _, error = resumed.communicate()
    assert resumed.returncode == 0, error
    assert_same_arrays(folder / CHECKPOINT, whole / CHECKPOINT)


def test_the_log_cannot_be_written(dataset: Dataset, config: ModelConfig, tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="tensorboard: the training log could not be written"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path)


def test_all_workers_hear_that_the_chief_cannot_write_its_log(
    dataset: Dataset, config: ModelConfig, tmp_path: Path
) -> None:
    class Second(Team):
        """The chief's wish reaches this worker."""

        def agree(self, *wishes: bool) -> tuple[bool, ...]:
            return (*wishes[:2], True) if len(wishes) == 3 else wishes

    team = Second(tf.distribute.get_strategy(), ALONE, workers=2, chief=False)
    with pytest.raises(ModelError, match="the chief could not write the training log; see what that worker said"):
        train(build_model(config), config, dataset, SETTINGS, tmp_path, team=team)
