"""`fpm-edge drift`."""

from pathlib import Path
from typing import Any, Literal

import click

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.predict import drift_between, predict_session, truth_of
from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import (
    DataSource,
    data_options,
    engine_option,
    json_option,
    print_json,
    print_table,
    say,
    trusted_option,
)
from fpm_edge.cli.outputs import Command
from fpm_edge.cli.tables import drift_table, golden_table, landmark_table
from fpm_edge.convert.gate import Budget, check_drift
from fpm_edge.data import Dataset
from fpm_edge_runtime import Bundle, GateError, Manifest, Session, UsageError, check_goldens, open_bundle

__all__ = ["command"]


@click.command("drift", cls=Command)
@click.argument("bundle", type=INPUT)
@data_options(required=False)
@click.option("--points", type=click.Choice(["labelled", "visible"]), default="labelled", show_default=True)
@click.option("--reference", type=INPUT, help="A float bundle of the same model, to compare with.")
@engine_option
@click.option("--threads", type=int, help="For the engine; by default its own choice.")
@click.option("--max-ne-drift", type=float, metavar="R", help="Budget; by default the bundle's own.")
@click.option("--max-part-drift", type=float, metavar="R", help="Budget of every landmark and category.")
@trusted_option()
@json_option
def command(
    bundle: Path,
    source: DataSource | None,
    points: str,
    reference: Path | None,
    engine: str | None,
    threads: int | None,
    max_ne_drift: float | None,
    max_part_drift: float | None,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
) -> None:
    """Check BUNDLE on this device: its golden cases, and with --data its NE drift from the float model.

    Exit code 3 when a golden case disagrees more than its limit, or when the upper bound of the relative NE drift is
    over the budget.

    \b
    fpm-edge drift mine.fpm
    fpm-edge drift mine.fpm --data fashionai:DIR --holdout 100 --reference mine-float.fpm
    """
    asked = Budget.of(max_ne_drift, max_part_drift)
    if source is None and (max_ne_drift is not None or reference is not None):
        raise UsageError("--max-ne-drift and --reference compare on pictures; give them with --data")
    opened = open_bundle(bundle, trusted)
    given = None if reference is None else open_bundle(reference, trusted)
    session = opened.session(engine, threads=threads)
    golden = check_goldens(session)
    report = None
    if source is not None:
        dataset = source.measured(opened, *([] if given is None else [given]))
        report = _against_float(opened, session, given, dataset, points, threads)
    budget = asked or Budget.of(opened.manifest.max_ne_drift, opened.manifest.max_part_drift)
    if as_json:
        result: dict[str, Any] = {
            "bundle": str(bundle),
            "digest": opened.digest,
            "engine": f"{session.engine} {session.engine_version}",
            "golden": golden.to_dict(),
            "drift": None if report is None else report.to_dict(),
            "max_ne_drift": None if budget is None else budget.overall,
            "max_part_drift": None if budget is None else budget.part,
        }
        print_json(result)
    else:
        print_table(golden_table(golden))
        if report is not None:
            print_table(
                drift_table(report, f"{session.engine}, against float ({report.pictures} pictures, {points} points)")
            )
            print_table(landmark_table(report))
    if not golden.ok:
        worst = golden.worst
        raise GateError(
            f"golden case {worst.worst_case} disagrees with the float model by {worst.worst:.4f} at stage "
            f"{worst.stage}, the limit is {worst.limit:.4f}; try another engine than {session.engine}"
        )
    if report is not None:
        advice = "measure on more pictures, or convert with more precision"
        check_drift(report, budget, f"{bundle} in {session.engine}", advice)
    say("within the limits" if report is None or budget is not None else "goldens within limits; no budget was given")


def _against_float(
    bundle: Bundle, session: Session, given: Bundle | None, dataset: Dataset, points: str, threads: int | None
) -> DriftReport:
    standard = given or bundle.reference()
    if standard is None:
        raise UsageError(
            "there is no float model to compare with; give a float bundle with --reference, or convert with --reference"
        )
    if not _is_float_model_of(standard.manifest, bundle.manifest):
        which = "the reference in the bundle" if given is None else "--reference"
        raise UsageError(
            f"{which} is not a float32 bundle of the same network with at least as many stages; convert the model "
            "that this bundle was made from with --fp32"
        )
    read = KeptPictures()
    found = predict_session(session, dataset, read)
    expected = predict_session(standard.session(threads=threads, stages=bundle.stages), dataset, read)
    kind: Literal["labelled", "visible"] = "visible" if points == "visible" else "labelled"
    return drift_between(found, expected, truth_of(dataset), dataset.schema, kind)


def _is_float_model_of(standard: Manifest, manifest: Manifest) -> bool:
    same_network = {**standard.model, "stages": 0, "name": ""} == {**manifest.model, "stages": 0, "name": ""}
    return same_network and standard.quantization.precision == "float32" and standard.stages >= manifest.stages
