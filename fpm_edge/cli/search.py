"""`fpm-edge search`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from fpm_edge.cli.options import (
    MODEL,
    DataSource,
    data_options,
    input_size_option,
    json_option,
    output_option,
    print_json,
    print_table,
    say,
)
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.convert.convert import Calibration
from fpm_edge.report import words
from fpm_edge.search import BUNDLE, PRECISIONS, TRIALS, Budgets, SearchResult, Trial, prepare, search
from fpm_edge_calibration import ESTIMATORS
from fpm_edge_runtime.engines import ENGINES

__all__ = ["command"]


@click.command("search", cls=Command)
@click.argument("model", type=MODEL)
@data_options()
@click.option(
    "--max-ne-drift",
    type=float,
    required=True,
    metavar="R",
    help="Budget for NE relative to the float model at its own size with all stages, upper bound (0.03 = 3 %).",
)
@click.option(
    "--max-part-drift",
    type=float,
    metavar="R",
    help="The same for every landmark and category; by default 0.05, or --max-ne-drift if that is larger.",
)
@click.option(
    "--max-latency-ms", type=float, required=True, metavar="M", help="Budget for the stages and the decoding, median."
)
@click.option("--max-size-mb", type=float, metavar="S", help="Budget for the files of the stages that run.")
@click.option(
    "--engine",
    "engines",
    type=click.Choice(list(ENGINES)),
    multiple=True,
    help="Repeatable; by default LiteRT and ONNX Runtime.",
)
@click.option(
    "--precision", "precisions", type=click.Choice(PRECISIONS), multiple=True, help="Repeatable; all by default."
)
@input_size_option("Repeatable; by default 1, 7/8, 3/4, 5/8 and 1/2 of the model's.", multiple=True)
@click.option(
    "--threads", type=click.IntRange(1), multiple=True, help="Repeatable; by default 1, 2, 4, … up to the processors."
)
@click.option("--samples", type=int, default=64, show_default=True, help="How many pictures set the ranges.")
@click.option(
    "--estimator", type=click.Choice(list(ESTIMATORS)), default="min-max", show_default=True, help="As for `convert`."
)
@click.option("--resume", is_flag=True, help="Go on with the search in the folder; all else must be the same.")
@json_option
@output_option(
    f"Folder for {TRIALS}, search.json, pareto.png and {BUNDLE}.",
    OutputFolder((TRIALS, "search.json", "pareto.png", BUNDLE)),
)
def command(
    model: Path,
    source: DataSource,
    max_ne_drift: float,
    max_part_drift: float | None,
    max_latency_ms: float,
    max_size_mb: float | None,
    engines: tuple[str, ...],
    precisions: tuple[Any, ...],
    input_size: tuple[tuple[int, int], ...],
    threads: tuple[int, ...],
    samples: int,
    estimator: str,
    resume: bool,
    as_json: bool,
    output: Path,
) -> None:
    """Find stages, precision, input size, engine and threads for MODEL that keep the budgets, and write the bundle.

    Candidates are measured on more and more pictures, and those that cannot win are dropped on the way. With --holdout
    it measures on the photographs held back; otherwise on those that do not set the ranges. A search that was stopped
    goes on with --resume. Where nothing keeps the budgets, the exit code is 3 and the nearest point is named.

    \b
    fpm-edge search runs/mine --data fashionai:DIR --holdout 100 --max-ne-drift 0.03 --max-latency-ms 20 -o out/search
    """
    setup = prepare(
        model,
        Budgets.of(max_ne_drift, max_part_drift, max_latency_ms, max_size_mb),
        Calibration(source.training(), samples, estimator=estimator),
        score=source.held() if source.holdout is not None else None,
        engines=engines or None,
        precisions=precisions or None,
        input_sizes=input_size or None,
        threads=threads or None,
        allow_seen=source.allow_seen,
    )
    for line in setup.notes:
        say(f"note: {line}")
    result = search(setup, output, resume=resume, tell=say)
    if as_json:
        print_json(result.to_dict())
    else:
        print_table(_table(result))
    for left in result.left_out:
        say(f"left out: {left.file}{'' if left.engine is None else f' in {left.engine}'}: {left.reason}")
    say(f"numbers   {output / 'search.json'}, every trial {output / TRIALS}, plot {output / 'pareto.png'}")
    chosen = result.require_choice()
    say(f"chosen: {chosen.candidate.name}: NE {words.ne(chosen.score.ne)}, {words.milliseconds(chosen.time.median)} ms")
    if result.bundle is not None:
        say(f"bundle written to {result.bundle.path} ({words.megabytes(result.bundle.bytes)} MB)")


def _table(result: SearchResult) -> Table:
    reference = result.reference
    title = (
        f"{reference.name} on {result.data}: {result.pictures} pictures; drift from float32 at "
        f"{reference.input_size[0]} × {reference.input_size[1]} with {words.counted(reference.stages, 'stage')}, "
        f"NE {words.ne(reference.ne)}; at most: upper 95 % bound"
    )
    table = Table(title=title, title_justify="left")
    for heading in ("precision", "engine"):
        table.add_column(heading)
    for heading in ("input", "stages", "threads", "rung", "NE", "drift", "at most", "ms", "at most", "MB"):
        table.add_column(heading, justify="right")
    table.add_column("what became of it", overflow="fold")
    trials = _sorted(result.trials)
    for trial, following in zip(trials, [*trials[1:], None], strict=True):
        candidate, score, time = trial.candidate, trial.score, trial.time
        width, height = candidate.file.input_size
        table.add_row(
            candidate.file.precision,
            candidate.engine,
            str(width) if width == height else f"{width}x{height}",
            str(candidate.stages),
            str(candidate.threads),
            str(trial.rung),
            words.ne(score.ne),
            words.percent(score.drift.estimate),
            words.percent(score.drift.upper),
            words.milliseconds(time.median),
            words.milliseconds(time.upper),
            words.megabytes(trial.bytes),
            result.reasons.get(candidate, ""),
            end_section=following is not None and following.rung != trial.rung,
        )
    return table


def _sorted(trials: Sequence[Trial]) -> list[Trial]:
    """Those that went farthest first, then the most accurate."""
    return sorted(trials, key=lambda trial: (-trial.rung, trial.score.ne, trial.time.median))
