"""What the weights for photographs of garments owe to each part of their training, one change at a time.

    benchmarks/garments_ablation.py OUT --ccp CCP

OUT is what `benchmarks/garments.sh GARMENTS OUT lite-s` wrote. Every row trains `lite-s` from the weights of drawn
garments for as many steps (so rows with and without others beside the photographs cost the same), converts it in
float32, and reads from the bundle what it reached on dev: NE by stage with the category given, and how many categories
and pictures without a garment its rule finds, cross-validated. CCP tells what is left of worn clothes. A run that was
stopped is continued by the same command.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from runs import fpm_edge, train

from fpm_edge.data import load_dataset, mixed, split_listed
from fpm_edge.train.config_file import Beside, DataConfig, RunConfig, dump_run_config
from fpm_edge.train.pipeline import epoch_size
from fpm_edge.train.recipes import RECIPES
from fpm_edge_runtime import open_bundle

STEPS = 1400
MODEL = "lite-s"


@dataclass(frozen=True)
class Variant:
    """How a row differs from the recipe.

    Attributes:
        drawn: share of drawn garments.
        settings, augmentation: fields of `TrainSettings` and `Augmentation`.
        model: options of `fpm-edge train` that say which network.
        teacher: whether the shipped `lite-m` is one.
        steps: trained, as a multiple of `STEPS`.
    """

    drawn: float = 0.25
    settings: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    model: tuple[str, ...] = ()
    teacher: bool = False
    steps: float = 1.0


VARIANTS = {
    "recipe `garments`, 25 % drawn garments": Variant(),
    "no drawn garments": Variant(drawn=0.0),
    "50 % drawn garments": Variant(drawn=0.5),
    "absent_weight 0": Variant(settings={"absent_weight": 0.0}),
    "absent_weight 1": Variant(settings={"absent_weight": 1.0}),
    "category_weight 0": Variant(settings={"category_weight": 0.0}),
    "absent_weight 0, category_weight 0": Variant(settings={"absent_weight": 0.0, "category_weight": 0.0}),
    "sigma 1.25": Variant(settings={"sigma": 1.25}),
    "neither turned nor tilted": Variant(augmentation={"turn": 0.0, "perspective": 0.0}),
    "a quarter turned by any angle": Variant(augmentation={"turn": 0.25}),
    "128 pixels": Variant(model=("--input-size", "128")),
    "taught by the shipped `lite-m` as well": Variant(teacher=True),
    "twice the steps": Variant(steps=2.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="OUT")
    parser.add_argument("--ccp", type=Path, required=True, help="folder of street photographs")
    parser.add_argument("--only", help="comma-separated numbers of rows, from 1")
    options = parser.parse_args()
    numbers = [int(number) for number in options.only.split(",")] if options.only else range(1, len(VARIANTS) + 1)
    print("| training | NE by stage, dev | category | none found, at garments lost | NE, CCP |\n|---|---|---|---|---|")
    for number in numbers:
        name = list(VARIANTS)[number - 1]
        print(f"| {name} | {row(options.folder, number, VARIANTS[name], options.ccp)} |", flush=True)


def row(out: Path, number: int, variant: Variant, ccp: Path) -> str:
    """Train, convert and measure, where that is not done; the cells of the row."""
    folder = out / "ablation" / str(number)
    folder.parent.mkdir(exist_ok=True)
    described = folder.with_suffix(".toml")
    described.write_text(dump_run_config(run_of(out, variant)))
    teacher = ("--teacher", "lite-m") if variant.teacher else ()
    start = ("--from", out / f"{MODEL}-drawn", "--model", MODEL)
    train(folder, "--config", described, *start, *variant.model, *teacher)
    bundle = folder.with_suffix(".fpm")
    if not bundle.exists():
        nothing = ("--nothing", f"nothing:{out}/nothing-train", "--nothing", "backdrops:100@6/192")
        seen = ("--calibration", f"fashionai:{out}/seen", "--holdout", out / "dev.txt")
        fpm_edge("convert", folder, "--fp32", "--format", "tflite", *seen, *nothing, "-o", bundle)
    manifest = open_bundle(bundle).manifest
    assert manifest.measured is not None
    assert manifest.recognition is not None
    assert manifest.recognition.categories is not None
    reached = " / ".join(f"{stage.converted_ne:.4f}" for stage in manifest.measured.stages)
    rule = manifest.recognition.categories.stages[-1]
    return (
        f"{reached} | {rule.found:.1%} | {rule.nothing_found:.0%}, {rule.garments_lost:.1%} | {street(bundle, ccp):.4f}"
    )


def run_of(out: Path, variant: Variant) -> RunConfig:
    """The training of a row."""
    beside = [Beside(variant.drawn, f"shards:{out}/drawn")] if variant.drawn else []
    beside += [Beside(0.03, f"nothing:{out}/nothing-train"), Beside(0.02, "backdrops:300@5/192")]
    photographs = split_listed(load_dataset(f"fashionai:{out}/seen"), out / "dev.txt")[0]
    together = [(load_dataset(other.spec, schema=photographs.schema), other.share) for other in beside]
    recipe = RECIPES["garments"]
    steps = epoch_size(mixed(photographs, together)) // recipe.batch
    settings = msgspec.structs.replace(
        recipe,
        epochs=max(1, round(variant.steps * STEPS / steps)),
        augmentation=msgspec.structs.replace(recipe.augmentation, **variant.augmentation),
        seed=1,
        **variant.settings,
    )
    return RunConfig(None, settings, DataConfig(f"fashionai:{out}/seen", str(out / "dev.txt"), beside=tuple(beside)))


def street(bundle: Path, ccp: Path) -> float:
    """NE of the last stage on all street photographs; none of them is trained on."""
    kept = bundle.with_suffix(".street.json")
    if not kept.exists():
        command = [sys.executable, "-m", "fpm_edge", "evaluate", str(bundle), "--data", f"fashionai:{ccp}"]
        answer = subprocess.run([*command, "--json"], check=True, capture_output=True)
        kept.write_bytes(answer.stdout)
    return float(json.loads(kept.read_bytes())["stages"][-1]["ne"]["mean"])


if __name__ == "__main__":
    main()
