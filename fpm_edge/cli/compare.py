"""`fpm-edge compare`."""

import math
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.layers import chosen_pictures, plot_option, samples_option, write_plot
from fpm_edge.cli.options import MODEL, DataSource, data_options, json_option, print_json, print_table, say
from fpm_edge.cli.outputs import Command
from fpm_edge.inspect.compare import Comparison, compare
from fpm_edge.inspect.edges import place
from fpm_edge.inspect.float_model import load_model_of
from fpm_edge.report.bars import Bar, bar_chart
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.engines import ENGINES

__all__ = ["command"]

# More than anything has that was rounded once; drawn for layers without any error.
_MOST_DECIBELS = 150.0


@click.command("compare", cls=Command)
@click.argument("model", type=MODEL)
@click.argument("bundle", type=INPUT)
@data_options()
@samples_option(16)
@click.option(
    "--engine",
    "engines",
    type=click.Choice(list(ENGINES)),
    multiple=True,
    help="Repeatable; by default all for the CPU that are installed.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="For every engine.")
@plot_option
@json_option
def command(
    model: Path,
    bundle: Path,
    source: DataSource,
    samples: int,
    engines: tuple[str, ...],
    threads: int,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Compare BUNDLE with the MODEL that it was made from: layer by layer, and by landmark in every engine.

    The first table has the signal-to-noise ratio (SQNR) of every tensor of the TFLite files, the layer that does most
    damage first. The second holds float, every engine and the uncut graphs against each other. What changed from one
    bundle or report to another is told by `fpm-edge report --compare A B`.

    \b
    fpm-edge compare runs/mine mine.fpm --data fashionai:DIR --holdout 100
    """
    opened = open_bundle(bundle)
    loaded = load_model_of(opened, model)
    dataset = chosen_pictures(opened, model, source, samples)
    with progress_bar("reading pictures", len(dataset)) as advance:
        inputs = []
        for record in dataset.records:
            inputs.append(place(record, opened.manifest.geometry).image)
            advance()
    with progress_bar("comparing", 2 * len(inputs)) as advance:
        result = compare(
            opened,
            loaded,
            inputs,
            dataset.name,
            engines=engines or None,
            threads=threads,
            progress=lambda what, steps: lambda: advance(note=what),
        )
    write_plot(plot, _plot(result))
    if as_json:
        print_json(result.to_dict())
    else:
        if result.layers:
            print_table(_layer_table(result))
        print_table(_pair_table(result))
    for note in result.notes:
        say(f"note: {note}")


def _layer_table(result: Comparison) -> Table:
    table = Table(title=f"layers on {result.data}: {result.pictures} pictures, worst first", title_justify="left")
    table.add_column("layer")
    table.add_column("operator")
    for heading in ("own SQNR", "SQNR", "cosine", "mean error", "of it bias", "clipped", "codes", "range"):
        table.add_column(heading, justify="right")
    for layer in result.layers:
        table.add_row(
            layer.name,
            layer.kind,
            f"{layer.own_sqnr_db:.1f} dB",
            f"{layer.sqnr_db:.1f} dB",
            f"{layer.cosine:.5f}",
            f"{layer.mean_error:+.1e}",
            f"{layer.bias_share:.0%}",
            "–" if layer.clipped is None else f"{layer.clipped:.2%}",
            "–" if layer.codes is None else f"{layer.codes:.0%}",
            "–" if layer.low is None or layer.high is None else f"{layer.low:.3g} to {layer.high:.3g}",
        )
    return table


def _pair_table(result: Comparison) -> Table:
    title = f"by landmark, all stages, pixels of the input ({result.pictures} pictures)"
    table = Table(title=title, title_justify="left")
    table.add_column("one")
    table.add_column("other")
    for heading in ("clear points", "largest", "99 % within", "over ½ px", "values that differ", "by at most"):
        table.add_column(heading, justify="right")
    for pair in result.pairs:
        table.add_row(
            pair.first,
            pair.second,
            str(pair.points),
            f"{pair.largest_px:.2f}",
            f"{pair.quantile_px:.3f}",
            f"{pair.over_half_px:.2%}",
            f"{pair.other_values:.2%}",
            f"{pair.largest_value:.4f}",
        )
    return table


def _plot(result: Comparison) -> str:
    bars = [
        Bar(
            layer.name,
            _drawn(layer.own_sqnr_db),
            f"{layer.own_sqnr_db:.1f} dB",
            marks=(("output", _drawn(layer.sqnr_db)),),
        )
        for layer in result.layers
    ]
    return bar_chart(
        bars or [Bar("no TFLite pieces", 0.0, "")],
        f"{result.bundle}: signal-to-noise ratio of every layer, worst first",
        "dB; more is better",
        f"bar: the layer's own error; dot: with the errors before it. {result.data}, {result.pictures} pictures",
    )


def _drawn(decibels: float) -> float:
    return min(max(decibels, 0.0), _MOST_DECIBELS) if not math.isnan(decibels) else 0.0
