"""The main job: a trained model → checked TFLite and ONNX stages → measured against float → a bundle, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import Dataset
from fpm_edge.gate import check_budget, check_drift
from fpm_edge.model.config import ModelConfig
from fpm_edge.predict import Predictions, predict_session, truth_of
from fpm_edge.progress import progress_bar
from fpm_edge.quantized import LoadedModel, load_any
from fpm_edge.train.pipeline import load_sample
from fpm_edge_calibration import MinMax, calibration_card, choose_samples, golden_set
from fpm_edge_calibration.goldens import FEWEST_GOLDENS
from fpm_edge_converters import (
    Exported,
    Precision,
    assign_kernel_ranges,
    assign_ranges,
    check_same_landmarks,
    export,
    fake_quantized,
    observe_ranges,
    quantized_layers,
    recorded_ranges,
)
from fpm_edge_converters.checks import CLEAR_PEAK
from fpm_edge_runtime import Bundle, Manifest, SchemaError, UsageError, open_bundle, write_bundle
from fpm_edge_runtime.drift import DriftReport, compare_landmarks
from fpm_edge_runtime.manifest import (
    SCHEMA_VERSION,
    CalibrationCard,
    Format,
    Geometry,
    Measured,
    Quantization,
)
from fpm_edge_runtime.metrics import point_mask
from fpm_edge_runtime.pack import bundle_bytes

__all__ = ["ENGINE_OF", "Calibration", "Converted", "convert"]

ENGINE_OF: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}

_PROBES = 2
# TFLite and ONNX hold the same numbers; what differs is how two engines round, a few codes of an int8 peak at most.
_SAME_PX = {"int8": 0.75, "float16": 0.05, "float32": 0.05}


@dataclass(frozen=True)
class Calibration:
    """Which pictures set the ranges: `samples` of `dataset`, chosen by `strategy` with `seed`."""

    dataset: Dataset
    samples: int = 64
    strategy: str = "stratified"
    seed: int = 0


@dataclass(frozen=True)
class Converted:
    """A finished conversion: the bundle, and the drift of each of its formats (None where nothing was scored)."""

    path: Path
    manifest: Manifest
    drift: dict[Format, DriftReport]
    whole_bytes: dict[Format, int]
    scored_on: str


def convert(
    folder: Path,
    output: Path,
    *,
    precision: Precision,
    calibration: Calibration,
    score: Dataset | None = None,
    stages: int | None = None,
    formats: Sequence[Format] = ("tflite", "onnx"),
    max_ne_drift: float | None = None,
    embed_reference: bool = False,
) -> Converted:
    """Convert a trained model and write a bundle whose drift from the float model is known.

    Args:
        folder: model folder of `fpm-edge train` or `fpm-edge qat`.
        output: the bundle to write; nothing is written if anything fails.
        precision: of the stages.
        calibration: pictures for ranges and golden cases.
        score: pictures with true landmarks to measure on; None for those of the calibration data that did not set
            the ranges.
        stages: keep only the first so many.
        formats: which formats to put in the bundle.
        max_ne_drift: budget for the upper 95 % bound of the last stage's relative NE drift, e.g. 0.03 for 3 %.
        embed_reference: put the float32 TFLite stages into the bundle, for comparison on the device.

    Raises:
        GateError: the drift's bound is over the budget.
        ConversionError: an assertion on the converted files.
        ModelError, DataError, SchemaError, UsageError: inputs that cannot be used.
    """
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent} is not a folder; create it, or write the bundle elsewhere")
    if output.is_dir():
        raise UsageError(f"{output} is a folder; name the bundle to write, such as {output / 'model.fpm'}")
    check_budget(max_ne_drift)
    if precision == "int8" and calibration.samples < FEWEST_GOLDENS:
        raise UsageError(f"{calibration.samples} calibration samples; at least {FEWEST_GOLDENS} are needed")
    loaded = load_any(folder, stages)
    _check_schema(loaded.config, calibration.dataset, score)
    chosen = choose_samples(
        [record.category for record in calibration.dataset.records],
        # Without ranges to find, pictures are needed for the golden cases only.
        calibration.samples if precision == "int8" else FEWEST_GOLDENS,
        strategy=calibration.strategy,
        seed=calibration.seed,
    )
    scored = score if score is not None else _not_chosen(calibration.dataset, chosen)
    inputs = _inputs(calibration.dataset, chosen, loaded.config)
    network, card = _quantize(loaded, precision, calibration, chosen, inputs)
    exported = export(network, precision, formats, inputs[:_PROBES])
    reusable = precision == "float32" and "tflite" in formats
    reference = _reference_bundle(loaded, exported if reusable else None, inputs)

    method: Literal["none", "ptq", "qat"] = "none"
    if precision == "int8":
        method = "ptq" if loaded.quantized is None else "qat"
    manifest = _manifest(folder, loaded.config, exported, Quantization(precision=precision, method=method), card)
    members = dict(exported.members)
    draft = open_bundle(bundle_bytes(manifest, members))
    members |= _goldens(draft, reference, calibration.dataset, chosen, inputs, _SAME_PX[precision])

    drift = _score(draft, reference, scored)
    for form, report in drift.items():
        advice = f"{output} was not written; try more calibration pictures, `fpm-edge qat`, or --fp16"
        check_drift(report, max_ne_drift, f"{precision} {form}", advice)
    manifest = msgspec.structs.replace(manifest, measured=_measured(draft, scored, drift), max_ne_drift=max_ne_drift)
    if embed_reference:
        members["reference/float.fpm"] = reference.serialized
    members["card.md"] = _card_text(manifest, drift).encode()
    write_bundle(output, manifest, members)
    return Converted(output, open_bundle(output).manifest, drift, exported.whole_bytes, scored.name)


@dataclass(frozen=True)
class _Reference:
    """The float32 TFLite stages: what everything is compared with."""

    bundle: Bundle
    serialized: bytes


def _check_schema(config: ModelConfig, *datasets: Dataset | None) -> None:
    for dataset in datasets:
        if dataset is not None and dataset.schema.landmarks != config.schema.landmarks:
            raise SchemaError(
                f"data {dataset.name} has schema {dataset.schema.name!r}, the model {config.schema.name!r}; "
                "use data with the model's landmarks"
            )


def _inputs(dataset: Dataset, indices: Sequence[int], config: ModelConfig) -> list[NDArray[np.uint8]]:
    with progress_bar("reading calibration pictures", len(indices)) as advance:
        inputs = []
        for index in indices:
            inputs.append(load_sample(dataset, index, config).image)
            advance()
    return inputs


def _quantize(
    loaded: LoadedModel,
    precision: Precision,
    calibration: Calibration,
    chosen: Sequence[int],
    inputs: Sequence[NDArray[np.uint8]],
) -> tuple[object, CalibrationCard | None]:
    if precision != "int8":
        return loaded.network, None
    estimator = "qat"
    quantized = loaded.quantized
    if quantized is None:
        quantized = fake_quantized(loaded.network)
        minmax = MinMax()
        estimator = minmax.name
        with progress_bar("calibrating", len(inputs)) as advance:
            observe_ranges(loaded.network, quantized_layers(quantized), inputs, minmax, advance)
        assign_ranges(quantized, minmax.ranges())
    else:
        assign_kernel_ranges(quantized)
    card = calibration_card(
        strategy=calibration.strategy,
        source=calibration.dataset.name,
        seed=calibration.seed,
        identifiers=[calibration.dataset.records[i].identifier for i in chosen],
        inputs=inputs,
        estimator=estimator,
        ranges=recorded_ranges(quantized),
    )
    return quantized, card


def _reference_bundle(
    loaded: LoadedModel, exported: Exported | None, inputs: Sequence[NDArray[np.uint8]]
) -> _Reference:
    made = exported or export(loaded.network, "float32", ("tflite",), inputs[:_PROBES])
    pieces = made.pieces["tflite"]
    members = {piece.member: made.members[piece.member] for piece in pieces}
    quantization = Quantization(precision="float32", method="none")
    only_tflite = Exported({"tflite": pieces}, members, made.whole_bytes)
    data = bundle_bytes(_manifest(Path("reference"), loaded.config, only_tflite, quantization, None), members)
    return _Reference(open_bundle(data), data)


def _manifest(
    folder: Path,
    config: ModelConfig,
    exported: Exported,
    quantization: Quantization,
    card: CalibrationCard | None,
) -> Manifest:
    packages = ("fpm-edge", "tensorflow", "tensorflow-model-optimization", "tf2onnx", "onnx", "ai-edge-litert")
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=folder.resolve().name if folder.name in {"", ".", ".."} else folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        landmarks=config.schema,
        geometry=Geometry(input_height=config.input_height, input_width=config.input_width, stride=config.stride),
        quantization=quantization,
        stages=config.stages,
        pieces=exported.pieces,
        digests={},
        versions={name: version(name) for name in (*packages, "onnxruntime", "numpy")},
        calibration=card,
        model=msgspec.to_builtins(config),
    )


def _goldens(
    draft: Bundle,
    reference: _Reference,
    dataset: Dataset,
    chosen: Sequence[int],
    inputs: Sequence[NDArray[np.uint8]],
    same_px: float,
) -> dict[str, bytes]:
    """The golden members; on the way, TFLite and ONNX are held to the same landmarks."""
    spread = np.linspace(0, len(inputs) - 1, FEWEST_GOLDENS).round().astype(int)
    cases = [inputs[i] for i in spread]
    categories = [dataset.records[chosen[i]].category for i in spread]
    answers = {form: _answers(draft, ENGINE_OF[form], cases) for form in draft.formats}
    if len(answers) == 2:
        (first, first_scores), (second, second_scores) = answers["tflite"], answers["onnx"]
        clear = np.maximum(first_scores, second_scores) >= CLEAR_PEAK
        check_same_landmarks(first, second, clear, same_px, "TFLite against ONNX")
    return golden_set(
        cases,
        categories,
        [dataset.schema.landmarks_of(category) for category in categories],
        _answers(reference.bundle, ENGINE_OF["tflite"], cases)[0],
        [landmarks for landmarks, _ in answers.values()],
    )


def _answers(
    bundle: Bundle, engine: str, cases: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Landmarks (cases, stages, L, 2) in pixels of the input, and scores (cases, stages, L)."""
    session = bundle.session(engine)
    results = [session.detect_input(case) for case in cases]
    return (
        np.array([[stage.landmarks for stage in case] for case in results], np.float32),
        np.array([[stage.scores for stage in case] for case in results], np.float32),
    )


def _not_chosen(dataset: Dataset, chosen: Sequence[int]) -> Dataset:
    rest = sorted(set(range(len(dataset))) - set(chosen))
    if not rest:
        raise UsageError(
            f"all {len(dataset)} pictures of {dataset.name} set the ranges, so none is left to measure drift on; "
            "give more pictures, fewer --samples, or other pictures with --score"
        )
    return dataset.subset(rest)


def _score(draft: Bundle, reference: _Reference, dataset: Dataset) -> dict[Format, DriftReport]:
    truth = truth_of(dataset)
    mask = point_mask(truth.visibility, "labelled")
    expected = predict_session(reference.bundle.session(ENGINE_OF["tflite"]), dataset)

    def against(found: Predictions) -> DriftReport:
        return compare_landmarks(
            found.landmarks, expected.landmarks, mask, found.sizes, truth.landmarks, dataset.schema
        )

    # TFLite first, as everywhere.
    order = sorted(draft.formats, reverse=True)
    return {form: against(predict_session(draft.session(ENGINE_OF[form]), dataset)) for form in order}


def _measured(draft: Bundle, dataset: Dataset, drift: dict[Format, DriftReport]) -> Measured:
    form: Format = "tflite" if "tflite" in draft.formats else "onnx"
    return Measured(
        source=dataset.name,
        pictures=len(dataset),
        format=form,
        engine=f"{ENGINE_OF[form]} {draft.session(ENGINE_OF[form]).engine_version}",
        stages=tuple(stage.measurement() for stage in drift[form].stages),
    )


def _card_text(manifest: Manifest, drift: dict[Format, DriftReport]) -> str:
    """``card.md``: what is in the bundle, for people."""
    lines = [
        f"# {manifest.name}",
        "",
        f"{manifest.stages} stages, {manifest.quantization.precision} ({manifest.quantization.method}), input "
        f"{manifest.geometry.input_width} × {manifest.geometry.input_height}, landmarks {manifest.landmarks.name}.",
        "",
    ]
    measured = manifest.measured
    if measured is not None:
        lines += [f"Measured on {measured.source} ({measured.pictures} pictures), NE by width and height:", ""]
        lines += ["| format | stage | float NE | NE | relative drift | 95 % bounds |", "|---|---|---|---|---|---|"]
        for form, report in drift.items():
            for entry in (stage.measurement() for stage in report.stages):
                relative = entry.relative_drift
                lines.append(
                    f"| {form} | {entry.stage} | {entry.float_ne:.4f} | {entry.converted_ne:.4f} | "
                    f"{relative.estimate:+.2%} | {relative.lower:+.2%} to {relative.upper:+.2%} |"
                )
        lines.append("")
    card = manifest.calibration
    if card is not None:
        how = "trained (QAT); golden cases from" if card.estimator == "qat" else f"{card.estimator} over"
        lines += [
            f"Ranges: {how} {len(card.samples)} pictures of {card.source} ({card.strategy}, seed "
            f"{card.seed}; SHA-256 of the inputs {card.digest}).",
            "",
            "| tensor | from | to |",
            "|---|---|---|",
        ]
        lines += [f"| {name} | {low:.4g} | {high:.4g} |" for name, (low, high) in card.ranges.items()]
        lines.append("")
    return "\n".join(lines)
