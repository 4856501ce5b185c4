"""`fpm-edge convert`."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from fpm_edge.cli.inputs import DATA_SPEC
from fpm_edge.cli.options import (
    MODEL,
    SPEC_HELP,
    DataSource,
    data_options,
    input_size_option,
    json_option,
    output_option,
    print_json,
    print_table,
    say,
)
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.cli.tables import drift_table
from fpm_edge.convert.bundle_card import recognition_words
from fpm_edge.convert.convert import Calibration, Converted, convert
from fpm_edge.convert.fallback import Fallback, Spend, Try
from fpm_edge.convert.gate import Budget
from fpm_edge.convert.sampling import STRATEGIES
from fpm_edge.convert.stopping import MAX_STOP_LOSS
from fpm_edge.files.file_kinds import BUNDLE
from fpm_edge_calibration import ESTIMATORS
from fpm_edge_converters import Edges, Precision
from fpm_edge_runtime import UsageError

__all__ = ["command"]


@click.command("convert", cls=Command)
@click.argument("model", type=MODEL)
@click.option("--int8", "precision", flag_value="int8", default="int8", help="Full integer, uint8 image in (default).")
@click.option("--int16x8", "precision", flag_value="int16x8", help="int8 kernels, int16 activations; TFLite only.")
@click.option(
    "--dynamic-range",
    "precision",
    flag_value="dynamic-range",
    help="int8 kernels, float32 activations that get a range at each run; TFLite only.",
)
@click.option("--fp16", "precision", flag_value="float16", help="float16 weights, float32 arithmetic.")
@click.option("--fp32", "precision", flag_value="float32", help="float32.")
@click.option("--stages", type=click.IntRange(1), help="Keep only the first so many stages.")
@input_size_option("Another input than the model's, for the same weights.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(["tflite", "onnx"]),
    multiple=True,
    help="Repeatable; by default all that the precision comes in.",
)
@data_options("--calibration", help_text=f"Pictures for ranges and golden cases. {SPEC_HELP}")
@click.option("--samples", type=int, default=64, show_default=True, help="How many of them set the ranges.")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="stratified",
    show_default=True,
    help="By chance; even over category, occlusion and pose; farthest apart for stage 1; hardest to quantize.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the choice of samples.")
@click.option(
    "--estimator",
    type=click.Choice(list(ESTIMATORS)),
    default="min-max",
    show_default=True,
    help="From what a tensor was on the samples to the range of its codes.",
)
@click.option("--correct-biases", is_flag=True, help="Take back the mean error of every channel on the samples.")
@click.option(
    "--kernel-bits",
    type=click.Choice(["7", "8"]),
    default="8",
    show_default=True,
    help="With 7, int8 is faster on x86 processors without VNNI, in ONNX Runtime, at some cost in NE.",
)
@click.option(
    "--score",
    type=DATA_SPEC,
    metavar="SPEC",
    help="Pictures to measure drift on; by default the calibration data's others.",
)
@click.option(
    "--max-ne-drift", type=float, metavar="R", help="Budget for the relative NE drift, upper bound (0.03 = 3 %)."
)
@click.option(
    "--max-part-drift",
    type=float,
    metavar="R",
    help="The same for every landmark and category; by default 0.05, or --max-ne-drift if that is larger.",
)
@click.option(
    "--fallback",
    type=click.Choice(["int16x8", "float16"]),
    help="Where int8 is over the budget, give the cheapest set of pieces that will do this precision, and say which.",
)
@click.option(
    "--spend",
    type=click.Choice(["bytes", "ms"]),
    help="What makes a set cheap; by default bytes with float16, milliseconds with int16x8, which costs no bytes.",
)
@click.option(
    "--edges",
    type=click.Choice(["int8", "uint8"]),
    default="int8",
    show_default=True,
    help="Of int8 TFLite stages; uint8 is for engines without int8 tensors (LiteRT.js in a browser).",
)
@click.option("--reference", is_flag=True, help="Put the float stages into the bundle as well.")
@click.option(
    "--whole",
    is_flag=True,
    help="Put plain files from image to landmarks into the bundle as well; `fpm-edge extract` gets them out.",
)
@click.option(
    "--max-stop-loss",
    type=float,
    default=MAX_STOP_LOSS,
    show_default=True,
    metavar="R",
    help="Relative NE, upper bound, that leaving out stages may cost where landmarks have stopped moving.",
)
@click.option(
    "--nothing",
    type=DATA_SPEC,
    metavar="SPEC",
    multiple=True,
    help="Pictures without a garment (nothing:DIR), for the rule by which the bundle sees that there is none; "
    "repeatable; by default drawn backdrops.",
)
@json_option
@output_option("The bundle to write (.fpm).", OutputFile(BUNDLE))
def command(
    model: Path,
    precision: Precision,
    stages: int | None,
    input_size: tuple[int, int] | None,
    formats: tuple[Any, ...],
    source: DataSource,
    samples: int,
    strategy: str,
    seed: int,
    estimator: str,
    correct_biases: bool,
    kernel_bits: Literal["7", "8"],
    score: str | None,
    max_ne_drift: float | None,
    max_part_drift: float | None,
    fallback: Literal["int16x8", "float16"] | None,
    spend: Spend | None,
    edges: Edges,
    reference: bool,
    whole: bool,
    max_stop_loss: float,
    nothing: tuple[str, ...],
    as_json: bool,
    output: Path,
) -> None:
    """Turn MODEL (a folder of `train` or `qat`) into a bundle of TFLite and ONNX stages, and measure its drift.

    Nothing is written when a check fails, or (exit code 3) when the drift is over --max-ne-drift.

    \b
    fpm-edge convert runs/mine --int8 --calibration fashionai:DIR --holdout 100 --max-ne-drift 0.03 -o mine.fpm
    """
    if spend is not None and fallback is None:
        raise UsageError("--spend says what --fallback may cost; give both")
    budget = Budget.of(max_ne_drift, max_part_drift)
    scoring = None
    if score is not None:
        scoring = replace(source, spec=score, holdout=None).held()
    elif source.holdout is not None:
        scoring = source.held()
    result = convert(
        model,
        output,
        precision=precision,
        calibration=Calibration(
            source.training(), samples, strategy, seed, estimator, correct_biases, 7 if kernel_bits == "7" else 8
        ),
        score=scoring,
        stages=stages,
        formats=formats or None,
        input_size=input_size,
        budget=budget,
        fallback=None if fallback is None else Fallback(fallback, spend),
        on_try=lambda one: say(_tried(one)),
        embed_reference=reference,
        whole=whole,
        edges=edges,
        max_stop_loss=max_stop_loss,
        nothing=nothing,
        allow_seen=source.allow_seen,
    )
    if as_json:
        print_json(_to_dict(result))
        return
    for form, report in result.drift.items():
        print_table(drift_table(report, f"{form}, against float, on {result.scored_on} ({report.pictures} pictures)"))
    for piece, other in result.manifest.quantization.exceptions.items():
        say(f"{piece} is in {other}: in {precision} the drift was over its budget")
    early = result.manifest.convergence
    if early is not None:
        say(
            f"landmarks that move at most {early.px:.2f} px have converged: {early.stages_run:.2f} stages a picture, "
            f"NE {early.ne_loss.estimate:+.2%} (at most {early.ne_loss.upper:+.2%}; {early.pictures} other pictures)"
        )
    for line in recognition_words(result.manifest):
        say(line)
    for note in result.notes:
        say(note)
    say(f"bundle written to {output} ({output.stat().st_size / 1e6:.2f} MB)")


def _tried(one: Try) -> str:
    """Such as ``tried stage_3: +180.0 kB, +0.31 ms; within the budget by 0.42 %``."""
    side = "within" if one.within else "over"
    return (
        f"tried {', '.join(one.pieces) or 'no piece in more precision'}: {one.cost.bytes / 1e3:+.1f} kB, "
        f"{one.cost.ms:+.2f} ms; {side} the budget by {abs(one.over):.2%}"
    )


def _to_dict(result: Converted) -> dict[str, Any]:
    return {
        "bundle": str(result.path),
        "bytes": result.path.stat().st_size,
        "whole_bytes": result.whole_bytes,
        "scored_on": result.scored_on,
        "drift": {form: report.to_dict() for form, report in result.drift.items()},
        "notes": list(result.notes),
        "tries": [msgspec.to_builtins(one) | {"within": one.within} for one in result.tries],
        "manifest": msgspec.to_builtins(result.manifest),
    }
