"""Measure bundles side by side: accuracy, drift, size and latency by precision, engine and number of stages."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.drift import DriftReport, StageDrift
from fpm_edge.accuracy.evaluate import Evaluation
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Truth
from fpm_edge.accuracy.table1 import Definition, table1
from fpm_edge.accuracy.trust import trust_of
from fpm_edge.bench import Bench
from fpm_edge.data import Dataset
from fpm_edge.report.accuracy import Accuracy, Answers, counts_of, score, truth_to_count
from fpm_edge.report.answers import Compared
from fpm_edge.report.anytime import measure_deadlines
from fpm_edge.report.data import (
    Budget,
    BundleFacts,
    DatasetFacts,
    Latency,
    ReportData,
    StageRow,
    Variant,
)
from fpm_edge.report.devices import check_benches
from fpm_edge.report.environment import describe_environment
from fpm_edge.report.latency import WARM_UP, Frames, interleave, latency_of
from fpm_edge.report.parts import parts_ne
from fpm_edge.report.per_picture import picture_errors, picture_list
from fpm_edge.report.pictures import draw_pictures
from fpm_edge.report.plan import Candidate, Entry, float_engine, main_index, make_plan
from fpm_edge.report.words import headline
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import Bundle

__all__ = ["DEFAULT_OVERLAYS", "DEFAULT_REPEATS", "measure"]

DEFAULT_REPEATS = 50
DEFAULT_OVERLAYS = 6

_PCK = 0.05
# (candidate's name, number of stages)
_Key = tuple[str, int]


def measure(
    bundles: Sequence[tuple[str, Bundle]],
    dataset: Dataset,
    *,
    engines: Sequence[str] | None = None,
    threads: int = 1,
    repeats: int = DEFAULT_REPEATS,
    overlays: int = DEFAULT_OVERLAYS,
    deadlines: bool = True,
    benches: Sequence[tuple[str, Bench]] = (),
    command: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> ReportData:
    """Measure every bundle in every engine with every number of stages, all in one run.

    Args:
        bundles: (label, bundle), each label once. A float32 bundle among them is what the others are compared with.
        dataset: pictures with true landmarks.
        engines: names of engines; None for LiteRT and ONNX Runtime, as far as a bundle has their format.
        threads: for every engine.
        repeats: measured runs of each variant and number of stages.
        overlays: how many pictures to draw the comparison on.
        deadlines: whether the main variant is also asked with deadlines, which takes up to a minute.
        benches: (file, content) of results of `fpm-edge bench` with the same bundles, to stand beside.
        command: how to make the report again, for the reader.
        progress: told what is being done.

    Raises:
        UsageError: no bundle, a label twice, an unknown engine, a number out of range.
        MissingExtraError: an engine that was asked for is not installed.
        SchemaError: bundle and data differ in landmarks.
        DataError: no landmark is labelled; a bench is about other bundles.
    """
    tell = progress or (lambda message: None)
    environment = describe_environment(threads, repeats)
    truth = truth_to_count(dataset)
    plan = make_plan(bundles, engines, threads)
    facts = tuple(_bundle_facts(entry) for entry in plan.entries)
    # Before anything is measured: that takes minutes.
    check_benches(facts, benches)
    answers = Answers(dataset, threads)
    accuracy: list[Accuracy] = []
    for candidate in plan.candidates:
        tell(f"accuracy of {candidate.name} on {len(dataset)} pictures")
        accuracy.append(score(answers.of(candidate), answers.of_reference(candidate), truth, dataset))
    tell(f"latency of {len(plan.candidates)} variants, {repeats} runs each")
    latency = _latencies(plan.candidates, dataset, repeats)
    variants = tuple(
        replace(
            _variant(candidate, found, plan.candidates, latency),
            errors=picture_errors(answers.of(candidate), truth, dataset.schema),
        )
        for candidate, found in zip(plan.candidates, accuracy, strict=True)
    )
    main = main_index(variants)
    shown = plan.candidates[main]
    # A float model compared with itself shows nothing: then the truth is what it is compared with.
    expected = None if variants[main].is_reference else answers.of_reference(shown)
    anytime = None
    if deadlines:
        tell(f"deadlines of {shown.name}")
        anytime = measure_deadlines(shown.session, shown.name, dataset, truth)
    compared = Compared(shown.name, dataset, truth, answers.of(shown), expected)
    drawn = draw_pictures(compared, shown.entry.bundle, shown.session.engine, overlays)
    results = [(one.name, found.evaluation) for one, found in zip(plan.candidates, accuracy, strict=True)]
    return ReportData(
        headline=headline(variants[main]),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        dataset=_dataset_facts(dataset, truth),
        bundles=facts,
        variants=variants,
        main=main,
        environment=environment,
        overlays=drawn.overlays,
        notes=plan.notes,
        command=command,
        pictures=drawn.files,
        scenes=drawn.scenes,
        photographs=drawn.photographs,
        anytime=anytime,
        trust=trust_of(answers.of(shown), truth, shown.entry.bundle.manifest.recognition)[-1],
        table1=_table1(results, dataset, "paper"),
        contest=_table1(results, dataset, "contest"),
        benches=tuple(bench for _, bench in benches),
    )


def _table1(
    results: Sequence[tuple[str, Evaluation]], dataset: Dataset, definition: Definition
) -> dict[str, Any] | None:
    """Table 1, where the schema has its columns and there are points."""
    table = table1(results, definition) if dataset.schema.groups else None
    return table.to_dict() if table is not None and any(table.rows[0].counts) else None


def _latencies(candidates: Sequence[Candidate], dataset: Dataset, repeats: int) -> dict[_Key, Latency]:
    frames = Frames(dataset)
    tasks = {
        (candidate.name, stages): partial(frames.run, candidate.session, stages)
        for candidate in candidates
        for stages in range(1, candidate.session.stage_limit + 1)
    }
    with progress_bar("timing", len(tasks) * (WARM_UP + repeats)) as advance:
        return {key: latency_of(runs) for key, runs in interleave(tasks, repeats, advance=advance).items()}


def _variant(
    candidate: Candidate, accuracy: Accuracy, candidates: Sequence[Candidate], latency: Mapping[_Key, Latency]
) -> Variant:
    session, manifest = candidate.session, candidate.entry.bundle.manifest
    reference = candidate.reference
    sizes = {piece.name: len(candidate.entry.bundle.read(piece.member)) for piece in manifest.pieces[session.format]}
    slow = _same_engine(reference, session.engine, candidates)
    rows = []
    for found in accuracy.evaluation.stages:
        mine = latency[candidate.name, found.stage]
        theirs = None if slow is None else latency.get((slow.name, found.stage))
        drift = None if accuracy.drift is None else _stage(accuracy.drift, found.stage)
        rows.append(
            StageRow(
                stages=found.stage,
                bytes=sum(sizes[name] for name in mine.pieces),
                ne=found.ne.mean,
                ne_visible=found.visible_ne.mean if found.visible_ne.count else None,
                pck=found.pck[_PCK].mean,
                latency=mine,
                float_ne=None if drift is None else drift.float_ne,
                drift=None if drift is None else drift.drift,
                relative_drift=None if drift is None else drift.relative_drift,
                disagreement=None if drift is None else drift.disagreement,
                ratio=None if theirs is None else mine.inference.median / theirs.inference.median,
                engine_ratio=None if theirs is None else mine.engine.median / theirs.engine.median,
                ne_interval=accuracy.ne[found.stage - 1],
            )
        )
    return Variant(
        name=candidate.name,
        bundle=candidate.entry.label,
        precision=manifest.quantization.precision,
        method=manifest.quantization.method,
        format=session.format,
        engine=session.engine,
        engine_version=session.engine_version,
        is_reference=reference is candidate.entry and float_engine(reference.bundle) == session.engine,
        stages=tuple(rows),
        reference=None if reference is None else reference.label,
        landmarks=() if accuracy.drift is None else accuracy.drift.landmarks,
        categories=() if accuracy.drift is None else accuracy.drift.categories,
        budget=_budget(manifest.max_ne_drift, rows[-1]),
        landmark_ne=parts_ne(accuracy.evaluation.stages[-1].ne.landmarks),
        category_ne=parts_ne(accuracy.evaluation.stages[-1].ne.categories),
    )


def _same_engine(reference: Entry | None, engine: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """The float model in the same engine, if it was measured there."""
    return next((one for one in candidates if one.entry is reference and one.session.engine == engine), None)


def _stage(drift: DriftReport, stage: int) -> StageDrift | None:
    return next((entry for entry in drift.stages if entry.stage == stage), None)


def _budget(limit: float | None, last: StageRow) -> Budget | None:
    if limit is None:
        return None
    upper = None if last.relative_drift is None else last.relative_drift.upper
    return Budget(limit, upper, None if upper is None else upper <= limit)


def _dataset_facts(dataset: Dataset, truth: Truth) -> DatasetFacts:
    def count(mask: NDArray[np.bool_]) -> int:
        return int(mask.sum())

    categories = counts_of(truth.categories)
    return DatasetFacts(
        name=dataset.name,
        pictures=len(dataset),
        points=count(point_mask(truth.visibility, "labelled")),
        visible_points=count(point_mask(truth.visibility, "visible")),
        categories=categories,
        schema=dataset.schema.name,
        digest=dataset.digest,
        skipped=len(dataset.skipped),
        per_picture=picture_list(truth, tuple(categories)),
    )


def _bundle_facts(entry: Entry) -> BundleFacts:
    manifest = entry.bundle.manifest
    source = entry.bundle.source
    content = source if isinstance(source, bytes) else source.read_bytes()
    return BundleFacts(
        label=entry.label,
        name=manifest.name,
        digest=entry.bundle.digest,
        created=manifest.created,
        precision=manifest.quantization.precision,
        method=manifest.quantization.method,
        stages=manifest.stages,
        input=(manifest.geometry.input_width, manifest.geometry.input_height),
        landmarks=manifest.landmarks.name,
        calibration=manifest.calibration,
        max_ne_drift=manifest.max_ne_drift,
        versions=manifest.versions,
        bytes=len(content),
        file_digest=hashlib.sha256(content).hexdigest(),
        digests=manifest.digests,
    )
