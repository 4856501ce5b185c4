"""Every command reads well and fails well: one line, the right exit code, no traceback."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fpm_edge.__main__ import main
from fpm_edge.cli import cli
from fpm_edge.cli.options import DataSource
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.seen import read_seen

HEADER = (
    "image_id,image_category,neckline_left,neckline_right,center_front,shoulder_left,shoulder_right,armpit_left,"
    "armpit_right,waistline_left,waistline_right,cuff_left_in,cuff_left_out,cuff_right_in,cuff_right_out,top_hem_left,"
    "top_hem_right,waistband_left,waistband_right,hemline_left,hemline_right,crotch,bottom_left_in,bottom_left_out,"
    "bottom_right_in,bottom_right_out"
)
ABSENT = "-1_-1_-1"


def skirt_row(name: str, points: tuple[str, str, str, str]) -> str:
    cells = [ABSENT] * 24
    cells[15:19] = points
    return ",".join([name, "skirt", *cells])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_csv(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "annotations.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


GOOD = ("10_20_1", "80_20_1", "5_100_1", "85_100_1")


class Failure:
    """What a failed command said and returned."""

    def __init__(self, code: int, error: str) -> None:
        self.code, self.error = code, error


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> Failure:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    error = capsys.readouterr().err.strip()
    assert "Traceback" not in error
    said = [line for line in error.splitlines() if line.startswith("fpm-edge: ")]
    assert len(said) == 1, error
    return Failure(int(caught.value.code or 0), said[0])


def succeeds(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert caught.value.code == 0, captured.err
    return captured.out


@pytest.mark.parametrize("name", ["", *cli.list_commands(None)])  # type: ignore[arg-type]
def test_help_names_what_the_command_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = succeeds(capsys, *([name] if name else []), "--help")
    assert text.startswith("Usage: fpm-edge")
    assert len(text.splitlines()) > 5


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "--no-such-option"])
    assert caught.value.code == 2
    assert "No such option" in capsys.readouterr().err


def test_data_check_counts(tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(tmp_path, skirt_row(photo.name, GOOD))
    summary = json.loads(succeeds(capsys, "data", "check", f"fashionai:{tmp_path}", "--json"))["summary"]
    assert summary["categories"]["skirt"] == 1
    assert summary["visible"] == 4


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (("10_20_1", "80_20_1", "5_100_1", "850_100_1"), "hemline_right"),
        (("nan_20_1", "80_20_1", "5_100_1", "85_100_1"), "waistband_left"),
        (("10_20_7", "80_20_1", "5_100_1", "85_100_1"), "waistband_left"),
        ((ABSENT, ABSENT, ABSENT, ABSENT), "labelled"),
    ],
    ids=["out of range", "not a number", "visibility", "nothing labelled"],
)
def test_a_bad_row_is_named(
    points: tuple[str, str, str, str], said: str, tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_csv(tmp_path, skirt_row(photo.name, points))
    failure = fails(capsys, "data", "shard", f"fashionai:{path}", "-o", tmp_path / "shards")
    assert failure.code == 1
    assert said in failure.error
    assert "--skip-bad" in failure.error
    assert "annotations.csv" in failure.error


def test_wrong_columns_are_named(tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_csv(tmp_path, skirt_row(photo.name, GOOD), header=HEADER.replace("crotch", "crotsch"))
    failure = fails(capsys, "data", "check", f"fashionai:{path}")
    assert failure.code == 1
    assert "crotch" in failure.error


def test_a_missing_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = fails(capsys, "data", "check", f"fashionai:{tmp_path / 'nowhere'}")
    assert failure.code == 1
    assert "nowhere" in failure.error


def test_a_malformed_spec(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(capsys, "data", "check", "photos").code == 2


def test_an_unknown_schema(capsys: pytest.CaptureFixture[str]) -> None:
    failure = fails(capsys, "data", "check", "rendered:4", "--schema", "fashion25")
    assert failure.code == 1
    assert "fashionai24" in failure.error


def test_missing_and_corrupt_images(
    tmp_path: Path, tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = fails(capsys, "run", tiny_bundle, tmp_path / "none.jpg")
    assert missing.code == 1
    assert "none.jpg" in missing.error
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:200])
    assert "broken.jpg" in fails(capsys, "run", tiny_bundle, broken).error


def test_a_damaged_bundle(tmp_path: Path, tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = tiny_bundle.read_bytes()
    cut = tmp_path / "cut.fpm"
    cut.write_bytes(content[: len(content) // 2])
    assert fails(capsys, "run", cut, photo).code == 4
    altered = tmp_path / "altered.fpm"
    inside = content.rindex(b"TFL3") + 500  # in the bytes of a stage that `run` loads
    altered.write_bytes(content[:inside] + bytes([content[inside] ^ 1]) + content[inside + 1 :])
    assert fails(capsys, "run", altered, photo).code == 4
    assert fails(capsys, "drift", tmp_path / "none.fpm").code == 4


def test_stages_engine_and_category_are_checked(
    tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(capsys, "run", tiny_bundle, photo, "--stages", 9).code == 2
    assert fails(capsys, "run", tiny_bundle, photo, "--engine", "tensorrt").code == 2
    absent = fails(capsys, "run", tiny_bundle, photo, "--engine", "tflite-runtime")
    assert absent.code == 5
    assert "pip install" in absent.error
    unknown = fails(capsys, "run", tiny_bundle, photo, "--category", "hat")
    assert unknown.code == 1
    assert "trousers" in unknown.error


def test_run_gives_landmarks_in_the_picture(
    tmp_path: Path, tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay"
    options = ("--category", "skirt", "--stages", 2, "--overlay", overlay, "--json")
    (answer,) = json.loads(succeeds(capsys, "run", tiny_bundle, photo, *options))
    assert answer["stages_run"] == 2
    assert answer["stop_reason"] == "stage limit"
    assert (answer["engine"], answer["delegate"], answer["delegated"]) == ("litert", "none", 0.0)
    assert set(answer["landmarks"]) == {"waistband_left", "waistband_right", "hemline_left", "hemline_right"}
    assert all(-60 <= point["x"] <= 150 for point in answer["landmarks"].values())
    with Image.open(overlay / "photo.png") as drawn:
        assert drawn.size == (90, 120)


def test_drift_passes_the_goldens_and_gates_on_the_budget(
    tiny_bundle: Path, tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads(succeeds(capsys, "drift", tiny_bundle, "--json"))
    assert report["golden"]["ok"] is True
    common = ("drift", tiny_bundle, "--data", "rendered:12@9/64", "--reference", tiny_float_bundle)
    measured = json.loads(succeeds(capsys, *common, "--max-ne-drift", 9.0, "--json"))
    assert len(measured["drift"]["stages"]) == 3
    failure = fails(capsys, *common, "--max-ne-drift", -0.99)
    assert failure.code == 3
    assert "budget" in failure.error


def test_drift_needs_a_float_model(tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = fails(capsys, "drift", tiny_float_bundle, "--data", "rendered:4@9/64")
    assert failure.code == 2
    assert "--reference" in failure.error


def test_evaluate_a_bundle(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(succeeds(capsys, "evaluate", tiny_bundle, "--data", "rendered:12@9/64", "--json"))
    assert [stage["stage"] for stage in result["stages"]] == [1, 2, 3]
    assert 0.0 < result["stages"][-1]["ne"]["mean"] < 1.0


def test_model_and_data_must_agree(
    tmp_path: Path, tiny_model: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lsp"
    folder.mkdir()
    joints = (
        "image,right_ankle,right_knee,right_hip,left_hip,left_knee,left_ankle,right_wrist,right_elbow,"
        "right_shoulder,left_shoulder,left_elbow,left_wrist,neck,head_top"
    )
    (folder / "joints_subset.csv").write_text(f"{joints}\n{photo},{','.join(['20_30_1'] * 13 + ['60_80_1'])}\n")
    failure = fails(capsys, "evaluate", tiny_model, "--data", f"lsp:{folder}")
    assert failure.code == 1
    assert "lsp14" in failure.error
    assert "fashionai24" in failure.error


@pytest.mark.parametrize("size", ["0", "-64", "64x", "8x8x8", "large"])
def test_an_input_size_that_is_none(
    size: str, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--calibration", "rendered:40@2/64", "-o", tmp_path / "never.fpm")
    failure = fails(capsys, "convert", tiny_model, *common, f"--input-size={size}")
    assert failure.code == 2
    assert f"--input-size is {size}; expected the side in pixels, or WIDTHxHEIGHT" in failure.error


def test_convert_needs_enough_pictures(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.fpm"
    failure = fails(capsys, "convert", tiny_model, "--calibration", "rendered:10@2/64", "--samples", 64, "-o", out)
    assert failure.code == 1
    assert "10" in failure.error
    assert "64" in failure.error
    assert not out.exists()


def test_a_missing_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = fails(
        capsys, "convert", tmp_path / "none", "--calibration", "rendered:40@2/64", "-o", tmp_path / "out.fpm"
    )
    assert failure.code == 1
    assert "none" in failure.error


def test_the_real_program(tmp_path: Path) -> None:
    """Once through a process of its own: exit code, and nothing but the message."""
    done = subprocess.run(
        [sys.executable, "-m", "fpm_edge", "run", str(tmp_path / "none.fpm"), "x.jpg"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("fpm-edge: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_held_back_does_not_depend_on_the_categories(tmp_path: Path) -> None:
    """Looking at one category only must not bring training photographs among those held back."""
    rows = []
    for number in range(12):
        name = f"{number}.png"
        Image.fromarray(np.zeros((120, 90, 3), np.uint8)).save(tmp_path / name)
        rows.append(skirt_row(name, GOOD) if number % 3 else skirt_row(name, GOOD).replace("skirt", "dress"))
    for index, row in enumerate(rows):
        if ",dress," in row:
            cells = row.split(",")
            cells[2 + 15 : 2 + 17] = [ABSENT, ABSENT]
            rows[index] = ",".join(cells)
    write_csv(tmp_path, *rows)
    everything = DataSource(f"fashionai:{tmp_path}", holdout=6)
    trained_on = {record.identifier for record in everything.training().records}
    for category in ("skirt", "dress"):
        held = replace(everything, categories=category).held()
        assert {record.category for record in held.records} == {category}
        assert not trained_on & {record.identifier for record in held.records}


@pytest.mark.parametrize("holdout", ["nan", "inf", "-1", "0", "2.5", "5000"])
def test_impossible_holdouts(holdout: str, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("evaluate", tiny_bundle, "--data", "rendered:12@9/64")
    assert fails(capsys, *common, "--holdout", holdout).code == 2


def test_a_budget_needs_pictures(
    tiny_bundle: Path, tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(capsys, "drift", tiny_bundle, "--max-ne-drift", 0.5).code == 2
    common = ("drift", tiny_bundle, "--reference", tiny_float_bundle)
    assert "at least 10" in fails(capsys, *common, "--data", "rendered:4@9/64", "--max-ne-drift", 9.0).error
    assert fails(capsys, *common, "--data", "rendered:12@9/64", "--max-ne-drift", "nan").code == 2
    same = fails(capsys, "drift", tiny_bundle, "--reference", tiny_bundle, "--data", "rendered:12@9/64")
    assert "float32" in same.error


def test_outputs_that_cannot_be(
    tmp_path: Path, tiny_model: Path, tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("convert", tiny_model, "--calibration", "rendered:40@2/64")
    assert fails(capsys, *common, "-o", tmp_path).code == 2
    assert fails(capsys, *common, "-o", tmp_path / "none" / "x.fpm").code == 2
    assert fails(capsys, *common, "--stages", 9, "-o", tmp_path / "x.fpm").code == 2
    assert fails(capsys, *common, "--samples", 0, "-o", tmp_path / "x.fpm").code == 2
    assert fails(capsys, "run", tiny_bundle, photo, "--overlay", photo).code == 2
    assert "same name" in fails(capsys, "run", tiny_bundle, photo, photo, "--overlay", tmp_path / "o").error


def test_a_qat_model_is_no_start_for_training(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "qat"
    (folder / "float").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes((tiny_model / "weights.safetensors").read_bytes())
    failure = fails(capsys, "train", "--from", folder, "--data", "rendered:8@9/64", "-o", tmp_path / "out")
    assert "QAT" in failure.error


def test_the_chain_from_qat_to_a_gated_bundle(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned, bundle = tmp_path / "qat", tmp_path / "qat.fpm"
    data = ("--data", "rendered:24@4/64")
    succeeds(capsys, "qat", tiny_model, *data, "--epochs", 1, "--batch", 8, "--stages", 2, "-o", tuned)
    # It saw what it learnt from now, and what its float model did.
    before, now, kept = (read_seen(folder) for folder in (tiny_model, tuned, tuned / "float"))
    assert before is not None
    assert now is not None
    assert kept is not None
    assert (len(before.codes), len(now.codes), kept.codes.tolist()) == (48, 72, before.codes.tolist())
    common = (
        "convert",
        tuned,
        "--calibration",
        "rendered:40@2/64",
        "--samples",
        16,
        "--format",
        "tflite",
        "-o",
        bundle,
    )
    assert fails(capsys, *common, "--max-ne-drift", -0.99).code == 3
    assert not bundle.exists()
    result = json.loads(succeeds(capsys, *common, "--max-ne-drift", 9.0, "--json"))
    assert result["manifest"]["quantization"]["method"] == "qat"
    assert result["manifest"]["stages"] == 2
    assert bundle.stat().st_size == result["bytes"]


def test_settings_of_qat(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", "rendered:8@1/64", "-o", tmp_path / "qat")
    failure = fails(capsys, "qat", tiny_model, *data, "--stages", 2, "--stage-rates", "0,1,1")
    assert "stage_rates has 3 rates; model 'tiny' has 2 stages" in failure.error
    assert "expected numbers such as" in fails(capsys, "qat", tiny_model, *data, "--stage-rates", "0;1").error
    failure = fails(capsys, "qat", tiny_model, *data, "--no-teacher", "--truth-weight", 0)
    assert "leaves nothing to learn from" in failure.error
    failure = fails(capsys, "train", "--recipe", "qat", "--model", "tiny", *data)
    assert failure.code == 2
    assert "which is for quantization-aware training" in failure.error


def test_what_qat_learns_from(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def weights(*options: str) -> tuple[float, float]:
        folder = tmp_path / "-".join(("run", *options))
        common = ("--data", "rendered:8@1/64", "--epochs", 1, "--stages", 1)
        succeeds(capsys, "qat", tiny_model, *common, *options, "-o", folder)
        settings = json.loads((folder / "run.json").read_bytes())["settings"]
        return settings["truth_weight"], settings["float_weight"]

    recipe = RECIPES["qat"]
    assert weights() == (recipe.truth_weight, recipe.float_weight)
    assert weights("--no-teacher") == (1.0, 0.0)
    assert weights("--recipe", "finetune", "--teacher", "--truth-weight", "0") == (0.0, 1.0)
