"""The main job from end to end on what the package ships: the float model, and garments drawn on demand."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.gate import Budget
from fpm_edge.data import load_dataset, read_image
from fpm_edge.pictures.overlay import contact_sheet, draw_detection, drawn_png
from fpm_edge.report import measure, write_report
from fpm_edge.shipped import shipped_model
from fpm_edge.text.names import text_name
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.manifest import Format
from fpm_edge_runtime.files import write_atomically

__all__ = ["DemoResult", "run_demo"]

# Seeds apart from the one that the shipped model was trained on.
_CALIBRATION = "rendered:64@101"
_SCORE_SEED = 102
_SHOWN = 12
_SAMPLES = 64
# Of all points together. Of single landmarks, a hundred drawings tell too little for a gate that should be kept.
_BUDGET: Budget | None = Budget(overall=0.03, part=1.0)
# The float bundle is the reference; that it agrees with itself needs few pictures.
_FLOAT_SCORED = 16


@dataclass(frozen=True)
class DemoResult:
    """Where everything is, and the drift of the int8 bundle by format."""

    bundle: Path
    float_bundle: Path
    overlays: Path
    report: Path
    drift: dict[Format, DriftReport]


def run_demo(output: Path, pictures: int) -> DemoResult:
    """Convert, bundle, run, compare and report into `output`, on `pictures` drawn garments."""
    output.mkdir(parents=True, exist_ok=True)
    calibration = Calibration(load_dataset(_CALIBRATION), samples=_SAMPLES)
    score = load_dataset(f"rendered:{pictures}@{_SCORE_SEED}")
    bundle, float_bundle = output / "garments.fpm", output / "garments-float.fpm"
    converted = convert(shipped_model(), bundle, precision="int8", calibration=calibration, score=score, budget=_BUDGET)
    few = score.subset(range(min(_FLOAT_SCORED, len(score))))
    convert(shipped_model(), float_bundle, precision="float32", calibration=calibration, score=few)

    overlays = output / "pictures"
    overlays.mkdir(exist_ok=True)
    session = open_bundle(bundle).session()
    shown = score.records[:_SHOWN]
    tiles = []
    for number, record in enumerate(shown):
        picture = read_image(record)
        found = session.detect(picture, category=record.category)
        drawn = draw_detection(picture, found, session.schema)
        write_atomically(overlays / f"{number:02d}-{record.category}.png", drawn_png(drawn))
        tiles.append(drawn)
    sheet = contact_sheet(tiles, columns=4, titles=[record.category for record in shown], cell=256)
    write_atomically(overlays / "all.png", drawn_png(sheet))

    opened = [("int8", open_bundle(bundle)), ("float32", open_bundle(float_bundle))]
    again = f"fpm-edge demo --pictures {pictures} -o {shlex.quote(str(output))}"
    data = measure(opened, score, command=text_name(again))
    report = write_report(data, output)
    return DemoResult(bundle, float_bundle, overlays, report, converted.drift)
