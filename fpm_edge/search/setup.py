"""From what the user gives to what is searched."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fpm_edge.convert import Calibration
from fpm_edge.data import Dataset
from fpm_edge.model.store import FLOAT_FOLDER, weights_digest
from fpm_edge.quantized import is_qat_folder, load_any
from fpm_edge.sampling import calibration_samples, check_schema, not_chosen
from fpm_edge.search.budgets import Budgets
from fpm_edge.search.run import RUNGS, Rung, Setup, rungs_for
from fpm_edge.search.space import File, Space
from fpm_edge_converters import Precision
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.errors import MissingExtraError, UsageError

__all__ = ["USUAL_ENGINES", "prepare"]

USUAL_ENGINES = ("litert", "onnxruntime")

# Those that look at annotations only: their pictures are the same for every stage count and input size.
_STRATEGIES = ("random", "stratified")


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

    Raises:
        UsageError, ModelError, DataError, SchemaError: inputs that cannot be used.
        MissingExtraError: an engine that was asked for is not installed, or none is.
    """
    if calibration.strategy not in _STRATEGIES:
        raise UsageError(
            f"sample strategy {calibration.strategy!r} chooses other pictures for every network; a search takes "
            f"one of: {', '.join(_STRATEGIES)}"
        )
    loaded = load_any(model)
    check_schema(loaded.config, calibration.dataset, score)
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
