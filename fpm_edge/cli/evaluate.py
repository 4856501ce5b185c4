"""`fpm-edge evaluate`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.metrics import Part, Summary
from fpm_edge.accuracy.predict import Predictions, predict_mean_shape, predict_session, truth_of
from fpm_edge.accuracy.recognized import StageRecognition, recognition_of
from fpm_edge.accuracy.table1 import Definition, table1
from fpm_edge.accuracy.trust import Trust, trust_of
from fpm_edge.cli.inputs import DATA_SPEC
from fpm_edge.cli.options import (
    MODEL,
    DataSource,
    data_options,
    engine_option,
    json_option,
    print_json,
    print_table,
    say,
)
from fpm_edge.cli.outputs import Command
from fpm_edge.cli.quiet import import_quietly
from fpm_edge.cli.recognition_tables import confusion_table, recognition_table, reliability_table, trust_table
from fpm_edge.cli.table1 import FORMATS, Format, print_table1
from fpm_edge.convert.recognize import load_nothing
from fpm_edge.data import Dataset
from fpm_edge_runtime import Manifest, UsageError, open_bundle

__all__ = ["command"]

_SHOWN_PCK = 0.05
_FLOOR = "mean shape"


@click.command("evaluate", cls=Command)
@click.argument("models", type=MODEL, metavar="MODEL...", nargs=-1, required=True)
@data_options()
@engine_option
@click.option(
    "--nothing",
    type=DATA_SPEC,
    metavar="SPEC",
    multiple=True,
    help="Pictures without a garment (nothing:DIR, backdrops:COUNT[@SEED]), to see in how many a bundle finds none. "
    "Repeatable.",
)
@click.option("--table1", "as_table1", is_flag=True, help="The paper's Table 1: one row a MODEL, at its last stage.")
@click.option(
    "--ne",
    "definition",
    type=click.Choice(["paper", "contest"]),
    help="Whose NE, for --table1.  [default: paper]",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Of --table1.  [default: text]")
@json_option
def command(
    models: tuple[Path, ...],
    source: DataSource,
    engine: str | None,
    nothing: tuple[str, ...],
    as_table1: bool,
    definition: Definition | None,
    form: Format | None,
    as_json: bool,
) -> None:
    """NE and PCK of each MODEL (a model folder, or a bundle) by stage, landmark and category.

    With --holdout it measures the photographs that `train` with the same --holdout and --split-seed never saw, and
    beside them the mean shape of the training photographs, which any model must beat.
    Photographs that a MODEL was trained on are refused, unless --allow-seen is given.
    NE is the paper's (coordinates divided by width and height); the contest's (divided by the garment's own length,
    visible points only) stands beside it. How far scores can be believed, and with a bundle that recognises garments
    how often it is right about them, comes after.

    \b
    fpm-edge evaluate runs/mine mine.fpm --data fashionai:DIR --holdout 100 --table1 --format latex
    """
    if not as_table1 and (definition or form):
        raise UsageError(f"{'--ne' if definition else '--format'} belongs to --table1; add it, or leave this out")
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} contradict each other; give one")
    _check_exist(models)
    if nothing:
        _check_rules(models, as_table1)
    dataset = source.measured(*models)
    truth = truth_of(dataset)
    empty = load_nothing(nothing, dataset.schema) if nothing else None
    if empty is not None:
        source.refuse_seen(empty, *models)
    labels = _labels(models)
    measured = [_measure(model, dataset, engine, empty) for model in models]
    named = [(label, one.evaluation) for label, one in zip(labels, measured, strict=True)]
    floor = None
    if source.holdout is not None:
        floor = evaluate(predict_mean_shape(source.training(), dataset), truth, dataset.schema, dataset.name)
    if as_table1:
        rows = [*named, *([(_FLOOR, floor)] if floor else [])]
        print_table1(table1(rows, definition or "paper"), "json" if as_json else form or "text")
    elif as_json:
        print_json(_plain(list(zip(labels, measured, strict=True)), floor))
    else:
        for label, one in zip(labels, measured, strict=True):
            _print_tables(label if len(measured) > 1 else None, one, floor)


def _check_exist(models: Sequence[Path]) -> None:
    """Before any work: the last of several must not fail after an hour with the others."""
    for model in models:
        if not model.exists():
            raise UsageError(f"{model}: no such model folder or bundle")


def _check_rules(models: Sequence[Path], as_table1: bool) -> None:
    """That --nothing is asked of some model, and say of which it is not."""
    if as_table1:
        raise UsageError("--nothing has no place in --table1; leave one out")
    without = [model for model in models if model.is_dir() or not _has_rule(open_bundle(model).manifest)]
    if len(without) == len(models):
        raise UsageError(
            "--nothing measures the rule by which a bundle sees that there is no garment, and none of these has one; "
            "give a bundle that `convert --nothing` made, or leave it out"
        )
    for model in without:
        say(f"note: {model} has no rule for categories; --nothing says nothing of it")


def _has_rule(manifest: Manifest) -> bool:
    return manifest.recognition is not None and manifest.recognition.categories is not None


def _labels(models: Sequence[Path]) -> list[str]:
    """The last part of each path without ``.fpm``, or the whole path where two are the same."""
    names = [path.name.removesuffix(".fpm") or str(path) for path in (model.resolve() for model in models)]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, models, strict=True)]


@dataclass(frozen=True)
class _Measured:
    """What is known of one model; `recognition` is empty where it has no rule for categories."""

    evaluation: Evaluation
    trust: tuple[Trust, ...]
    recognition: tuple[StageRecognition, ...]

    def to_dict(self) -> dict[str, Any]:
        return self.evaluation.to_dict() | {
            "trust": [one.to_dict() for one in self.trust],
            "recognition": [one.to_dict() for one in self.recognition],
        }


def _measure(model: Path, dataset: Dataset, engine: str | None, empty: Dataset | None) -> _Measured:
    """A bundle, or a model folder of any kind."""
    truth = truth_of(dataset)
    recognition = None
    stages: tuple[StageRecognition, ...] = ()
    if model.is_dir():
        found = _predict_folder(model, dataset)
    else:
        session = open_bundle(model).session(engine)
        found = predict_session(session, dataset)
        manifest = session.bundle.manifest
        recognition = manifest.recognition
        if _has_rule(manifest):
            nothing = None if empty is None else predict_session(session, empty)
            stages = recognition_of(manifest, found, dataset, nothing)
    evaluation = evaluate(found, truth, dataset.schema, dataset.name)
    return _Measured(evaluation, trust_of(found, truth, recognition), stages)


def _plain(named: Sequence[tuple[str, _Measured]], floor: Evaluation | None) -> dict[str, Any]:
    """One model's values as they are; those of several in a list."""
    extra = {} if floor is None else {"mean_shape": floor.to_dict()["stages"][0]}
    if len(named) == 1:
        return named[0][1].to_dict() | extra
    return {"models": [{"model": label, **result.to_dict()} for label, result in named]} | extra


def _print_tables(label: str | None, measured: _Measured, floor: Evaluation | None) -> None:
    result = measured.evaluation
    print_table(_stage_table(label, result, floor))
    print_table(_part_table("category", result, lambda summary: summary.categories))
    print_table(_part_table("landmark", replace(result, stages=result.stages[-1:]), lambda summary: summary.landmarks))
    print_table(trust_table(measured.trust))
    print_table(reliability_table(measured.trust[-1]))
    if measured.recognition:
        print_table(recognition_table(measured.recognition))
        print_table(confusion_table(measured.recognition[-1]))


def _predict_folder(model: Path, dataset: Dataset) -> Predictions:
    """Answers of a model folder of any kind; TensorFlow is needed for these only."""
    import_quietly("tensorflow")
    from fpm_edge.accuracy.predict import predict_network
    from fpm_edge.convert.quantized import is_qat_folder, load_any
    from fpm_edge.model.store import load_network

    if is_qat_folder(model):
        loaded = load_any(model)
        return predict_network(loaded.quantized or loaded.network, loaded.config, dataset)
    config, network = load_network(model)
    return predict_network(network, config, dataset)


def _stage_table(label: str | None, result: Evaluation, floor: Evaluation | None) -> Table:
    title = f"{result.data}: {result.pictures} records"
    table = Table(title=title if label is None else f"{label} on {title}", title_justify="left")
    headings = ["stage", "NE", "visible", "contest", *(f"PCK@{t:g}" for t in result.stages[0].pck)]
    for heading in headings:
        table.add_column(heading, justify="right")
    rows = [(str(entry.stage), entry) for entry in result.stages]
    if floor is not None:
        rows.append((_FLOOR, floor.stages[0]))
    for name, entry in rows:
        table.add_row(
            name,
            _number(entry.ne.mean),
            _number(entry.visible_ne.mean),
            _number(entry.contest_ne.mean),
            *(f"{shares.mean:.1%}" for shares in entry.pck.values()),
        )
    return table


def _part_table(kind: str, result: Evaluation, parts: Callable[[Summary], tuple[Part, ...]]) -> Table:
    table = Table(title=f"by {kind} and stage", title_justify="left")
    table.add_column(kind)
    for heading in ("stage", "points", "NE", "visible", "contest", f"PCK@{_SHOWN_PCK:g}"):
        table.add_column(heading, justify="right")
    for index, part in enumerate(parts(result.stages[0].ne)):
        for entry in result.stages if part.count else ():
            ne, visible, contest, pck = (
                parts(summary)[index]
                for summary in (entry.ne, entry.visible_ne, entry.contest_ne, entry.pck[_SHOWN_PCK])
            )
            table.add_row(
                ne.name,
                str(entry.stage),
                str(ne.count),
                *(_number(cell.mean) for cell in (ne, visible, contest)),
                f"{pck.mean:.1%}",
            )
    return table


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"
