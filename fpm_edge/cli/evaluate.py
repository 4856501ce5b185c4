"""`fpm-edge evaluate`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.cli.options import MODEL, DataSource, data_options, json_option, print_json, print_table
from fpm_edge.cli.quiet import import_quietly
from fpm_edge.data import Dataset
from fpm_edge.evaluate import Evaluation, evaluate
from fpm_edge.predict import Predictions, predict_mean_shape, predict_session, truth_of
from fpm_edge_runtime import MissingExtraError, UsageError, open_bundle
from fpm_edge_runtime.metrics import Part, Summary

__all__ = ["command"]

_SHOWN_PCK = 0.05


@click.command("evaluate")
@click.argument("model", type=MODEL)
@data_options()
@click.option("--engine", default="litert", show_default=True, help="For a bundle.")
@json_option
def command(
    model: Path,
    source: DataSource,
    engine: str,
    as_json: bool,
) -> None:
    """NE and PCK of MODEL (a model folder, or a bundle) by stage, landmark and category.

    With --holdout it measures the photographs that `train` with the same --holdout and --split-seed never saw, and
    beside them the mean shape of the training photographs, which any model must beat.
    NE is the paper's (coordinates divided by width and height); the contest's (divided by the garment's own length,
    visible points only) stands beside it.
    """
    dataset = source.held()
    truth = truth_of(dataset)
    result = evaluate(_predict(model, dataset, engine), truth, dataset.schema, dataset.name)
    floor = None
    if source.holdout is not None:
        floor = evaluate(predict_mean_shape(source.training(), dataset), truth, dataset.schema, dataset.name)
    if as_json:
        plain = result.to_dict()
        print_json(plain if floor is None else plain | {"mean_shape": floor.to_dict()["stages"][0]})
        return
    print_table(_stage_table(result, floor))
    print_table(_part_table("category", result, lambda summary: summary.categories))
    print_table(_part_table("landmark", replace(result, stages=result.stages[-1:]), lambda summary: summary.landmarks))


def _predict(model: Path, dataset: Dataset, engine: str) -> Predictions:
    if not model.exists():
        raise UsageError(f"{model}: no such model folder or bundle")
    if not model.is_dir():
        return predict_session(open_bundle(model).session(engine), dataset)
    # TensorFlow is needed for a model folder only.
    try:
        import_quietly("tensorflow")
    except ModuleNotFoundError:
        raise MissingExtraError("a model folder needs TensorFlow: pip install 'fpm-edge[toolkit]'") from None
    from fpm_edge.predict import predict_network
    from fpm_edge.quantized import load_any

    loaded = load_any(model)
    return predict_network(loaded.quantized or loaded.network, loaded.config, dataset)


def _stage_table(result: Evaluation, floor: Evaluation | None) -> Table:
    table = Table(title=f"{result.data}: {result.pictures} records", title_justify="left")
    headings = ["stage", "NE", "visible", "contest", *(f"PCK@{t:g}" for t in result.stages[0].pck)]
    for heading in headings:
        table.add_column(heading, justify="right")
    rows = [(str(entry.stage), entry) for entry in result.stages]
    if floor is not None:
        rows.append(("mean shape", floor.stages[0]))
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
