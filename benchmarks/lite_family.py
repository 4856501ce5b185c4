"""`lite-s`, `lite-m`, `lite-l`: trains what is not shipped, converts all to int8, prints what each costs and reaches.

    benchmarks/lite_family.py -o runs/lite-family

1. Draws the garments once, as shards.
2. Trains `lite-s` and `lite-l` on them, and `lite-s` with six stages as well, to see what truncation costs. `lite-m`
   is the shipped model.
3. Converts each to an int8 and a float32 bundle.
4. Prints one table, all measured in one run on the same pictures, and `report.html` beside it.

Steps that are done are not done again; a training that was stopped is resumed.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from runs import fpm_edge, shard, train

from fpm_edge.data import load_dataset
from fpm_edge.model import stage_costs
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.store import read_config
from fpm_edge.report import measure, write_report
from fpm_edge.report.data import Variant
from fpm_edge.shipped import shipped_model
from fpm_edge_runtime import open_bundle

FAMILY = ("lite-s", "lite-m", "lite-l")
SHIPPED = "lite-m"
SIX = "lite-s-six"
TRAINED = ("lite-s", "lite-l", SIX)
GARMENTS = "rendered:20000@1/256"
SCORED = "rendered:300@103/256"  # the drift in the bundles' manifests
TEST = "rendered:1000@102/256"


def options_of(name: str) -> list[str]:
    # 128 pixels, as `lite-s` had when docs/results/lite.md was measured (decision 0030).
    small = ["--model", "lite-s", "--input-size", "128"]
    return [*small, "--stages", "6"] if name == SIX else small if name == "lite-s" else ["--model", name]


def trained(output: Path, name: str) -> Path:
    return shipped_model() if name == SHIPPED else output / name


def convert(folder: Path, name: str, precision: str, shards: Path) -> Path:
    bundle = folder / f"{name}-{precision}.fpm"
    if not bundle.exists():
        calibration = ("--calibration", f"shards:{shards}", "--samples", "128", "--score", SCORED)
        fpm_edge("convert", trained(folder, name), f"--{precision}", *calibration, "-o", bundle)
    return bundle


def stages_of(values: list[float | None], form: str) -> str:
    return " / ".join("–" if value is None else form.format(value) for value in values)


def row(name: str, config: ModelConfig, plain: Variant, quantized: Variant) -> str:
    """One network's row of the table."""
    costs = stage_costs(config)
    last = quantized.last
    drift = (
        "–"
        if last.relative_drift is None
        else f"{last.relative_drift.estimate:+.2%} ({last.relative_drift.upper:+.2%})"
    )
    cells = [
        name,
        f"{config.input_width}",
        f"{sum(cost.macs for cost in costs) / 1e9:.3f}",
        f"{sum(cost.parameters for cost in costs) / 1e6:.2f}",
        f"{last.bytes / 1e6:.2f}",
        stages_of([stage.ne for stage in plain.stages], "{:.4f}"),
        stages_of([stage.ne for stage in quantized.stages], "{:.4f}"),
        drift,
        stages_of([stage.latency.inference.median for stage in quantized.stages], "{:.2f}"),
        stages_of([stage.ratio for stage in quantized.stages], "{:.2f}"),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--precision", default="mixed_bfloat16", help="of training")
    parser.add_argument("--only", help=f"train only these of {', '.join(TRAINED)}, and print no table")
    arguments = parser.parse_args()
    output: Path = arguments.output
    shards = shard(GARMENTS, output / "garments")
    common = ("--recipe", "lite", "--epochs", str(arguments.epochs), "--precision", arguments.precision, "--seed", "1")
    for name in arguments.only.split(",") if arguments.only else TRAINED:
        train(output / name, *options_of(name), *common, "--data", f"shards:{shards}")
    if arguments.only:
        return
    names = (*FAMILY, SIX)
    bundles = [convert(output, name, precision, shards) for name in names for precision in ("int8", "fp32")]
    data = measure(
        [(bundle.stem, open_bundle(bundle)) for bundle in bundles],
        load_dataset(TEST),
        engines=("litert",),
        progress=print,
    )
    write_report(data, output / "report")
    found = {variant.bundle: variant for variant in data.variants}
    print(
        "| | input | GMAC | M parameters | int8 MB | NE by stage, float | int8 | drift (upper) | ms int8 | of float |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in names:
        config = read_config(trained(output, name))
        assert isinstance(config, ModelConfig)
        print(row(name, config, found[f"{name}-fp32"], found[f"{name}-int8"]))
    six = [stage.ne for stage in found[f"{SIX}-fp32"].stages]
    print(f"\nthird stage of six against the sixth: {six[2] / six[5] - 1:+.1%} NE")


if __name__ == "__main__":
    main()
