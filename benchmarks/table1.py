"""FPM against FashionNet, side by side as in the paper's Table 1: same pictures, same number seen, same input.

    benchmarks/table1.py -o runs/table1 [--ccp CCP]        # CCP: folder with annotations.csv and images/

1. Draws the garments once, as shards.
2. Trains each network with each seed on them, and with `--ccp` fine-tunes it on street photographs from there.
3. Prints Table 1 for both test sets: means over the seeds, with the standard deviation.

Every run is a `fpm-edge train` of its own in the output folder; what is finished is not done again, what was stopped
is resumed.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec
from curve import Line, draw_curve
from runs import shard, train

from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.predict import predict_mean_shape, predict_network, truth_of
from fpm_edge.accuracy.table1 import table1
from fpm_edge.data import Dataset, load_dataset, split_dataset
from fpm_edge.model import Conv, ModelConfig, preset
from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for
from fpm_edge.model.store import load_network
from fpm_edge.train.config_file import RunConfig, write_run_config
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.settings import Augmentation
from fpm_edge_runtime.bundle.schema_file import load_schema

GARMENTS = "rendered:8000@1/192"
TEST = "rendered:1000@102/192"
HELD_BACK = 113

# Widths at which a CPU trains them. FashionNet gets twice the share of its published width that FPM gets.
WIDTHS = {
    "fpm": ("paper", 0.125),
    "fashionnet": ("fashionnet", 0.25),
    "lite": ("lite-m", 1.0),  # the device family's middle one, at this input
    "lite-s": ("lite-s", 1.0),  # the one whose own input this is
    "fpm-x": ("paper", 0.125),  # with the published 32 channels of x'
    "fpm-xr": ("paper", 0.125),  # the same, and 32 channels in the stages that refine: more than there are maps
    "fpm-x-lite": ("paper", 0.125),  # the same, trained by recipe `lite` as it is
    "cpm": ("cpm", 0.125),
    "oneshot": ("oneshot", 0.25),
}
# What differs from recipe `lite`. FashionNet's is the best of four ways that were tried (docs/results/table1.md).
CHANGES: dict[str, dict[str, float]] = {
    "fpm": {"learning_rate": 2e-3, "self_weight": 0.0},
    "fpm-x": {"learning_rate": 2e-3, "self_weight": 0.0},
    "fpm-xr": {"learning_rate": 2e-3, "self_weight": 0.0},
    "fashionnet": {"learning_rate": 1e-3, "self_weight": 0.0},
    "lite": {"learning_rate": 2e-3, "self_weight": 0.0},
}


# More than recipe `finetune` has: 400 photographs are few.
STRONG = Augmentation(rotation=25.0, scale=0.5, shift=0.12)


def network_config(network: str, side: int) -> NetworkConfig:
    name, width = WIDTHS[network]
    config = preset(name, load_schema("fashionai24"), width=width, input_size=(side, side), batch_norm=True)
    if network.startswith("fpm-x") and isinstance(config, ModelConfig):
        wide = {
            part: (*layers[:3], Conv(5, 32), *layers[4:])
            for part, layers in (("first", config.first), ("context", config.context))
        }
        config = msgspec.structs.replace(config, name="paper-w0.125-x32", **wide)
        if network == "fpm-xr":
            refine = tuple(msgspec.structs.replace(layer, filters=32) for layer in config.refine)
            return msgspec.structs.replace(config, name="paper-w0.125-x32-r32", refine=refine)
        return config
    if isinstance(config, FashionNetConfig):
        return msgspec.structs.replace(config, dropout=0.0)
    return config


def run_config(network: str, side: int) -> RunConfig:
    """The network and how it is trained; data, epochs and seed are options."""
    settings = msgspec.structs.replace(RECIPES["lite"], **CHANGES.get(network, {}))
    return RunConfig(network_config(network, side), settings)


@dataclass(frozen=True)
class Budget:
    """What every network gets alike."""

    side: int
    epochs: int
    tuned: int
    precision: str
    strong: bool

    @property
    def photographs(self) -> str:
        """Folder of the runs on photographs."""
        return "ccp-strong" if self.strong else "ccp"


@dataclass(frozen=True)
class Run:
    """One network trained with one seed."""

    network: str
    seed: int

    def folder(self, output: Path, data: str) -> Path:
        return output / data / f"{self.network}-{self.seed}"


def train_all(run: Run, output: Path, shards: Path, ccp: Path | None, budget: Budget) -> None:
    drawn = run.folder(output, "rendered")
    common = ("--seed", str(run.seed), "--precision", budget.precision)
    config = output / f"{run.network}.toml"
    write_run_config(config, run_config(run.network, budget.side))
    train(drawn, "--config", str(config), "--epochs", str(budget.epochs), *common, "--data", f"shards:{shards}")
    if ccp is not None:
        tuning = output / f"{run.network}-{budget.photographs}.toml"
        # Networks without maps that could be silent are in the table too, and all are trained alike.
        recipe = msgspec.structs.replace(RECIPES["finetune"], absent_weight=0.0, category_weight=0.0)
        if budget.strong:
            recipe = msgspec.structs.replace(recipe, augmentation=STRONG)
        write_run_config(tuning, RunConfig(network_config(run.network, budget.side), recipe))
        options = ("--config", str(tuning), "--from", str(drawn), "--epochs", str(budget.tuned), *common)
        data = ("--data", f"fashionai:{ccp}", "--holdout", str(HELD_BACK))
        train(run.folder(output, budget.photographs), *options, *data)


def measure(folder: Path, test: Dataset) -> Evaluation:
    config, model = load_network(folder)
    return evaluate(predict_network(model, config, test), truth_of(test), config.schema, test.name)


def gmac(config: NetworkConfig) -> list[float]:
    """Of a picture with 1, 2, ... stages; one number for a network without stages."""
    forms = [config.truncated(t) for t in range(1, config.stages + 1)] if isinstance(config, ModelConfig) else [config]
    return [sum(cost.macs for cost in network_for(form).costs(form)) / 1e9 for form in forms]


def mean_by_stage(seeds: Sequence[Evaluation]) -> list[float]:
    return [statistics.mean(e.stages[t].ne.mean for e in seeds) for t in range(len(seeds[0].stages))]


def print_table(name: str, groups: dict[str, list[Evaluation]], floor: Evaluation) -> None:
    """Markdown: a row a network, the mean over its seeds ± their standard deviation."""
    named = [(network, each) for network, seeds in groups.items() for each in seeds] + [("mean shape", floor)]
    table = table1(named, "paper")
    print(f"\n{name}\n\n| | seeds | {' | '.join(table.headings)} |")
    print(f"|---|---{'|---' * len(table.headings)}|")
    for network in [*groups, "mean shape"]:
        rows = [row for row in table.rows if row.name == network]
        cells = [cell([row.cells[column] for row in rows]) for column in range(len(table.headings))]
        print(f"| {network} | {len(rows)} | {' | '.join(cells)} |")
    means = {network: statistics.mean(e.stages[-1].ne.mean for e in seeds) for network, seeds in groups.items()}
    for network, seeds in groups.items():
        stages = mean_by_stage(seeds)
        if len(stages) > 1:
            print(f"\n{network} by stage: {' '.join(f'{ne:.4f}' for ne in stages)}")
    if {"fpm", "fashionnet"} <= means.keys():
        print(f"\nFPM against FashionNet: {means['fpm'] / means['fashionnet'] - 1:+.1%} NE (the paper: -25.1%)")


def cell(values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "–"
    spread = f" ± {statistics.stdev(known):.4f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--ccp", type=Path, help="street photographs with derived landmarks, in FashionAI's form")
    parser.add_argument("--networks", default="fpm,fashionnet", help=f"of {', '.join(WIDTHS)}")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--side", type=int, default=128, help="of the networks' input")
    parser.add_argument("--epochs", type=int, default=3, help="over the garments")
    parser.add_argument("--tuned", type=int, default=40, help="epochs over the photographs")
    parser.add_argument("--strong", action="store_true", help="augment photographs more than recipe finetune does")
    parser.add_argument("--precision", default="float32", help="of training; mixed_bfloat16 is faster")
    parser.add_argument("--only", action="store_true", help="train, and leave the table to a later call")
    parser.add_argument("--measure", action="store_true", help="train nothing, and tabulate the runs that are done")
    parser.add_argument("--curve", type=Path, help="folder for pictures of NE against multiply-accumulates")
    arguments = parser.parse_args()
    output: Path = arguments.output
    budget = Budget(arguments.side, arguments.epochs, arguments.tuned, arguments.precision, arguments.strong)
    shards = output / "garments"
    shard(GARMENTS, shards)
    runs = [Run(network, int(seed)) for seed in arguments.seeds.split(",") for network in arguments.networks.split(",")]
    for run in () if arguments.measure else runs:
        train_all(run, output, shards, arguments.ccp, budget)
    if arguments.only:
        return
    for network in arguments.networks.split(","):
        config = network_config(network, budget.side)
        parameters = sum(cost.parameters for cost in network_for(config).costs(config))
        print(f"{network}: {parameters / 1e6:.2f} M parameters, {gmac(config)[-1]:.2f} GMAC at {budget.side} pixels")
    garments = load_dataset(f"shards:{shards}")
    tests = {"rendered": (garments, load_dataset(TEST))}
    if arguments.ccp is not None:
        tests[budget.photographs] = split_dataset(load_dataset(f"fashionai:{arguments.ccp}"), HELD_BACK, 0)
    for data, (training, test) in tests.items():
        groups: dict[str, list[Evaluation]] = {}
        for run in runs:
            folder = run.folder(output, data)
            if (folder / "card.md").exists():
                groups.setdefault(run.network, []).append(measure(folder, test))
        truth = truth_of(test)
        floor = evaluate(predict_mean_shape(training, test), truth, test.schema, test.name)
        print_table(f"{data}: {len(test)} records of {test.name}, NE by width and height", groups, floor)
        if arguments.curve is not None:
            lines = [
                Line(name, gmac(network_config(name, budget.side)), mean_by_stage(seeds))
                for name, seeds in groups.items()
            ]
            draw_curve(lines, f"{test.name}: networks trained alike", arguments.curve / f"table1-{data}.png")


if __name__ == "__main__":
    main()
