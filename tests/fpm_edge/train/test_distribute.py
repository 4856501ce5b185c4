"""Several devices and several workers train as one device does with the same batch."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from zygote import Child, Surroundings, Zygote

from fpm_edge.train.batches import Batch
from fpm_edge.train.distribute import ALONE, alone, make_team
from fpm_edge_runtime.errors import UsageError

# Trains "tiny" on some numbers of records, on one device or as the --distribute of its first argument says, prints a
# line for each, and keeps the first checkpoint of each.
PROGRAM = """
import shutil
import sys
from pathlib import Path

import tensorflow as tf

distribution, folder, counts = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
if distribution == "mirrored":
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)

from fpm_edge.data import load_dataset
from fpm_edge.model import preset
from fpm_edge.model.networks import network_for
from fpm_edge.model.store import save_model
from fpm_edge.train import loop
from fpm_edge.train.distribute import make_team
from fpm_edge.train.settings import Augmentation, TrainSettings

write = loop.write_checkpoint


def write_and_keep(path, state):
    write(path, state)
    first = path.with_name("first.safetensors")
    if state["position"][2] == 1 and not first.exists():
        shutil.copy(path, first)


loop.write_checkpoint = write_and_keep
team = make_team(distribution)
for records in counts.split(","):
    changes = {"epochs": 2, "checkpoint_minutes": 1e-9}
    dataset = load_dataset(f"rendered:{records}@3/64")
    config = preset("tiny", dataset.schema, stages=1)
    if records == "7":  # dropout on several devices, in micro-batches
        config = preset("fashionnet", dataset.schema, input_size=(64, 64), width=0.0625)
        changes = {"epochs": 1, "micro_batch": 2}
    settings = TrainSettings(batch=5, learning_rate=1e-3, augmentation=Augmentation(), **changes)
    with team.strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = network_for(config).build(config, synchronized=team.place.devices > 1)
    logs = []
    loop.train(model, config, dataset, settings, folder / records, team=team, on_epoch=logs.append)
    save_model(folder / records, config, model, write=team.chief)
    print(records, team.place.devices, team.chief, *(loss for log in logs for loss in log.losses))
"""


@dataclass(frozen=True)
class Run:
    """What one process printed of one training: devices, whether it was the chief, the losses of its epochs."""

    folder: Path
    devices: int
    chief: bool
    losses: list[float]


def finish(process: Child, folder: Path) -> dict[str, Run]:
    try:
        output, errors = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    lines = [line.split() for line in output.splitlines()]
    return {
        records: Run(folder / records, int(devices), chief == "True", [float(loss) for loss in losses])
        for records, devices, chief, *losses in lines
    }


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def cluster(index: int, hosts: list[str]) -> dict[str, str]:
    """The environment of one of the workers at `hosts`."""
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}})}


@pytest.fixture(scope="module")
def runs(trainers: Zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Run]]:
    """Twice a batch of 5 and one of 3 (8 records) in each way, and dropout (7) mirrored; all at once."""
    folder = tmp_path_factory.mktemp("distributed")
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    numbers = count()

    def start(distribution: str, records: str, environment: Mapping[str, str] = {}) -> Child:
        spoken = folder / f"said-{next(numbers)}"
        spoken.mkdir()
        arguments = [distribution, str(folder / distribution), records]
        return trainers.start(arguments, Surroundings(folder), spoken, program=PROGRAM, environment=environment)

    one, two = start("none", "8"), start("mirrored", "8,7")
    workers = [start("multiworker", "8", cluster(index, hosts)) for index in range(2)]
    found = {
        name: finish(process, folder / name)
        for name, process in (("none", one), ("mirrored", two), ("multiworker", workers[0]))
    }
    second = finish(workers[1], folder / "multiworker")
    # Only the chief reports.
    assert [(run.chief, run.losses) for run in second.values()] == [(False, [])]
    return found


@pytest.mark.parametrize("kind", ["mirrored", "multiworker"])
def test_the_gradient_is_that_of_the_whole_batch(runs: dict[str, dict[str, Run]], kind: str) -> None:
    one, several = (load_file(runs[name]["8"].folder / "first.safetensors") for name in ("none", kind))
    assert one.keys() == several.keys()
    compared = 0
    for name, array in one.items():
        # After one step Adam's first moments are a tenth of the gradient, its second a thousandth of the square.
        if name.startswith("optimizer/") and array.ndim:
            largest = float(np.abs(array).max())
            np.testing.assert_allclose(several[name], array, rtol=1e-3, atol=1e-5 * largest, err_msg=name)
            compared += 1
    assert compared > 10
    for name in ("model/stem_1_bn/moving_mean", "model/stem_1_bn/moving_variance"):
        np.testing.assert_allclose(several[name], one[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["mirrored", "multiworker"])
def test_losses_and_weights_are_those_of_one_device(runs: dict[str, dict[str, Run]], kind: str) -> None:
    expected, found = runs["none"]["8"], runs[kind]["8"]
    assert [(run.devices, run.chief) for run in (expected, found)] == [(1, True), (2, True)]
    assert len(expected.losses) == 2
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-4)
    one, several = (load_file(run.folder / "weights.safetensors") for run in (expected, found))
    first = load_file(expected.folder / "first.safetensors")
    assert one.keys() == several.keys()
    for name, array in one.items():
        # Adam makes a step of full size of a gradient that is nothing but rounding, so a few weights go elsewhere.
        apart = np.abs(several[name] - array)
        # One device's moving variance is the unbiased one, several devices' is not: 1 in 1,280 apart here.
        assert np.median(apart) <= 1e-3 * max(0.01, float(np.abs(array).max())), name
        assert apart.max() <= 4e-3, name  # four steps of 1e-3
    assert any(not np.array_equal(first[f"model/{name}"], one[name]) for name in one)


def test_dropout_counts_on_every_device(runs: dict[str, dict[str, Run]]) -> None:
    run = runs["mirrored"]["7"]
    assert (run.devices, run.chief) == (2, True)
    weights = load_file(run.folder / "weights.safetensors")
    # One whole batch of 5 over two devices in micro-batches of 2, and one of 2: 2 + 1 calls on the first device.
    assert int(weights["fc6_pose_dropout/calls"]) == 3


def test_the_command_on_two_workers(tmp_path: Path, start_trainer: Callable[..., Child]) -> None:
    """With batch normalisation, whose statistics only all workers together can read, and heatmaps in the log."""
    folder = tmp_path / "run"
    arguments = ["train", "--model", "tiny", "--stages", "1", "--recipe", "lite", "--epochs", "1", "--batch", "4"]
    arguments += ["--data", "rendered:12@3/64", "--holdout", "4", "--distribute", "multiworker", "-o", str(folder)]

    def on_two() -> list[tuple[int | None, str]]:
        hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
        workers = [start_trainer(arguments, environment=cluster(index, hosts)) for index in range(2)]
        try:
            said = [worker.communicate(timeout=600)[1] for worker in workers]
            return [(worker.returncode, error) for worker, error in zip(workers, said, strict=True)]
        finally:
            for worker in workers:
                worker.kill()

    ended = on_two()
    assert [code for code, _ in ended] == [0, 0], ended
    assert "held back, stage 1: NE" in ended[0][1]
    assert "held back" not in ended[1][1]
    files = {path.name for path in folder.iterdir()}
    assert files >= {
        "card.md",
        "checkpoint.safetensors",
        "config.json",
        "run.toml",
        "weights.safetensors",
        "tensorboard",
    }
    # What every worker can see for itself, every worker says.
    for code, error in on_two():
        assert (code, "holds a checkpoint already" in error, "Traceback" in error) == (2, True, False), error


def test_one_process_is_a_team() -> None:
    team = alone()
    assert (team.place, team.workers, team.chief) == (ALONE, 1, True)
    assert team.agree(True, False) == (True, False)
    batch = Batch(*(np.zeros((3, 2)) for _ in range(5)))
    assert team.deal(batch, 3) is batch
    assert make_team("none").place == ALONE


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"needs TF_CONFIG, which lacks 'TF_CONFIG'; expected e\.g\. "),
        ("{}", "lacks 'cluster'"),
        ("not json", "TF_CONFIG is malformed"),
        ("[1]", "TF_CONFIG is malformed"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "there is no worker 1 in the cluster",
        ),
    ],
)
def test_a_cluster_that_cannot_be(monkeypatch: pytest.MonkeyPatch, value: str | None, message: str) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(UsageError, match=message):
        make_team("multiworker")


def test_an_unknown_way() -> None:
    wrong: Any = "everywhere"
    with pytest.raises(UsageError, match="expected one of: none, mirrored, multiworker"):
        make_team(wrong)
