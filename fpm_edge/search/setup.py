"""From what the user gives to what is searched."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fpm_edge.convert.convert import Calibration
from fpm_edge.convert.gate import FEWEST_FOR_GATE
from fpm_edge.convert.quantized import is_qat_folder, load_any
from fpm_edge.convert.sampling import calibration_samples, not_chosen
from fpm_edge.data import Dataset
from fpm_edge.model.store import FLOAT_FOLDER, weights_digest
from fpm_edge.report.environment import describe_environment
from fpm_edge.search.budgets import Budgets
from fpm_edge.search.space import File, Space
from fpm_edge.train.seen import refuse_seen, seen_by
from fpm_edge_converters import Precision
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.errors import MissingExtraError, UsageError

__all__ = ["RUNGS", "USUAL_ENGINES", "Rung", "Setup", "prepare", "rungs_for"]

USUAL_ENGINES = ("litert", "onnxruntime")

# Those that look at annotations only: their pictures are the same for every stage count and input size.
_STRATEGIES = ("random", "stratified")


@dataclass(frozen=True)
class Rung:
    """How much is measured: so many pictures (None: all), and so many runs."""

    pictures: int | None
    runs: int


RUNGS = (Rung(32, 5), Rung(128, 15), Rung(None, 50))
"""Each four times the pictures of the one before. The smallest and largest of five runs bound the median at 94 %."""


@dataclass(frozen=True)
class Setup:
    """What is searched, on what, and for what.

    Attributes:
        model: the model's folder.
        origin: name of the model, and digests of its weights: a search goes on only with the same.
        reference: the float32 conversion at the model's own size.
        stages: the model's.
        space: candidates.
        budgets: to keep.
        calibration: what sets the ranges, and `chosen`, the indices of its pictures.
        scored: pictures to measure on.
        rungs: how much is measured of each, `rungs_for` the pictures.
        notes: for people.
    """

    model: Path
    origin: dict[str, str]
    reference: File
    stages: int
    space: Space
    budgets: Budgets
    calibration: Calibration
    chosen: Sequence[int]
    scored: Dataset
    rungs: tuple[Rung, ...] = RUNGS
    notes: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """All that decides what is measured."""
        environment = describe_environment(1, 1)
        calibration = self.calibration
        return {
            "model": self.origin,
            "space": msgspec.to_builtins(self.space),
            "budgets": msgspec.to_builtins(self.budgets),
            "data": {"name": self.scored.name, "pictures": len(self.scored), "digest": self.scored.digest},
            "calibration": {
                "digest": calibration.dataset.subset(self.chosen).digest,
                "estimator": calibration.estimator,
                "correct_biases": calibration.correct_biases,
            },
            "rungs": msgspec.to_builtins(self.rungs),
            "processor": environment.cpu,
            "versions": environment.packages,
        }


def rungs_for(pictures: int, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The rungs with their numbers of pictures; the last takes all. Raises UsageError for fewer than ten pictures."""
    if pictures < FEWEST_FOR_GATE:
        raise UsageError(
            f"a search on {pictures} pictures bounds nothing; give at least {FEWEST_FOR_GATE}, better hundreds"
        )
    found: list[Rung] = []
    for rung in rungs:
        count = pictures if rung.pictures is None or rung is rungs[-1] else min(rung.pictures, pictures)
        if found and found[-1].pictures == count:
            found.pop()
        found.append(Rung(count, rung.runs))
    return tuple(found)


def prepare(
    model: Path,
    budgets: Budgets,
    calibration: Calibration,
    *,
    score: Dataset | None = None,
    engines: Sequence[str] | None = None,
    precisions: Sequence[Precision] | None = None,
    input_sizes: Sequence[tuple[int, int]] | None = None,
    threads: Sequence[int] | None = None,
    rungs: Sequence[Rung] = RUNGS,
    allow_seen: bool = False,
) -> Setup:
    """What to search.

    Args:
        model: folder of `fpm-edge train` or `fpm-edge qat`.
        budgets: to keep.
        calibration: pictures for ranges and golden cases.
        score: pictures with true landmarks to measure on; None for those of the calibration data that did not set the
            ranges.
        engines: None for LiteRT and ONNX Runtime, as far as they are installed.
        precisions, input_sizes, threads: None for all, as `Space.of`.
        rungs: how much is measured.
        allow_seen: measure even on photographs that the model was trained on.

    Raises:
        UsageError: it would be measured on photographs that the model was trained on.
        UsageError, ModelError, DataError, SchemaError: inputs that cannot be used.
        MissingExtraError: an engine that was asked for is not installed, or none is.
    """
    if calibration.strategy not in _STRATEGIES:
        raise UsageError(
            f"sample strategy {calibration.strategy!r} chooses other pictures for every network; a search takes "
            f"one of: {', '.join(_STRATEGIES)}"
        )
    loaded = load_any(model)
    calibration.dataset.expect_landmarks(loaded.config.schema, "the model")
    if score is not None:
        score.expect_landmarks(loaded.config.schema, "the model")
    space = Space.of(
        loaded.config,
        engines=_installed(USUAL_ENGINES) if engines is None else engines,
        precisions=precisions,
        input_sizes=input_sizes,
        threads=threads,
    )
    for engine in space.engines:
        load_engine(engine)
    chosen = calibration_samples(
        calibration.dataset,
        calibration.samples,
        calibration.strategy,
        calibration.seed,
        loaded.config,
        loaded.network,
    )
    scored = not_chosen(calibration.dataset, chosen) if score is None else score
    notes = refuse_seen(scored, [(str(model), seen_by(model))], allowed=allow_seen)
    origin = {
        "name": loaded.config.name,
        "config": hashlib.sha256(msgspec.json.encode(loaded.config)).hexdigest(),
        "weights": weights_digest(model),
    }
    if is_qat_folder(model):
        origin["float weights"] = weights_digest(model / FLOAT_FOLDER)
    return Setup(
        model=model,
        origin=origin,
        reference=File("float32", loaded.config.input_size),
        stages=loaded.config.stages,
        space=space,
        budgets=budgets,
        calibration=calibration,
        chosen=chosen,
        scored=scored,
        rungs=rungs_for(len(scored), rungs),
        notes=notes,
    )


def _installed(engines: Sequence[str]) -> list[str]:
    """Raises MissingExtraError where none is."""
    found, missing = [], []
    for engine in engines:
        try:
            load_engine(engine)
        except MissingExtraError as error:
            missing.append(error)
        else:
            found.append(engine)
    if not found:
        raise missing[0]
    return found
