"""What each way of finding ranges does to the answers: estimators, samples, bias correction, both formats.

    benchmarks/ptq_ablation.py runs/ccp/tuned --data fashionai:CCP --holdout 113 -o runs/ptq
    benchmarks/ptq_ablation.py lite-fashionai24 --data rendered:1000@5 --test rendered:400@102 -o runs/ptq-drawn

Converts every variant that has no result yet to int8, compares the files with the float model on pictures that
set no range, and prints a Markdown table: NE by stage, relative drift with its 95 % bounds, the landmark (of 20 points
or more) that lost most, the mean distance from the float model's landmarks by stage.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pictures
from drift_rows import keep, print_rows

from fpm_edge.convert import Calibration, convert
from fpm_edge.sampling import STRATEGIES
from fpm_edge.shipped import model_folder
from fpm_edge_calibration import ESTIMATORS
from fpm_edge_runtime.manifest import Format

VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"estimator": name} for name in ESTIMATORS},
    **{f"{name} + biases": {"estimator": name, "correct_biases": True} for name in ("min-max", "mse")},
    **{f"min-max + {name}": {"strategy": name} for name in STRATEGIES if name != "stratified"},
}
FORMATS: tuple[Format, ...] = ("tflite", "onnx")


def result(folder: Path, name: str, form: Format) -> Path:
    return folder / f"{name.replace(' ', '')}-{form}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures.add_options(parser)
    parser.add_argument("--samples", type=int, default=128, help="pictures that set the ranges")
    parser.add_argument("--only", help="comma-separated names of variants")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for bundles and results")
    arguments = parser.parse_args()
    data, test = pictures.load(parser, arguments)
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    names = arguments.only.split(",") if arguments.only else list(VARIANTS)
    for name in names:
        if result(output, name, "tflite").is_file():
            continue
        calibration = Calibration(data, samples=arguments.samples, **VARIANTS[name])
        made = convert(
            model_folder(arguments.model),
            output / "last.fpm",
            precision="int8",
            calibration=calibration,
            score=test,
            formats=FORMATS if name == "min-max" else FORMATS[:1],
        )
        for form, report in made.drift.items():
            keep(result(output, name, form), report)
    print_rows((f"{name}, {form}", result(output, name, form)) for name in names for form in FORMATS)


if __name__ == "__main__":
    main()
