"""What a mirror image is called, and training without mirror images where nobody said."""

from pathlib import Path

import msgspec
import pytest
from commands import exit_code
from PIL import Image

from fpm_edge.cli.options import DataSource
from fpm_edge.cli.train_plan import plan_training
from fpm_edge.data import describe, load_dataset
from fpm_edge.data.mirror import mirrored_names, no_mirror_reason
from fpm_edge.train.mirror import check_mirror, without_mirror
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import UsageError

MIRRORING = TrainSettings(augmentation=Augmentation(flip=0.5, rotation=7.0))


def schema(*names: str, flip: tuple[int, ...] | None = None) -> LandmarkSchema:
    everything = tuple(range(len(names)))
    return LandmarkSchema(name="mine", landmarks=names, flip=flip or everything, categories={"all": everything})


SIDES = schema("hem_left", "hem_right", "knot")


def test_what_landmarks_are_called_in_a_mirror_image() -> None:
    assert mirrored_names(schema("hem_left", "hem_right", "knot", flip=(1, 0, 2))) == ("hem_right", "hem_left", "knot")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (SIDES, "hem_left and hem_right are two sides, and schema 'mine' does not pair them"),
        (schema("kp_0", "kp_1"), "nothing says which landmarks of schema 'mine' are sides of which"),
        (schema("kp_0", "kp_1", flip=(1, 0)), None),
        (schema("kp_0"), None),
        (schema("collar", "knot"), None),
        (load_schema("fashionai24"), None),
    ],
)
def test_why_there_are_no_mirror_images(found: LandmarkSchema, reason: str | None) -> None:
    assert no_mirror_reason(found) == reason
    settings, line = without_mirror(MIRRORING, found)
    assert settings.augmentation == Augmentation(flip=0.5 if reason is None else 0.0, rotation=7.0)
    assert line == (None if reason is None else f"trained without mirror images: {reason}")
    check_mirror(settings, found)
    if reason is not None:
        with pytest.raises(UsageError, match="mirror images would mix up sides"):
            check_mirror(MIRRORING, found)


@pytest.mark.parametrize("settings", [TrainSettings(), TrainSettings(augmentation=Augmentation(flip=0.0))])
def test_nothing_is_said_where_nothing_is_mirrored(settings: TrainSettings) -> None:
    assert without_mirror(settings, SIDES) == (settings, None)
    check_mirror(settings, SIDES)


def data(folder: Path) -> list[str]:
    path = folder / "mine.toml"
    content = 'name = "mine"\nlandmarks = ["hem_left", "hem_right"]\nflip_pairs = []\n'
    path.write_text(content + '[categories]\nskirt = ["hem_left"]\n')
    (folder / "annotations.csv").write_text("image_id,image_category,hem_left,hem_right\na.png,skirt,1_2_1,-1_-1_-1\n")
    Image.new("RGB", (32, 32)).save(folder / "a.png")
    return [f"fashionai:{folder}", "--schema", str(path)]


def test_check_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("data", "check", *data(tmp_path)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "none in training: hem_left and hem_right are two sides" in shown
    assert exit_code("data", "check", "rendered:2@1/64") == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if "cuff_left_in" in line and "cuff_left_in, " not in line)
    assert "cuff_right_in" in row
    summary = describe(load_dataset("rendered:2@1/64"))
    assert summary.no_mirror is None
    assert {entry.landmark: entry.mirrored for entry in summary.landmarks}["crotch"] == "crotch"


def test_train_turns_mirroring_off_and_says_so(tmp_path: Path) -> None:
    spec, _, path = data(tmp_path)
    source = DataSource(spec, path)
    plan = plan_training(None, source, model={}, start=None, teacher=None, recipe="lite", settings={})
    assert plan.settings.augmentation == msgspec.structs.replace(Augmentation(), flip=0.0)
    assert plan.notes[-1] == (
        "trained without mirror images: hem_left and hem_right are two sides, and schema 'mine' does not pair them"
    )
