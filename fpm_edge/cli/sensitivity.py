"""`fpm-edge sensitivity`."""

from contextlib import ExitStack
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.layers import chosen_pictures, plot_option, samples_option, write_plot
from fpm_edge.cli.options import MODEL, DataSource, data_options, json_option, print_json, print_table, say
from fpm_edge.cli.outputs import Command
from fpm_edge.inspect.float_model import load_model_of, weights_of
from fpm_edge.inspect.sensitivity import LayerSensitivity, Sensitivity, StageEffect, analyse
from fpm_edge.report.bars import Bar, bar_chart
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import open_bundle

__all__ = ["command"]


@click.command("sensitivity", cls=Command)
@click.argument("model", type=MODEL)
@click.argument("bundle", type=INPUT)
@data_options()
@samples_option(32)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="For LiteRT.")
@plot_option
@json_option
def command(
    model: Path, bundle: Path, source: DataSource, samples: int, threads: int, plot: Path | None, as_json: bool
) -> None:
    """Find the layers of int8 BUNDLE, made from MODEL, that cost accuracy: one layer at a time.

    Each layer's codes and scales are taken from the converted file and put into the float one, alone; and all of them
    but this layer's. Cost is the mean distance between the landmarks and those of the float file, a point that jumped
    counting as 0.02. The network runs about four times for every layer and picture.

    \b
    fpm-edge sensitivity runs/mine mine.fpm --data fashionai:DIR --holdout 100 --plot layers.svg
    """
    opened = open_bundle(bundle)
    loaded = load_model_of(opened, model)
    dataset = chosen_pictures(opened, model, source, samples)
    with ExitStack() as stack:
        result = analyse(
            opened,
            weights_of(opened, loaded),
            dataset,
            threads=threads,
            progress=lambda runs: stack.enter_context(progress_bar("one layer at a time", runs)),
        )
    write_plot(plot, _plot(result))
    if as_json:
        print_json(result.to_dict())
        return
    print_table(_table(result))
    say(f"all layers in int8 codes, sums in float: {_costs(result.rounded)}")
    say(f"the bundle itself: {_costs(result.int8)}")


def _table(result: Sensitivity) -> Table:
    title = f"{result.data}: {result.pictures} pictures; NE units × 1000 against float, last stage, largest first"
    table = Table(title=title, title_justify="left")
    table.add_column("layer")
    table.add_column("operator")
    headings = (
        "cost",
        "95 % bounds",
        "kernel",
        "output",
        "all but it",
        "moved",
        "disagreement",
        "NE change",
        "kB",
        "MMAC",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for layer in result.layers:
        effect = layer.stages[-1]
        table.add_row(
            layer.name,
            layer.kind,
            _thousandths(effect.cost.estimate),
            f"{_thousandths(effect.cost.lower)} … {_thousandths(effect.cost.upper)}",
            _thousandths(layer.kernel),
            _thousandths(layer.output),
            _thousandths(layer.spared),
            f"{effect.moved:.2%}",
            _thousandths(effect.disagreement.estimate),
            "–" if effect.ne_change is None else f"{1000 * effect.ne_change.estimate:+.3f}",
            f"{layer.bytes / 1e3:.1f}",
            f"{layer.macs / 1e6:.1f}",
        )
    return table


def _plot(result: Sensitivity) -> str:
    return bar_chart(
        [_bar(layer) for layer in result.layers],
        f"{result.bundle}: what each layer costs in int8, alone",
        "distance to the float file's landmarks, at most 20 a point, last stage, NE units × 1000",
        f"line: 95 % bounds; orange: its kernel only; violet: its output only; all layers: "
        f"{_thousandths(result.int8[-1].cost.estimate)}. {result.data}, {result.pictures} pictures",
    )


def _bar(layer: LayerSensitivity) -> Bar:
    cost = layer.stages[-1].cost
    marks = (("output", 1000 * layer.output),)
    return Bar(
        layer.name,
        1000 * cost.estimate,
        _thousandths(cost.estimate),
        1000 * cost.lower,
        1000 * cost.upper,
        marks if layer.kernel is None else (("kernel", 1000 * layer.kernel), *marks),
    )


def _costs(effects: tuple[StageEffect, ...]) -> str:
    values = ", ".join(_thousandths(effect.cost.estimate) for effect in effects)
    far = ", ".join(_thousandths(effect.disagreement.estimate) for effect in effects)
    return f"cost {values} by stage, disagreement {far}"


def _thousandths(value: float | None) -> str:
    return "–" if value is None else f"{1000 * value:.3f}"
