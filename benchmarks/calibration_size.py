"""How many calibration pictures are enough, and which: NE drift of the int8 file over resamples.

    benchmarks/calibration_size.py runs/ccp/tuned --data fashionai:CCP --holdout 113 -o runs/calibration-size

For every strategy and size, ten samples with ten seeds; each sets the ranges by min-max, and the converted TFLite file
is compared with the float one on the photographs held back. Prints the mean and standard deviation of the last
stage's relative NE drift, and draws them. What was measured stays in OUTPUT/trials.jsonl, and is not measured again.

Min-max ranges of a sample are the extremes of its pictures', so that every picture is looked at once for all samples.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec
import numpy as np
import pictures
import tf_keras
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fpm_edge.accuracy.predict import Predictions, drift_between, truth_of
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.convert.sampling import STRATEGIES, calibration_samples
from fpm_edge.data import Dataset
from fpm_edge.shipped import model_folder
from fpm_edge.train.pipeline import Sample, load_sample
from fpm_edge_calibration import MinMax
from fpm_edge_converters import assign_ranges, fake_quantized, observe_ranges, quantized_layers
from fpm_edge_converters.tflite import Precision, to_tflite
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import cells_to_input

SIZES = (8, 16, 32, 64, 128, 256, 512)
RESAMPLES = 10

Ranges = dict[str, tuple[float, float]]


class Trial(msgspec.Struct, frozen=True):
    """One sample: relative NE drift of the last stage with its upper 95 % bound."""

    strategy: str
    size: int
    seed: int
    drift: float
    upper: float


@dataclass(frozen=True)
class Test:
    """Pictures to measure on, each read once."""

    data: Dataset
    samples: list[Sample]


@dataclass(frozen=True)
class Bench:
    """The float model, its answers, and what every calibration picture's tensors were."""

    loaded: LoadedModel
    quantized: tf_keras.Model
    data: Dataset
    ranges: list[Ranges]
    test: Test
    expected: Predictions

    def trial(self, strategy: str, size: int, seed: int) -> Trial:
        chosen = calibration_samples(self.data, size, strategy, seed, self.loaded.config, self.loaded.network)
        assign_ranges(self.quantized, joined([self.ranges[i] for i in chosen]))
        found = answers(self.quantized, "int8", self.loaded, self.test)
        report = drift_between(found, self.expected, truth_of(self.test.data), self.test.data.schema)
        relative = report.stages[-1].relative_drift
        if relative is None:
            raise SystemExit("the float model makes no error on these pictures; give others")
        return Trial(strategy, size, seed, relative.estimate, relative.upper)


def joined(ranges: Sequence[Ranges]) -> Ranges:
    return {name: (min(r[name][0] for r in ranges), max(r[name][1] for r in ranges)) for name in ranges[0]}


def ranges_of(loaded: LoadedModel, quantized: tf_keras.Model, inputs: Sequence[NDArray[np.uint8]]) -> Iterator[Ranges]:
    """What the tensors were on each picture."""
    layers = quantized_layers(quantized)
    for picture in inputs:
        estimator = MinMax()
        observe_ranges(loaded.network, layers, [picture], estimator)
        yield estimator.ranges()


def answers(network: tf_keras.Model, precision: Precision, loaded: LoadedModel, test: Test) -> Predictions:
    """The last stage of the converted file, in LiteRT."""
    graph = to_tflite(network, precision)
    specs = (tuple(graph.spec(i) for i in tensors) for tensors in (graph.inputs, graph.outputs))
    piece = Piece("whole", "whole.tflite", *specs)
    run = load_engine("litert").load(piece, graph.cut(graph.inputs, graph.outputs), 1)
    config, last = loaded.config, piece.outputs[-1]
    landmarks, scores, sizes = [], [], []
    for sample in test.samples:
        maps: Any = run({"image": sample.image[np.newaxis]})[last.name][0]
        cells, heights = decode_heatmaps(
            maps,
            layout="NHWC",
            landmarks=len(config.schema.landmarks),
            scale=last.scale,
            zero_point=last.zero_point,
        )
        landmarks.append([sample.placement.to_picture(cells_to_input(cells, config.stride))])
        scores.append([heights])
        sizes.append(sample.picture_size)
    return Predictions(np.array(landmarks, np.float32), np.array(scores, np.float32), np.array(sizes, np.float64))


def read_trials(path: Path) -> list[Trial]:
    return [msgspec.json.decode(line, type=Trial) for line in path.read_bytes().splitlines()] if path.exists() else []


def print_table(trials: Sequence[Trial], strategies: Sequence[str]) -> None:
    """Markdown: mean ± standard deviation of the drift, and the mean of its upper bound."""
    sizes = sorted({trial.size for trial in trials})
    print(f"\n| pictures | {' | '.join(strategies)} |\n|---|{'---|' * len(strategies)}")
    for size in sizes:
        cells = []
        for strategy in strategies:
            group = [trial for trial in trials if (trial.strategy, trial.size) == (strategy, size)]
            drifts, bounds = [trial.drift for trial in group], [trial.upper for trial in group]
            spread = f" ± {statistics.stdev(drifts):.2%}" if len(group) > 1 else ""
            cells.append(f"{statistics.mean(drifts):+.2%}{spread} (≤ {statistics.mean(bounds):+.2%})" if group else "–")
        print(f"| {size} | {' | '.join(cells)} |")


def draw(trials: Sequence[Trial], strategies: Sequence[str], path: Path) -> None:
    """Every trial as a point, the means as lines."""
    figure = Figure(figsize=(7.5, 4.5), dpi=130)
    axes = figure.subplots()
    for number, strategy in enumerate(strategies):
        mine = [trial for trial in trials if trial.strategy == strategy]
        sizes = sorted({trial.size for trial in mine})
        means = [statistics.mean(100 * trial.drift for trial in mine if trial.size == size) for size in sizes]
        (line,) = axes.plot(sizes, means, label=strategy)
        shifted = [trial.size * 1.04 ** (number - 1.5) for trial in mine]
        axes.scatter(shifted, [100 * trial.drift for trial in mine], s=9, alpha=0.5, color=line.get_color())
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.legend(fontsize=8)
    axes.set_xlabel("calibration pictures (logarithmic); a point a sample, lines through the means")
    axes.set_ylabel("relative NE drift of int8, last stage, %")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures.add_options(parser)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="those that the data has are measured")
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--picture", type=Path, help="where to draw the curve (PNG)")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    data, measured = pictures.load(parser, arguments)
    loaded = load_any(model_folder(arguments.model))
    test = Test(measured, [load_sample(measured, index, loaded.config) for index in range(len(measured))])
    quantized = fake_quantized(loaded.network)
    inputs = network_inputs(data, range(len(data)), loaded.config)
    expected = answers(loaded.network, "float32", loaded, test)
    bench = Bench(loaded, quantized, data, list(ranges_of(loaded, quantized, inputs)), test, expected)
    path: Path = arguments.output / "trials.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    trials = read_trials(path)
    done = {(trial.strategy, trial.size, trial.seed) for trial in trials}
    sizes = [int(size) for size in arguments.sizes.split(",") if int(size) <= len(data)]
    strategies = arguments.strategies.split(",")
    # Seed by seed, so that a run that is stopped has something of everything.
    for seed in range(arguments.resamples):
        for size in sizes:
            for strategy in strategies:
                if (strategy, size, seed) in done:
                    continue
                trials.append(bench.trial(strategy, size, seed))
                with path.open("ab") as file:
                    file.write(msgspec.json.encode(trials[-1]) + b"\n")
    print_table(trials, strategies)
    if arguments.picture is not None:
        draw(trials, strategies, arguments.picture)


if __name__ == "__main__":
    main()
