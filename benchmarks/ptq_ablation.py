"""What each way of finding ranges does to the answers: estimators, samples, bias correction, equalization, formats.

    benchmarks/ptq_ablation.py runs/ccp/tuned --data fashionai:CCP --holdout 113 -o runs/ptq
    benchmarks/ptq_ablation.py lite-m --data rendered:1000@5 --test rendered:400@102 -o runs/ptq-drawn

Converts every variant that has no result yet to int8, compares the files with the float model on pictures that
set no range, and prints Markdown tables: NE by stage, relative drift with its 95 % bounds, the landmark (of 20 points
or more) that lost most, the mean distance from the float model's landmarks by stage; and drift by landmark.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pictures
from drift_rows import keep, print_landmarks, print_rows
from equalization import equalized

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.accuracy.predict import drift_between, predict_network, predict_session, truth_of
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.convert.sampling import STRATEGIES, calibration_samples
from fpm_edge.data import Dataset
from fpm_edge.model.store import save_model
from fpm_edge.shipped import model_folder
from fpm_edge_calibration import ESTIMATORS
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.manifest import Format

VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"estimator": name} for name in ESTIMATORS},
    **{f"{name} + biases": {"estimator": name, "correct_biases": True} for name in ("min-max", "mse")},
    **{f"min-max + {name}": {"strategy": name} for name in STRATEGIES if name != "stratified"},
}
# See `equalization.equalized`.
EXPONENTS = {"min-max + equalized": 0.5, "min-max + equalized activations": 1.0}
FORMATS: tuple[Format, ...] = ("tflite", "onnx")


def result(folder: Path, name: str, form: Format) -> Path:
    return folder / f"{name.replace(' ', '')}-{form}.json"


def equalize(folder: Path, calibration: Calibration, exponent: float, output: Path) -> Path:
    """A copy of the model with its channels equalized on the very pictures that will set the ranges."""
    loaded = load_any(folder)
    data, config = calibration.dataset, loaded.config
    chosen = calibration_samples(
        data, calibration.samples, calibration.strategy, calibration.seed, config, loaded.network
    )
    network, stretched = equalized(loaded.network, network_inputs(data, chosen, config), exponent)
    print({name: round(factor, 2) for name, factor in stretched.items()})
    save_model(output, config, network)
    return output


def against(folder: Path, bundle: Path, test: Dataset) -> DriftReport:
    """Drift of a bundle's TFLite stages from the model in `folder`."""
    loaded = load_any(folder)
    expected = predict_network(loaded.network, loaded.config, test)
    found = predict_session(open_bundle(bundle).session("litert"), test)
    return drift_between(found, expected, truth_of(test), test.schema)


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
    names = arguments.only.split(",") if arguments.only else [*VARIANTS, *EXPONENTS]
    for name in names:
        if result(output, name, "tflite").is_file():
            continue
        calibration = Calibration(data, samples=arguments.samples, **VARIANTS.get(name, {}))
        folder = model_folder(arguments.model)
        if name in EXPONENTS:
            folder = equalize(folder, calibration, EXPONENTS[name], output / "equalized")
        made = convert(
            folder,
            output / "last.fpm",
            precision="int8",
            calibration=calibration,
            score=test,
            formats=FORMATS if name in ESTIMATORS else FORMATS[:1],
        )
        drift = made.drift
        if name in EXPONENTS:
            # From the network as it was trained: what equalization itself changes counts.
            drift = {"tflite": against(model_folder(arguments.model), made.path, test)}
        for form, report in drift.items():
            keep(result(output, name, form), report)
    print_rows((f"{name}, {form}", result(output, name, form)) for name in names for form in FORMATS)
    print_landmarks((name, result(output, name, "tflite")) for name in names)


if __name__ == "__main__":
    main()
