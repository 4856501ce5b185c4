"""Networks that a user would pick instead of `lite-s`, at its cost, trained on the same garments by the same command.

    fpm-edge data shard rendered:8000@1/192 -o runs/garments
    benchmarks/peers_networks.py --data shards:runs/garments --rates 1e-3,2e-3,4e-3 -o runs/peers-rates
    benchmarks/peers_networks.py --data shards:runs/garments -o runs/peers-networks

1. Trains each network that has no weights yet; what was stopped is resumed.
2. Converts each as TensorFlow's guide shows, float and int8, with the same calibration pictures.
3. Prints one Markdown table: cost, NE of the float and of the int8 file, drift, size, latency by interleaved turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec
import numpy as np
import peers_run
import tf_keras
from drift_rows import keep
from numpy.typing import NDArray
from peers.networks import cpm_mobile, macs, mobilenet_heatmaps, simcc
from peers.training import Heatmaps, Peer, SimCC, train
from peers_int8 import write_saved_model
from peers_run import Maps
from peers_table import print_networks
from peers_turns import interleaved
from safetensors.numpy import save

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, drift_between, truth_of
from fpm_edge.data import Dataset, load_dataset
from fpm_edge.model import preset, stage_costs
from fpm_edge.model.network import build_model, training_outputs
from fpm_edge.model.store import load_weights, named_weights
from fpm_edge.train.objective import Objective, objective_for
from fpm_edge.train.pipeline import Sample, load_sample
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import cells_to_input
from fpm_edge_runtime.pixels.metrics import normalized_error

SIDE = 128
SCHEMA = load_schema("fashionai24")
COUNT = len(SCHEMA.landmarks)
# At the size of the others; the preset has a larger input since (decision 0030).
LITE: Any = preset("lite-s", SCHEMA, input_size=(128, 128))
BINS_A_PIXEL = 2.0
SETTINGS = msgspec.structs.replace(RECIPES["lite"], epochs=2)
# That of recipe `lite`; `--rates` tries others (docs/results/peers.md says which were tried).
RATES = {"lite-s": 4e-3, "mobilenet": 4e-3, "simcc": 4e-3, "cpm-mobile": 4e-3}
SEARCHED = 1920


@dataclass(frozen=True)
class Network:
    """A network, what it learns from, and how its outputs are read.

    Attributes:
        config: what the pipeline of pictures asks for.
        build: the network with random weights.
        learning: the same network with the outputs that `objective` takes.
        points: its outputs for one picture, in their order → (stages, L, 2) float32, pixels of the input.
    """

    config: Any
    build: Callable[[], tf_keras.Model]
    objective: Objective
    points: Callable[[Sequence[Maps]], NDArray[np.float32]]
    learning: Callable[[tf_keras.Model], tf_keras.Model] = lambda network: network


def heatmap_points(outputs: Sequence[Maps], stride: int, background: bool) -> NDArray[np.float32]:
    """Peaks by the runtime's decoder, which expects a background after the landmarks and does not look at it."""
    found = []
    for maps in outputs:
        values = maps.values if background else np.pad(maps.values, [(0, 0), (0, 0), (0, 1)])
        cells, _ = decode_heatmaps(values, layout="NHWC", landmarks=COUNT, scale=maps.scale, zero_point=maps.zero_point)
        found.append(cells_to_input(cells, stride))
    return np.array(found, np.float32)


def simcc_points(outputs: Sequence[Maps]) -> NDArray[np.float32]:
    """The likeliest column and row; the middle of those that share the largest code."""
    axes = []
    for logits in outputs:
        best = logits.values == logits.values.max(axis=-1, keepdims=True)
        places = (best * np.arange(best.shape[-1])).sum(axis=-1) / best.sum(axis=-1)
        axes.append((places + 0.5) / BINS_A_PIXEL - 0.5)
    return np.stack(axes, axis=-1)[np.newaxis].astype(np.float32)


def networks() -> dict[str, Network]:
    def peer(name: str, stages: int = 1) -> Peer:
        return Peer(name, SCHEMA, SIDE, SIDE, stages)

    def heatmaps(name: str, build: Callable[[], tf_keras.Model], stride: int, sigma: float, stages: int) -> Network:
        config = peer(name, stages)
        objective = Heatmaps(config, stride, sigma)
        return Network(config, build, objective, lambda outputs: heatmap_points(outputs, stride, background=False))

    lite = Network(
        LITE,
        lambda: build_model(LITE),
        objective_for(LITE, SETTINGS),
        lambda outputs: heatmap_points(outputs, LITE.stride, background=True),
        training_outputs,
    )
    bins = SIDE * BINS_A_PIXEL
    return {
        "lite-s": lite,
        # Sigmas as published: 2 cells of stride 4; 6 cells of stride 2 at an input of 192.
        "mobilenet": heatmaps("mobilenet", lambda: mobilenet_heatmaps(SIDE, COUNT), 4, 2.0, 1),
        "simcc": Network(
            peer("simcc"),
            lambda: simcc(SIDE, COUNT, bins_a_pixel=BINS_A_PIXEL),
            SimCC(BINS_A_PIXEL, (bins / 16) ** 0.5),
            simcc_points,
        ),
        "cpm-mobile": heatmaps("cpm-mobile", lambda: cpm_mobile(SIDE, COUNT, stages=3), 2, 4.0, 3),
    }


def trained(name: str, data: Dataset, folder: Path, epochs: int, seed: int) -> tf_keras.Model:
    """The network with its weights, trained where it has none."""
    network = networks()[name]
    settings = msgspec.structs.replace(SETTINGS, epochs=epochs, learning_rate=RATES[name], seed=seed)
    tf_keras.utils.set_random_seed(seed)
    model = network.build()
    if not (folder / "weights.safetensors").exists():
        _train(network, model, data, settings, folder / "checkpoint.safetensors")
        write_atomically(folder / "weights.safetensors", save(named_weights(model)))
    load_weights(folder, model)
    return model


def _train(network: Network, model: tf_keras.Model, data: Dataset, settings: TrainSettings, checkpoint: Path) -> None:
    learning = network.learning(model)
    train(learning, network.config, network.objective, data, settings, checkpoint, partial(print, flush=True))


def search(chosen: Sequence[str], data: Dataset, test: Dataset, rates: Sequence[float], folder: Path) -> None:
    """NE of every network after one pass over the first garments, at every rate."""
    few = data.subset(range(SEARCHED))
    for name in chosen:
        for rate in rates:
            network = networks()[name]
            settings = msgspec.structs.replace(SETTINGS, learning_rate=rate, epochs=1, warmup_steps=20)
            tf_keras.utils.set_random_seed(0)
            model = network.build()
            _train(network, model, few, settings, folder / f"{name}-{rate:g}.safetensors")
            ne = keras_error(model, network, test)
            print(f"{name} at {rate:g}: NE {ne:.4f} after {SEARCHED} garments", flush=True)


def keras_error(model: tf_keras.Model, network: Network, test: Dataset) -> float:
    """Mean NE of the last stage, of the network in memory."""
    truth = truth_of(test)
    points, sizes = [], []
    for index in range(len(test)):
        sample = load_sample(test, index, network.config)
        outputs = model(sample.image[np.newaxis].astype(np.float32) / 255, training=False)
        values = outputs if isinstance(outputs, list) else [outputs]
        found = network.points([Maps(value.numpy()[0], "NHWC") for value in values])
        points.append(sample.placement.to_picture(found[-1]))
        sizes.append(sample.picture_size)
    errors = normalized_error(np.array(points), truth.landmarks, np.array(sizes, np.float64))
    return float(errors[point_mask(truth.visibility, "labelled")].mean())


def convert(name: str, model: tf_keras.Model, folder: Path, calibration: NDArray[np.uint8]) -> None:
    """`plain.tflite`, float, and `tensorflow.tflite`, int8, into `folder`, as TensorFlow's guide shows."""
    if (folder / "tensorflow.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "calibration.npy", calibration)
    write_saved_model(model, folder)
    script = Path(__file__).parent / "peers" / "tensorflow_ptq.py"
    with (folder / "tensorflow.log").open("wb") as log:
        subprocess.run([sys.executable, script, folder, folder], stdout=log, stderr=log, check=False)
    error = json.loads((folder / "tensorflow.json").read_text()).get("error")
    print(f"{name}: {error or 'converted'}", flush=True)


def predictions(runner: peers_run.Runner, network: Network, samples: Sequence[Sample]) -> Predictions:
    points = [
        [sample.placement.to_picture(stage) for stage in network.points(runner.maps(runner.invoke(sample.image)))]
        for sample in samples
    ]
    landmarks = np.array(points, np.float32)
    sizes = np.array([sample.picture_size for sample in samples], np.float64)
    return Predictions(landmarks, np.ones(landmarks.shape[:3], np.float32), sizes)


def measure(chosen: Sequence[str], models: dict[str, tf_keras.Model], test: Dataset, output: Path, rounds: int) -> None:
    """Drift reports, and `costs.json`: sizes and times of the float and the int8 file of every network."""
    (output / "reports").mkdir(exist_ok=True)
    samples = [load_sample(test, index, networks()[chosen[0]].config) for index in range(len(test))]
    runners: dict[str, peers_run.Runner] = {}
    costs: dict[str, Any] = {}
    for name in chosen:
        folder = output / "files" / name
        runners[name] = peers_run.load(folder / "plain.tflite", "litert", 1, None)
        expected = predictions(runners[name], networks()[name], samples)
        costs[name] = {
            "gmac": (macs(models[name]) if name != "lite-s" else sum(cost.macs for cost in stage_costs(LITE))) / 1e9,
            "parameters": sum(int(np.prod(weight.shape)) for weight in models[name].trainable_weights),
            "bytes": (folder / "plain.tflite").stat().st_size,
        }
        notes = json.loads((folder / "tensorflow.json").read_text())
        if "error" in notes:
            costs[f"{name} int8"] = {"error": notes["error"]}
            keep(output / "reports" / f"{name}.json", drift_between(expected, expected, truth_of(test), SCHEMA))
            continue
        quantized = folder / "tensorflow.tflite"
        runners[f"{name} int8"] = peers_run.load(quantized, "litert", 1, None)
        found = predictions(runners[f"{name} int8"], networks()[name], samples)
        costs[f"{name} int8"] = {"bytes": quantized.stat().st_size}
        keep(output / "reports" / f"{name}.json", drift_between(found, expected, truth_of(test), SCHEMA))
    turns = interleaved({title: (runner.invoke, runner.seconds) for title, runner in runners.items()}, samples, rounds)
    for title, turn in turns.items():
        costs[title] |= turn.against(turns["lite-s int8" if title.endswith("int8") else "lite-s"])
    write_atomically(output / "costs.json", json.dumps(costs, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="garments to train on")
    parser.add_argument("--test", default="rendered:1000@102/192", help="garments to measure on")
    parser.add_argument("--only", help="comma-separated names of networks; lite-s is always among those measured")
    parser.add_argument("--rates", help="comma-separated learning rates to try shortly, and nothing else")
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs, help="passes over the garments")
    parser.add_argument("--train", action="store_true", help="train, and leave the rest to a later call")
    parser.add_argument("--samples", type=int, default=128, help="calibration pictures")
    parser.add_argument("--rounds", type=int, default=100, help="of the latency measurement")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    output: Path = arguments.output
    data = load_dataset(arguments.data)
    chosen = arguments.only.split(",") if arguments.only else list(networks())
    if arguments.rates:
        rates = [float(rate) for rate in arguments.rates.split(",")]
        search(chosen, data, load_dataset(arguments.test), rates, output)
        return
    models = {
        name: trained(name, data, output / f"{name}-{arguments.seed}", arguments.epochs, arguments.seed)
        for name in chosen
    }
    if arguments.train:
        return
    indices = np.random.default_rng(0).choice(len(data), arguments.samples, replace=False)
    calibration = np.stack([load_sample(data, int(index), LITE).image for index in indices])
    for name, model in models.items():
        convert(name, model, output / "files" / name, calibration)
    measure(chosen, models, load_dataset(arguments.test), output, arguments.rounds)
    print_networks(output)


if __name__ == "__main__":
    main()
