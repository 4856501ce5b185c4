"""What quantization-aware training does to the answers: none, PTQ, plain QAT, QAT with the float model as teacher.

    benchmarks/qat_ablation.py runs/ccp/tuned --data fashionai:CCP --holdout 113 -o runs/qat-ablation
    benchmarks/qat_ablation.py lite-m --data rendered:200@5/192 --test rendered:100@6/192 -o runs/qat-ablation

Trains every variant that has no result yet, converts each to int8 TFLite and ONNX, compares the files with the float
model on the pictures held back, and prints Markdown tables. A run that was stopped is continued by the same command.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import msgspec
import pictures
from drift_rows import keep, print_landmarks, print_rows

from fpm_edge.cli.training import changed_settings, make_deterministic
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.qat import fine_tune
from fpm_edge.convert.quantized import save_qat
from fpm_edge.data import Dataset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import load_model, weights_digest
from fpm_edge.shipped import model_folder
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.run_record import CHECKPOINT
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.bundle.manifest import Format

# Without the teacher; ranges move to the end.
PLAIN = msgspec.structs.replace(RECIPES["qat"], truth_weight=1.0, float_weight=0.0, freeze_ranges_after=1.0)


def changed(**changes: Any) -> TrainSettings:
    return msgspec.structs.replace(PLAIN, **changes)


FORMATS: tuple[Format, ...] = ("tflite", "onnx")

# None trains nothing.
VARIANTS: dict[str, TrainSettings | None] = {
    "PTQ": None,
    "plain QAT": PLAIN,
    "QAT, teacher × 1": changed(float_weight=1.0),
    "QAT, teacher × 10": changed(float_weight=10.0),
    "QAT, teacher × 30": changed(float_weight=30.0),
    "QAT, teacher × 10, ranges still from half": changed(float_weight=10.0, freeze_ranges_after=0.5),
    "QAT, teacher alone": changed(float_weight=1.0, truth_weight=0.0),
}


@dataclass(frozen=True)
class Ablation:
    """What all variants start from and are measured on."""

    model: Path
    training: Dataset
    test: Dataset
    folder: Path
    stages: int | None
    samples: int

    def result(self, name: str, form: Format = "tflite") -> Path:
        """Where the drift report of a variant is."""
        return self.folder / name.replace(" ", "_") / f"{form}.json"

    def run(self, name: str, settings: TrainSettings | None) -> None:
        """Train and convert one variant, and write down its drift; nothing where that is done."""
        result = self.result(name)
        if result.is_file():
            return
        folder = result.parent
        folder.mkdir(parents=True, exist_ok=True)
        source = self.model
        if settings is not None:
            source = folder / "model"
            make_deterministic(settings.seed)
            config, network = fold_batch_norm(*load_model(self.model, self.stages))
            quantized = fine_tune(
                config,
                network,
                self.training,
                settings,
                source,
                origin=weights_digest(self.model),
                resume=(source / CHECKPOINT).exists(),
                on_epoch=lambda log: print(name, log, flush=True),
            )
            save_qat(source, config, network, quantized)
        converted = convert(
            source,
            folder / "int8.fpm",
            precision="int8",
            calibration=Calibration(self.training, samples=min(self.samples, len(self.training))),
            score=self.test,
            stages=self.stages,
            formats=FORMATS,
        )
        for form in reversed(FORMATS):
            keep(self.result(name, form), converted.drift[form])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures.add_options(parser)
    parser.add_argument("--stages", type=int, help="of a truncated model")
    parser.add_argument("--samples", type=int, default=128, help="pictures that give PTQ its ranges")
    parser.add_argument("--epochs", type=int, help="other than the recipe's")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings; give each its own --output")
    parser.add_argument("--only", help="comma-separated numbers of variants, from 1")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for models and results")
    arguments = parser.parse_args()
    training, test = pictures.load(parser, arguments)
    ablation = Ablation(
        model_folder(arguments.model), training, test, arguments.output, arguments.stages, arguments.samples
    )
    chosen = [int(number) for number in arguments.only.split(",")] if arguments.only else None
    for number, (name, settings) in enumerate(VARIANTS.items(), start=1):
        if chosen is not None and number not in chosen:
            continue
        if settings is not None:
            settings = changed_settings(settings, epochs=arguments.epochs, seed=arguments.seed)
        ablation.run(name, settings)
    print_rows((f"{name}, {form}", ablation.result(name, form)) for name in VARIANTS for form in FORMATS)
    print_landmarks((name, ablation.result(name)) for name in VARIANTS)


if __name__ == "__main__":
    main()
