"""What buys NE per MAC: short trainings of small networks that differ from a base in one thing, on the same pictures.

    fpm-edge data shard rendered:12000@1/192 -o runs/garments
    benchmarks/lite_study.py --data shards:runs/garments --test rendered:500@102/192 -o runs/lite-study [--ccp CCP]

Trains every variant that has no result yet, with `--ccp` fine-tunes it on street photographs, and prints all of them:
MACs, parameters, NE by stage. The numbers compare variants with each other; longer training lowers all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec
import tensorflow as tf

from fpm_edge.accuracy.evaluate import evaluate
from fpm_edge.accuracy.predict import predict_network, truth_of
from fpm_edge.data import Dataset, load_dataset, split_dataset
from fpm_edge.model import Conv, ModelConfig, preset, stage_costs
from fpm_edge.model.network import build_model
from fpm_edge.model.store import load_model, save_model, weights_digest
from fpm_edge.shipped import shipped_model
from fpm_edge.train.loop import CHECKPOINT, train
from fpm_edge.train.objective import Teacher
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.files import write_atomically

Variant = tuple[ModelConfig, TrainSettings]

SIDE = 128
SETTINGS = TrainSettings(
    epochs=2,
    batch=16,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=100,
    augmentation=Augmentation(),
    precision="mixed_bfloat16",
)
# As recipe `finetune` was when this was measured: without a weight on silence.
TUNING = msgspec.structs.replace(RECIPES["finetune"], epochs=20, absent_weight=0.0, category_weight=0.0)
HELD_BACK = 113
BASE = cast(ModelConfig, preset("lite-m", load_schema("fashionai24"), input_size=(SIDE, SIDE)))


def shaped(**changes: object) -> Variant:
    return msgspec.structs.replace(BASE, **changes), SETTINGS


def trained(**changes: object) -> Variant:
    return BASE, msgspec.structs.replace(SETTINGS, **changes)


def sized(side: int) -> Variant:
    return shaped(input_width=side, input_height=side)


def deep(filters: int, *dilations: int, side: int = SIDE) -> Variant:
    layers = (*(Conv(3, filters, dilation=dilation) for dilation in dilations), Conv(1, filters))
    return shaped(first=layers, refine=layers, context=(Conv(3, filters),), input_width=side, input_height=side)


def wide(filters: int) -> Variant:
    return shaped(
        first=(Conv(5, filters), Conv(5, filters), Conv(1, filters)),
        refine=(Conv(5, filters), Conv(5, filters), Conv(1, filters)),
    )


# A stem that ends at stride 4, and the rest narrower, so that the MACs stay about the same.
_STEM_4 = (Conv(4, 16, stride=2), Conv(4, 32, stride=2), Conv(3, 32))
_STEM_8_WIDE = (Conv(4, 16, stride=2), Conv(4, 48, stride=2), Conv(3, 48), Conv(4, 96, stride=2), Conv(3, 96))
_STEM_8_POOL = (Conv(3, 16), Conv(3, 32, pool=2), Conv(3, 32, pool=2), Conv(3, 64, pool=2), Conv(3, 64))

VARIANTS: dict[str, Callable[[], Variant]] = {
    "base": lambda: shaped(),
    "stages-1": lambda: shaped(stages=1),
    "stages-2": lambda: shaped(stages=2),
    "stages-6": lambda: shaped(stages=6),
    "stride-4": lambda: shaped(
        stem=_STEM_4,
        first=(Conv(5, 32), Conv(5, 32), Conv(1, 32)),
        context=(Conv(3, 32),),
        refine=(Conv(5, 32), Conv(5, 32), Conv(1, 32)),
    ),
    "kernels-3": lambda: shaped(
        first=(Conv(3, 96), Conv(3, 96), Conv(1, 96)), refine=(Conv(3, 96), Conv(3, 96), Conv(1, 96))
    ),
    "dilated-5": lambda: shaped(
        first=(Conv(5, 48, dilation=2), Conv(5, 48, dilation=2), Conv(1, 48)),
        refine=(Conv(5, 48, dilation=2), Conv(5, 48, dilation=2), Conv(1, 48)),
    ),
    "dilated-deep": lambda: deep(64, 1, 2, 4),
    "dilated-deep-96": lambda: deep(96, 1, 2, 4),
    "dilated-deep-8": lambda: deep(64, 1, 2, 4, 8),
    "dilated-deep-192": lambda: deep(64, 1, 2, 4, side=192),
    "dilated-deep-8-192": lambda: deep(64, 1, 2, 4, 8, side=192),
    "kernels-7": lambda: shaped(
        first=(Conv(7, 48), Conv(7, 48), Conv(1, 48)), refine=(Conv(7, 48), Conv(7, 48), Conv(1, 48))
    ),
    "dilated-3": lambda: shaped(
        first=(Conv(3, 96, dilation=2), Conv(3, 96, dilation=2), Conv(1, 96)),
        refine=(Conv(3, 96, dilation=2), Conv(3, 96, dilation=2), Conv(1, 96)),
    ),
    "own-join": lambda: shaped(share_join=False),
    "stem-wide": lambda: shaped(stem=_STEM_8_WIDE),
    "stem-pool": lambda: shaped(stem=_STEM_8_POOL),
    "narrow-48": lambda: wide(48),
    "wide-96": lambda: wide(96),
    "deep-first": lambda: shaped(first=(Conv(5, 64), Conv(5, 64), Conv(5, 64), Conv(1, 64))),
    "side-96": lambda: sized(96),
    "side-192": lambda: sized(192),
    "sigma-0.8": lambda: trained(sigma=0.8),
    "sigma-1.75": lambda: trained(sigma=1.75),
    "constant-rate": lambda: trained(schedule="constant"),
    "rate-4e-3": lambda: trained(learning_rate=4e-3),
    "rate-8e-3": lambda: trained(learning_rate=8e-3),
    "rate-16e-3": lambda: trained(learning_rate=16e-3),
    "rate-1e-3": lambda: trained(learning_rate=1e-3),
    "no-augmentation": lambda: trained(augmentation=None),
    "more-augmentation": lambda: trained(augmentation=Augmentation(rotation=25.0, scale=0.5, shift=0.12)),
    "sigma-2-to-1": lambda: trained(sigma=2.0, sigma_end=1.0),
    "ema": lambda: trained(ema=0.99),
    "self-taught": lambda: trained(self_weight=0.5),
    "taught": lambda: trained(teacher_weight=1.0),
    "clipped": lambda: trained(clip_norm=50.0),
    "float32": lambda: trained(precision="float32"),
    "batch-8": lambda: trained(batch=8, learning_rate=1.4e-3),
    "kernels-9": lambda: shaped(
        first=(Conv(9, 32), Conv(9, 32), Conv(1, 32)), refine=(Conv(9, 32), Conv(9, 32), Conv(1, 32))
    ),
    "separable-7": lambda: shaped(
        first=(Conv(7, 96, separable=True), Conv(7, 96, separable=True), Conv(1, 96)),
        refine=(Conv(3, 96), Conv(7, 96, separable=True), Conv(1, 96)),
    ),
}


@dataclass(frozen=True)
class Study:
    """What all variants are trained and measured on."""

    folder: Path
    garments: tuple[Dataset, Dataset]
    photographs: tuple[Dataset, Dataset] | None

    def run(self, name: str, seed: int) -> None:
        """Train one variant and write down what it reaches; nothing where that is done."""
        folder = self.folder / f"{name}-{seed}"
        if (folder / "result.json").is_file():
            return
        config, settings = VARIANTS[name]()
        settings = msgspec.structs.replace(settings, seed=seed)
        tf.keras.utils.set_random_seed(seed)
        model = build_model(config, policy=settings.precision)
        began = time.monotonic()
        ne = {"garments": self._trained(model, config, settings, folder, self.garments, self._teacher(name))}
        seconds = time.monotonic() - began
        if self.photographs is not None:
            ne["untuned"] = self._measured(model, config, self.photographs[1])
            tuning = msgspec.structs.replace(TUNING, seed=seed, precision=settings.precision)
            ne["photographs"] = self._trained(model, config, tuning, folder / "ccp", self.photographs, None)
        costs = stage_costs(config)
        result = {
            "name": name,
            "seed": seed,
            "gmac": sum(cost.macs for cost in costs) / 1e9,
            "parameters": sum(cost.parameters for cost in costs),
            "seconds": seconds,
            "ne": ne,
        }
        write_atomically(folder / "result.json", msgspec.json.encode(result))
        print(result, flush=True)

    @staticmethod
    def _teacher(name: str) -> Teacher | None:
        if VARIANTS[name]()[1].teacher_weight == 0.0:
            return None
        return Teacher(*load_model(shipped_model()), weights_digest(shipped_model()))

    def _trained(
        self,
        model: Any,
        config: ModelConfig,
        settings: TrainSettings,
        folder: Path,
        data: tuple[Dataset, Dataset],
        teacher: Teacher | None,
    ) -> list[float]:
        training, test = data
        train(model, config, training, settings, folder, teacher=teacher, resume=(folder / CHECKPOINT).exists())
        save_model(folder, config, model)
        return self._measured(model, config, test)

    def _measured(self, model: Any, config: ModelConfig, test: Dataset) -> list[float]:
        accuracy = evaluate(predict_network(model, config, test), truth_of(test), config.schema, test.name)
        return [stage.ne.mean for stage in accuracy.stages]


def print_results(folder: Path) -> None:
    """Markdown: a row a variant, means over its seeds."""
    results: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*/result.json")):
        result = msgspec.json.decode(path.read_bytes())
        results.setdefault(result["name"], []).append(result)
    data_sets = ("garments", "untuned", "photographs")
    print("| variant | seeds | GMAC | M parameters | garments | photographs as it is | photographs, fine-tuned |")
    print("|---|---|---|---|---|---|---|")
    for name in sorted(results, key=list(VARIANTS).index):
        seeds = results[name]
        cells = [" / ".join(f"{ne:.4f}" for ne in _means(seeds, data)) or "–" for data in data_sets]
        cost = f"{seeds[0]['gmac']:.3f} | {seeds[0]['parameters'] / 1e6:.2f}"
        print(f"| {name} | {len(seeds)} | {cost} | {' | '.join(cells)} |")


def _means(seeds: list[Any], data: str) -> list[float]:
    return [statistics.mean(values) for values in zip(*(seed["ne"].get(data, ()) for seed in seeds), strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="pictures to train on")
    parser.add_argument("--test", required=True, help="pictures to measure on")
    parser.add_argument("--ccp", help="street photographs with derived landmarks, in FashionAI's form")
    parser.add_argument("--only", help="comma-separated names of variants")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--threads", type=int, default=0, help="of one operation (0: all cores)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for checkpoints and results")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    # With one, on one core, a step once waited for ever on an idle pool.
    tf.config.threading.set_inter_op_parallelism_threads(2)
    photographs = None
    if arguments.ccp is not None:
        photographs = split_dataset(load_dataset(f"fashionai:{arguments.ccp}"), HELD_BACK, 0)
    study = Study(arguments.output, (load_dataset(arguments.data), load_dataset(arguments.test)), photographs)
    for seed in arguments.seeds.split(","):
        for name in arguments.only.split(",") if arguments.only else VARIANTS:
            study.run(name, int(seed))
    print_results(arguments.output)


if __name__ == "__main__":
    main()
