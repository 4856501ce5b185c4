"""Does reading keep up with training? Pictures a second of the real pipeline against the same step fed from memory.

    benchmarks/input_pipeline.py --data shards:runs/garments [--model lite] [--json]

Four ways take turns, so that a busy machine slows all of them alike; each figure is the median over the rounds.
Heatmaps are made on the device in all of them.

memory:    the step alone, on one batch that is there already, without augmentation
augmented: the same with augmentation on
pipeline:  JPEG files or shards, decoded and letterboxed by the pipeline, with augmentation on
kept:      the same from the second epoch on, when pictures are kept in memory as by default (`--keep-mb`)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import count

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec

from fpm_edge.data import Dataset, load_dataset
from fpm_edge.model import preset
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for
from fpm_edge.train.batches import Batch
from fpm_edge.train.loop import KEEP_BYTES, make_step
from fpm_edge.train.pipeline import SampleStore, training_batches
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.settings import TrainSettings

# Pictures read into memory before the timing begins.
KEPT = 400


def endless(
    dataset: Dataset, config: NetworkConfig, settings: TrainSettings, kept: SampleStore | None = None
) -> Iterator[Batch]:
    """Whole batches, epoch after epoch."""
    for epoch in count():
        for batch in training_batches(dataset, config, settings, epoch, kept=kept):
            if len(batch.image) == settings.batch:
                yield batch


def trainer(config: NetworkConfig, settings: TrainSettings) -> Callable[[Batch], None]:
    """One training step of a new network, to its end."""
    step, _ = make_step(network_for(config).build(config), config, settings)
    return lambda batch: step(batch, settings.batch, 0, 1000).numpy()


def rate(step: Callable[[Batch], None], batches: Iterator[Batch], steps: int, batch: int) -> float:
    """Pictures a second."""
    began = time.perf_counter()
    for _ in range(steps):
        step(next(batches))
    return steps * batch / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=12, help="steps a round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    dataset = load_dataset(arguments.data)
    config = preset(arguments.model, dataset.schema)
    settings = RECIPES["lite"]
    plain = msgspec.structs.replace(settings, augmentation=None)
    kept = next(endless(dataset, config, settings))
    store = SampleStore(KEEP_BYTES)
    known = dataset.subset(range(min(len(dataset), KEPT)))
    for index in range(len(known)):
        store.sample(known, index, config)
    # All but the first share one step, so that only the source of pictures differs.
    without, augmented = trainer(config, plain), trainer(config, settings)
    memory = iter(lambda: kept, None)
    ways = {
        "memory": (without, memory),
        "augmented": (augmented, memory),
        "pipeline": (augmented, endless(dataset, config, settings)),
        "kept": (augmented, endless(known, config, settings, store)),
    }
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(arguments.rounds + 1):
        for name, (step, batches) in ways.items():
            pictures = rate(step, batches, arguments.steps, settings.batch)
            if number:  # the first is for warming up
                rounds[name].append(pictures)
    rates = {name: statistics.median(each) for name, each in rounds.items()}
    ratios = {
        f"{name} / {other}": statistics.median(a / b for a, b in zip(rounds[name], rounds[other], strict=True))
        for name, other in (("pipeline", "augmented"), ("kept", "augmented"), ("augmented", "memory"))
    }
    if arguments.json:
        print(json.dumps({"model": config.name, "data": dataset.name, "pictures_per_second": rates, "ratio": ratios}))
        return
    for name, value in rates.items():
        print(f"{name:10s} {value:8.1f} pictures/s")
    for name, value in ratios.items():
        print(f"{name:22s} {value:.3f} (median of {arguments.rounds} paired rounds)")


if __name__ == "__main__":
    main()
