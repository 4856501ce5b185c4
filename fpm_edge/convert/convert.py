"""The main job: a trained model → checked TFLite and ONNX stages → measured against float → a bundle, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.predict import Predictions, drift_between, predict_session, truth_of
from fpm_edge.convert.bundle_card import card_text, words_for
from fpm_edge.convert.drafts import draft_manifest, reference_of
from fpm_edge.convert.fallback import Fallback, Needing, Try, costs_of, find_needing, mixed
from fpm_edge.convert.formats import ENGINE_OF, check_edges, formats_for
from fpm_edge.convert.gate import Budget, check_drift, excess
from fpm_edge.convert.golden_cases import golden_members
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.convert.recognize import fit_recognition, load_nothing
from fpm_edge.convert.sampling import calibration_samples, not_chosen
from fpm_edge.convert.stopping import MAX_STOP_LOSS, fit_convergence
from fpm_edge.data import Dataset
from fpm_edge.text.progress import progress_bar
from fpm_edge.train.seen import card_lines, refuse_seen, seen_by
from fpm_edge_calibration import ESTIMATORS, calibration_card, is_blank
from fpm_edge_calibration.goldens import FEWEST_GOLDENS
from fpm_edge_converters import (
    INTEGER,
    Edges,
    Exported,
    Precision,
    assign_kernel_ranges,
    calibrated,
    check_whole,
    correct_biases,
    corrected_layers,
    export,
    recorded_ranges,
)
from fpm_edge_runtime import Bundle, DataError, Manifest, Session, UsageError, open_bundle, write_bundle
from fpm_edge_runtime.bundle.manifest import (
    CalibrationCard,
    Format,
    Measured,
    Quantization,
    schema_version_for,
)
from fpm_edge_runtime.stages.pack import bundle_bytes

__all__ = ["Calibration", "Converted", "convert", "draft_bundle"]

_PROBES = 2
# Of all precisions' kernels that are integers, if nothing is said.
_KERNEL_BITS = 8
# TFLite and ONNX hold the same numbers; what differs is how two engines round, a few codes of an int8 peak at most.
_SAME_PX_INTEGER, _SAME_PX_FLOAT = 0.75, 0.05


@dataclass(frozen=True)
class Calibration:
    """What sets the ranges.

    Attributes:
        dataset, samples, strategy, seed: which pictures, as `calibration_samples` takes them.
        estimator: from what a tensor was on them to its range, one of `ESTIMATORS`.
        correct_biases: take back the mean error of every channel on them.
        kernel_bits: with 7, no engine's products of a pixel's and a kernel's code overflow, which makes int8 faster on
            x86 processors without VNNI, and costs some NE (decision 0028).
    """

    dataset: Dataset
    samples: int = 64
    strategy: str = "stratified"
    seed: int = 0
    estimator: str = "min-max"
    correct_biases: bool = False
    kernel_bits: Literal[7, 8] = 8


@dataclass(frozen=True)
class Converted:
    """A finished conversion: the bundle, the drift of each of its formats, what the fallback tried, in order; and notes
    on what could not be fitted."""

    path: Path
    manifest: Manifest
    drift: dict[Format, DriftReport]
    whole_bytes: dict[Format, int]
    scored_on: str
    tries: tuple[Try, ...] = ()
    notes: tuple[str, ...] = ()


def convert(
    folder: Path,
    output: Path,
    *,
    precision: Precision,
    calibration: Calibration,
    score: Dataset | None = None,
    stages: int | None = None,
    input_size: tuple[int, int] | None = None,
    formats: Sequence[Format] | None = None,
    budget: Budget | None = None,
    fallback: Fallback | None = None,
    on_try: Callable[[Try], None] = lambda _: None,
    embed_reference: bool = False,
    whole: bool = False,
    edges: Edges = "int8",
    max_stop_loss: float = MAX_STOP_LOSS,
    nothing: Sequence[str] = (),
    allow_seen: bool = False,
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
        input_size: (width, height) in pixels other than the model's own, for the same weights; drift is then that from
            the float model at this size.
        formats: which formats to put in the bundle; None for all that the precision and the fallback come in.
        budget: for the upper 95 % bounds of the last stage's relative NE drift; None for any drift.
        fallback: where the int8 files are over the budget, give more precision to the cheapest set of pieces that
            brings them within it (`fpm_edge.convert.fallback` says how that is found). The manifest says which
            (`Quantization.exceptions`).
        on_try: called with each set of pieces that the fallback has scored.
        embed_reference: put the float32 TFLite stages into the bundle, for comparison on the device.
        whole: put files that go from the image to landmarks by themselves into the bundle (`bundle.WHOLE_MEMBERS`).
        edges: of the int8 TFLite pieces; uint8 is for engines without int8 tensors, and changes no landmark.
        max_stop_loss: relative NE that may be lost where a session leaves stages out because landmarks have stopped
            moving (`fpm_edge.convert.stopping`); the manifest says how still they must be for that.
        nothing: specs of pictures without a garment, for the rule by which the bundle recognises garments
            (`fpm_edge.convert.recognize`); without any, drawn backdrops.
        allow_seen: measure even on photographs that the model was trained on.

    Raises:
        GateError: a bound of the drift is over the budget; with `fallback`, even with all pieces in that precision.
        ConversionError: an assertion on the converted files.
        UsageError: it would be measured on photographs that the model was trained on.
        ModelError, DataError, SchemaError, UsageError: inputs that cannot be used.
    """
    if not max_stop_loss >= 0:
        raise UsageError(f"max_stop_loss is {max_stop_loss}; expected a share of the NE, such as 0.01 for 1 %")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent} is not a folder; create it, or write the bundle elsewhere")
    if output.is_dir():
        raise UsageError(f"{output} is a folder; name the bundle to write, such as {output / 'model.fpm'}")
    if calibration.estimator not in ESTIMATORS:
        raise UsageError(f"unknown range estimator {calibration.estimator!r}; expected one of: {', '.join(ESTIMATORS)}")
    if fallback and (precision != "int8" or budget is None):
        raise UsageError("--fallback is for int8 files that are over a budget; give it with --int8 and --max-ne-drift")
    if fallback and whole:
        raise UsageError("a plain file is of one precision throughout; give either --whole or --fallback")
    if calibration.kernel_bits != _KERNEL_BITS and precision != "int8":
        raise UsageError(f"kernels of {calibration.kernel_bits} bits are for --int8; leave --kernel-bits out")
    formats = formats_for((precision, fallback.precision) if fallback else (precision,), formats)
    check_edges(edges, precision, formats)
    if precision in INTEGER and calibration.samples < FEWEST_GOLDENS:
        raise UsageError(f"{calibration.samples} calibration samples; at least {FEWEST_GOLDENS} are needed")
    loaded = load_any(folder, stages, input_size)
    calibration.dataset.expect_landmarks(loaded.config.schema, "the model")
    if score is not None:
        score.expect_landmarks(loaded.config.schema, "the model")
    # What cannot be read is to be known before the work, not after it; drawn places need not be drawn so early.
    empty = load_nothing(nothing, loaded.config.schema) if nothing else None
    chosen = calibration_samples(
        calibration.dataset,
        # Without ranges to find, pictures are needed for the golden cases only.
        calibration.samples if precision in INTEGER else FEWEST_GOLDENS,
        calibration.strategy if precision in INTEGER else "stratified",
        calibration.seed,
        loaded.config,
        loaded.network,
    )
    scored = score if score is not None else not_chosen(calibration.dataset, chosen)
    seen = seen_by(folder)
    notes = refuse_seen(scored, [(str(folder), seen)], allowed=allow_seen)
    if seen is not None and not seen.fits_in_a_card:
        notes += (f"{folder} was trained on {len(seen.codes)} photographs, too many for a bundle to say which",)
    inputs = network_inputs(calibration.dataset, chosen, loaded.config)
    network, card = _quantize(loaded, precision, calibration, chosen, inputs)
    exported = export(network, precision, formats, inputs[:_PROBES], whole_files=whole, edges=edges)
    reusable = precision == "float32" and "tflite" in formats
    reference = reference_of(loaded, exported if reusable else None, inputs[:_PROBES])

    read = KeptPictures()
    expected = predict_session(reference.bundle.session(ENGINE_OF["tflite"]), scored, read)

    @cache
    def precise() -> Exported:
        """The network in the fallback's precision."""
        of = network if fallback and fallback.precision in INTEGER else loaded.network
        return export(of, fallback.precision if fallback else precision, formats, inputs[:_PROBES])

    def draft(names: Sequence[str]) -> _Draft:
        """What the bundle would be with the pieces `names` in the fallback's precision."""
        made = mixed(exported, precise(), names) if names else exported
        exceptions = dict.fromkeys(names, fallback.precision) if fallback else {}
        quantization = Quantization(precision=precision, method=_method(precision, loaded), exceptions=exceptions)
        manifest = draft_manifest(folder, loaded.config, made, quantization, card)
        return _Draft(manifest, made, open_bundle(bundle_bytes(manifest, made.members)))

    @cache
    def answers_of(names: tuple[str, ...]) -> dict[Format, Predictions]:
        bundle = draft(names).bundle
        # TFLite first, as everywhere.
        order = sorted(bundle.formats, reverse=True)
        return {form: predict_session(bundle.session(ENGINE_OF[form]), scored, read) for form in order}

    @cache
    def drift_of(names: tuple[str, ...]) -> dict[Format, DriftReport]:
        truth = truth_of(scored)
        return {form: drift_between(found, expected, truth, scored.schema) for form, found in answers_of(names).items()}

    needing = Needing((), ())
    if fallback and budget:
        needing = find_needing(
            fallback,
            over=lambda names: max(excess(report, budget) for report in drift_of(names).values()),
            costs=lambda names: costs_of(exported, precise(), draft(()).session(), draft(names).session(), inputs[0]),
            pieces=[piece.name for piece in exported.pieces[formats[0]]],
            on_try=on_try,
        )
    made, drift = draft(needing.pieces), drift_of(needing.pieces)
    _check_budget(made.manifest, drift, budget, output)
    if whole:
        check_whole(made.bundle, inputs[:FEWEST_GOLDENS])
    same_px = _SAME_PX_INTEGER if precision in INTEGER else _SAME_PX_FLOAT
    goldens = golden_members(made.bundle, reference.bundle, calibration.dataset, chosen, inputs, same_px)
    members = made.exported.members | goldens
    form, found = next(iter(answers_of(needing.pieces).items()))
    convergence = fit_convergence(found, scored, made.manifest.geometry, max_stop_loss)
    recognizing = fit_recognition(
        made.bundle.session(ENGINE_OF[form]),
        found,
        scored,
        lambda: empty or load_nothing((), loaded.config.schema),
        read,
    )
    recognition = recognizing.recognition
    manifest = msgspec.structs.replace(
        made.manifest,
        schema_version=schema_version_for(made.manifest.quantization, made.manifest.pieces, convergence, recognition),
        convergence=convergence,
        recognition=recognition,
        measured=_measured(made.bundle, scored, drift),
        max_ne_drift=None if budget is None else budget.overall,
        max_part_drift=None if budget is None else budget.part,
    )
    if embed_reference:
        members["reference/float.fpm"] = reference.recognizing(recognition)
    members["card.md"] = "\n".join([card_text(manifest, drift), *card_lines(seen)]).encode()
    write_bundle(output, manifest, members)
    return Converted(
        output,
        open_bundle(output).manifest,
        drift,
        made.exported.whole_bytes,
        scored.name,
        needing.tries,
        (*notes, *recognizing.notes),
    )


def draft_bundle(
    folder: Path,
    loaded: LoadedModel,
    precision: Precision,
    calibration: Calibration,
    chosen: Sequence[int],
    inputs: Sequence[NDArray[np.uint8]],
    formats: Sequence[Format],
    edges: Edges = "int8",
) -> bytes:
    """The stages that `convert` would make, as a bundle without golden cases of which nothing was measured yet.

    Args:
        folder, precision, calibration, formats, edges: as for `convert`.
        loaded: the model of that folder.
        chosen, inputs: indices of the pictures that set the ranges, and the network's inputs made of them.

    Raises:
        ConversionError: an assertion on the converted files.
        UsageError: a format, or edges, that the precision does not come in.
    """
    formats = formats_for((precision,), formats)
    check_edges(edges, precision, formats)
    network, card = _quantize(loaded, precision, calibration, chosen, inputs)
    exported = export(network, precision, formats, inputs[:_PROBES], edges=edges)
    quantization = Quantization(precision=precision, method=_method(precision, loaded))
    return bundle_bytes(draft_manifest(folder, loaded.config, exported, quantization, card), exported.members)


@dataclass(frozen=True)
class _Draft:
    """A bundle that could be written."""

    manifest: Manifest
    exported: Exported
    bundle: Bundle

    def session(self) -> Session:
        """Its first format in that format's own engine, one thread."""
        return self.bundle.session(ENGINE_OF[self.bundle.formats[0]], threads=1)


def _check_budget(manifest: Manifest, drift: dict[Format, DriftReport], budget: Budget | None, output: Path) -> None:
    advice = f"{output} was not written; try more calibration pictures, `fpm-edge qat`, --fallback float16, or --fp16"
    for form, report in drift.items():
        check_drift(report, budget, f"{words_for(manifest.quantization)} {form}", advice)


def _method(precision: Precision, loaded: LoadedModel) -> Literal["none", "ptq", "qat"]:
    if precision not in INTEGER:
        return "none"
    return "ptq" if loaded.quantized is None else "qat"


def _check_pictures(identifiers: Sequence[str], inputs: Sequence[NDArray[np.uint8]]) -> None:
    blank = [name for name, image in zip(identifiers, inputs, strict=True) if is_blank(image)]
    if blank:
        raise DataError(
            f"{len(blank)} of {len(inputs)} calibration pictures are of nearly one colour, and say nothing about "
            f"the network; take them out of the data, first {blank[0]}"
        )


def _quantize(
    loaded: LoadedModel,
    precision: Precision,
    calibration: Calibration,
    chosen: Sequence[int],
    inputs: Sequence[NDArray[np.uint8]],
) -> tuple[object, CalibrationCard | None]:
    if precision not in INTEGER:
        return loaded.network, None
    how = "qat"
    quantized = loaded.quantized
    identifiers = [calibration.dataset.records[i].identifier for i in chosen]
    if quantized is None:
        _check_pictures(identifiers, inputs)
        estimator = ESTIMATORS[calibration.estimator]()
        how = estimator.name
        with progress_bar("calibrating", len(inputs)) as advance:
            quantized = calibrated(loaded.network, inputs, estimator, advance)
        assign_kernel_ranges(quantized, calibration.kernel_bits)
        if calibration.correct_biases:
            how += ", biases corrected"
            with progress_bar("correcting biases", len(corrected_layers(quantized))) as advance:
                correct_biases(loaded.network, quantized, inputs, advance)
    else:
        assign_kernel_ranges(quantized, calibration.kernel_bits)
    if calibration.kernel_bits != _KERNEL_BITS:
        how += f", kernels of {calibration.kernel_bits} bits"
    card = calibration_card(
        strategy=calibration.strategy,
        source=calibration.dataset.name,
        seed=calibration.seed,
        identifiers=identifiers,
        inputs=inputs,
        estimator=how,
        ranges=recorded_ranges(quantized),
    )
    return quantized, card


def _measured(draft: Bundle, dataset: Dataset, drift: dict[Format, DriftReport]) -> Measured:
    form: Format = "tflite" if "tflite" in draft.formats else "onnx"
    return Measured(
        source=dataset.name,
        pictures=len(dataset),
        format=form,
        engine=f"{ENGINE_OF[form]} {draft.session(ENGINE_OF[form]).engine_version}",
        stages=tuple(stage.measurement() for stage in drift[form].stages),
    )
