"""`fpm-edge train`: what it resolves, refuses, writes and estimates."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_command
from PIL import Image
from safetensors.numpy import load_file

from fpm_edge.__main__ import main
from fpm_edge.cli.options import DataSource
from fpm_edge.cli.train_plan import TrainPlan, plan_training
from fpm_edge.data import load_dataset, read_image
from fpm_edge.data.shard_writer import write_shards
from fpm_edge.model import ModelConfig, preset
from fpm_edge.model.store import load_network, weights_digest
from fpm_edge.train.batches import Batch
from fpm_edge.train.config_file import read_run_config
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.step import TrainStep
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import ModelError, UsageError

NOTHING = {"preset": None, "stages": None, "width": None, "batch_norm": None, "input_size": None}
RUN = """
[model]
preset = "tiny"
stages = 2

[train]
epochs = 1
batch = 8
learning_rate = 1e-3
micro_batch = 4

[data]
spec = "rendered:24@3/64"
holdout = 8
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "train", *arguments)


def planned(source: str | None = "rendered:8@3/64", config: Path | None = None, **given: Any) -> TrainPlan:
    model = NOTHING | given.pop("model", {})
    data = None if source is None else DataSource(source, **given.pop("source_options", {}))
    options = {"start": None, "teacher": None, "recipe": None, "settings": {}} | given
    return plan_training(config, data, model=model, **options)


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(RUN)
    return path


# ---- the plan ----


def test_the_defaults_are_the_papers() -> None:
    plan = planned()
    assert (plan.config.name, plan.settings, plan.recipe) == ("paper", RECIPES["paper"], "paper")
    assert (len(plan.training), plan.held, plan.origin, plan.pictures) == (8, None, "", 8)


def test_options_win_over_the_file(run_file: Path) -> None:
    plan = planned(None, run_file)
    assert isinstance(plan.config, ModelConfig)
    assert (plan.config.name, plan.config.stages, plan.settings.micro_batch) == ("tiny", 2, 4)
    assert (len(plan.training), len(plan.held or ())) == (16, 8)
    assert plan.recipe is None
    other = planned("rendered:10@3/64", run_file, model={"stages": 3}, settings={"epochs": 5, "batch": None})
    assert isinstance(other.config, ModelConfig)
    assert (other.config.stages, other.settings.epochs, other.settings.batch) == (3, 5, 8)
    assert (len(other.training), other.held) == (10, None)


def test_what_contradicts_itself_is_refused(run_file: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=r"--recipe and --config .*mine\.toml both give the settings"):
        planned(None, run_file, recipe="lite")
    with pytest.raises(UsageError, match="nothing says what to train on; give --data, or a table"):
        planned(None)
    with pytest.raises(UsageError, match="--from brings its own network; leave --width out, or name a network with"):
        planned(start=tiny_model, model={"width": 0.5})
    with pytest.raises(UsageError, match="cannot keep 9"):
        planned(start=tiny_model, model={"stages": 9})
    run_file.write_text(RUN.replace("stages = 2", "stages = 0"))
    with pytest.raises(UsageError, match=r"mine\.toml: model\.stages is 0"):
        planned(None, run_file)


def test_a_start_is_recorded_with_its_digest(tiny_model: Path) -> None:
    plan = planned(start=tiny_model, model={"stages": 2})
    assert (plan.config.stages, plan.origin) == (2, weights_digest(tiny_model))
    assert plan.start_name == f"tiny (weights SHA-256 `{weights_digest(tiny_model)}`)"
    name = "stem_1_conv/kernel"
    built = {weight.name: weight.numpy() for weight in plan.build(synchronized=False).weights}
    np.testing.assert_array_equal(built[f"{name}:0"], load_file(tiny_model / "weights.safetensors")[name])


def test_weights_in_another_network_than_their_own(tiny_model: Path, run_file: Path) -> None:
    larger = planned(start=tiny_model, model={"input_size": (96, 96)})
    assert (larger.config.name, larger.config.input_width, larger.config.input_height) == ("tiny", 96, 96)
    larger.build(synchronized=False)
    named = planned(start=tiny_model, model={"preset": "tiny", "stages": 2})
    assert (
        named.config
        == planned(None, run_file, start=tiny_model).config
        == preset("tiny", load_schema("fashionai24"), stages=2)
    )
    with pytest.raises(ModelError, match=r"stem_1_conv/kernel has shape \(4, 4, 3, 8\), expected \(4, 4, 3, 16\)"):
        planned(start=tiny_model, model={"preset": "lite"}).build(synchronized=False)


def test_what_is_beside_the_data(tmp_path: Path, run_file: Path) -> None:
    contest_part(tmp_path, 0, 6)
    source = f"fashionai:{tmp_path}"
    options = {"source_options": {"holdout": 2.0}}
    plan = planned(source, beside=[(0.5, "rendered:9@4/64")], **options)
    assert (len(plan.main), len(plan.training), plan.pictures) == (4, 13, 8)
    with pytest.raises(UsageError, match=r"--with 0\.5 fashionai:.*: 2 of its records are held back from training"):
        planned(source, beside=[(0.5, source)], **options)
    # A copy of them too, and shards.
    shutil.copytree(tmp_path / "Annotations", tmp_path / "copy" / "Annotations")
    shutil.copytree(tmp_path / "Images", tmp_path / "copy" / "Images")
    write_shards(load_dataset(source), [tmp_path / "shards"])
    for copy in (f"fashionai:{tmp_path / 'copy'}", f"shards:{tmp_path / 'shards'}"):
        with pytest.raises(UsageError, match=r"--with 0\.5 .*: 2 of its records are held back from training"):
            planned(source, beside=[(0.5, copy)], **options)
    # --data stands for the whole table [data].
    run_file.write_text(RUN + 'beside = [{ share = 0.5, spec = "rendered:9@4/64" }]\n')
    assert len(planned(None, run_file).beside) == 1
    assert planned("rendered:8@3/64", run_file).beside == ()


def test_networks_without_stages_have_no_maps_to_be_silent() -> None:
    plan = planned(model={"preset": "oneshot"}, recipe="finetune")
    assert (plan.settings.absent_weight, plan.settings.category_weight) == (0.0, 0.0)
    assert plan.notes == ("model 'oneshot' has no maps to be silent: absent_weight and category_weight are 0",)


def test_a_teacher_brings_a_weight(tiny_model: Path) -> None:
    plan = planned(teacher=tiny_model, settings={})
    assert (plan.settings.teacher_weight, plan.teacher_origin) == (1.0, weights_digest(tiny_model))


def contest_part(folder: Path, first: int, count: int, also: str = "") -> None:
    """Blouses and dresses as the contest lays them out; pictures are named by number."""
    dataset = load_dataset("rendered:80@3/64", categories=["blouse", "dress"])
    (folder / "Annotations").mkdir(parents=True)
    (folder / "Images").mkdir()
    lines = ["image_id,image_category," + ",".join(dataset.schema.landmarks)]
    for number in range(first, first + count):
        record = dataset.records[number]
        Image.fromarray(read_image(record)).save(folder / "Images" / f"{number}.jpg")
        points = zip(record.landmarks, record.visibility, strict=True)
        cells = [f"{x:.0f}_{y:.0f}_{v}" if v >= 0 else "-1_-1_-1" for (x, y), v in points]
        lines.append(f"Images/{number}.jpg,{record.category}," + ",".join(cells))
    (folder / "Annotations" / "annotations.csv").write_text("\n".join(lines) + "\n")


def test_the_papers_experiment_takes_the_contests_parts(tmp_path: Path) -> None:
    contest_part(tmp_path / "train", 0, 6)
    contest_part(tmp_path / "warm_up_train", 10, 3)
    contest_part(tmp_path / "test_a", 4, 4)  # two of them are in train as well
    plan = planned(f"fashionai:{tmp_path}")
    assert plan.held is not None
    assert (len(plan.training), len(plan.held)) == (4, 4)
    assert "4 / 3 / 4 pictures (published: 18,420 / 8,107 / 5,076)" in plan.notes[0]
    assert any("2 rows of train were left out" in note for note in plan.notes)
    # Any network can stand in the experiment, and the exported run is the same experiment.
    other = planned(f"fashionai:{tmp_path}", model={"preset": "fashionnet", "width": 0.125})
    assert (len(other.training), len(other.held or ())) == (4, 4)
    exported = tmp_path / "run.toml"
    exported.write_text(plan.to_toml())
    again = planned(None, exported)
    assert (again.run, len(again.training), len(again.held or ())) == (plan.run, 4, 4)
    with pytest.raises(UsageError, match="fixes what is held back, the categories and the schema"):
        planned(f"fashionai:{tmp_path}#paper", recipe="lite", source_options={"holdout": 2})
    # Another recipe or part of the data is somebody's own: train and warm-up, nothing held back.
    for own in (planned(f"fashionai:{tmp_path}", recipe="lite"), planned(f"fashionai:{tmp_path}#train")):
        assert own.held is None
    assert len(planned(f"fashionai:{tmp_path}", recipe="lite").training) == 7


# ---- the command ----


def test_a_run_leaves_everything_that_it_takes_to_repeat_it(
    tmp_path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    code, out, err = run(capsys, "--config", run_file, "--seed", 3, "--json", "-o", folder)
    assert code == 0, err
    result = json.loads(out)
    assert result["model"] == str(folder)
    assert [entry["stage"] for entry in result["held"]["stages"]] == [1, 2]
    assert "held back, stage 2: NE " in err
    written = read_run_config(folder / "run.toml")
    assert (written.train.seed, written.train.micro_batch) == (3, 4)
    card = (folder / "card.md").read_text()
    again = f"fpm-edge train --config {folder / 'run.toml'} -o {folder}-again"
    for part in ("16 records", again, "NE (paper)", "mean shape", "| 1 |", "stage 2"):
        assert part in card
    events = list((folder / "tensorboard").glob("events*"))
    assert len(events) == 1
    assert b"heatmaps" in events[0].read_bytes()
    # The command of the card makes the same weights.
    code, _, err = run(capsys, *again.split()[2:])
    assert code == 0, err
    weights = [(path / "weights.safetensors").read_bytes() for path in (folder, tmp_path / "run-again")]
    assert weights[0] == weights[1]


def test_fewer_stages_of_a_start_are_trained_again(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--recipe", "lite", "--epochs", 1, "--data", "rendered:8@3/64", "-o", tmp_path / "short")
    assert run(capsys, "--from", tiny_model, "--stages", 1, *options)[0] == 0
    command = next(
        line.split() for line in (tmp_path / "short" / "card.md").read_text().splitlines() if "--config" in line
    )
    code, _, err = run(capsys, *command[2:])
    assert code == 0, err
    first, second = (load_file(tmp_path / name / "weights.safetensors") for name in ("short", "short-again"))
    assert first.keys() == second.keys()
    assert not any("stage_2" in name for name in first)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@pytest.mark.parametrize("option", [("--holdout", 4), ("--categories", "blouse"), ("--skip-bad",), ("--split-seed", 3)])
def test_options_about_data_need_data(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[Any, ...]
) -> None:
    code, _, err = run(capsys, "--config", run_file, *option, "-o", tmp_path / "x")
    assert (code, f"{option[0]} says something about --data, which is missing; give both" in err) == (2, True)


def test_computed_landmarks_are_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", "tiny", "--stages", 1, "--recipe", "lite", "--epochs", 1, "--data", "rendered:12@3/64")
    assert run(capsys, *options, "--holdout", 4, "--derived", "-o", tmp_path / "run")[0] == 0
    assert "derived" in (tmp_path / "run" / "card.md").read_text()


def test_a_dry_run_prints_the_run_and_its_cost_and_writes_nothing(
    tmp_path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run(capsys, "--config", run_file, "--epochs", 7, "--dry-run")
    assert code == 0, err
    toml, _, table = out.partition("tiny: what training will take")
    resolved = tomllib.loads(toml)
    assert (resolved["train"]["epochs"], resolved["model"]["stages"]) == (7, 2)
    for part in ("GMAC a picture", "memory of a step", "an epoch", "all 7 epochs"):
        assert part in table
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_for_machines(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--config", run_file, "--dry-run", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert (result["run"]["records"], result["run"]["held"]) == (16, 8)
    estimate = result["estimate"]
    assert (estimate["steps_per_epoch"], estimate["pictures"]) == (2, 16)
    assert estimate["seconds_per_epoch"] == pytest.approx(2 * estimate["seconds_per_step"])


def test_a_dry_run_without_data_counts_with_the_papers(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--model", "tiny", "--recipe", "paper", "--dry-run", "--json")
    assert code == 0, err
    estimate = json.loads(out)["estimate"]
    assert (estimate["pictures"], estimate["steps_per_epoch"], estimate["epochs"]) == (18420, 3684, 6)
    assert "note: no data was given: timed on drawn garments, counted with the paper's 18,420 pictures" in err


def test_a_dry_run_times_whole_batches(
    run_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the data are fewer than a batch."""
    step, sizes = TrainStep.__call__, []

    def counted(self: TrainStep, batch: Batch, count: int, number: int, total: int) -> Any:
        sizes.append((len(batch.image), count))
        return step(self, batch, count, number, total)

    monkeypatch.setattr(TrainStep, "__call__", counted)
    code, _, err = run(capsys, "--config", run_file, "--batch", 40, "--dry-run")
    assert code == 0, err
    assert sizes == [(40, 40)] * 4


def test_learning_from_a_teacher(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", "tiny", "--stages", 1, "--recipe", "lite", "--epochs", 1, "--data", "rendered:8@3/64")
    code, _, err = run(capsys, *options, "--teacher", tiny_model, "-o", tmp_path / "pupil")
    assert code == 0, err
    record = json.loads((tmp_path / "pupil" / "run.json").read_text())
    assert record["teacher"] == weights_digest(tiny_model)
    assert f"--teacher {tiny_model}" in (tmp_path / "pupil" / "card.md").read_text()


def test_a_baseline_can_be_trained_and_measured_but_not_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fashionnet"
    options = ("--model", "fashionnet", "--width", 0.0625, "--input-size", 64, "--batch-norm", "--recipe", "lite")
    code, _, err = run(capsys, *options, "--epochs", 1, "--data", "rendered:12@3/64", "--holdout", 4, "-o", folder)
    assert code == 0, err
    assert "held back, stage 1: NE " in err
    config, _ = load_network(folder)
    assert config.name == "fashionnet-w0.0625"
    with pytest.raises(SystemExit) as caught:
        main(["convert", str(folder), "--calibration", "rendered:40@2/64", "-o", str(tmp_path / "x.fpm")])
    assert caught.value.code == ModelError.exit_code
    assert "kind 'fashionnet', which has no stages to convert or cut" in capsys.readouterr().err


def test_where_to_write_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--data", "rendered:8@3/64")
    assert (code, "-o names the folder to train in; give it, or --dry-run" in err) == (2, True)


def test_other_data_beside_the_main_data_is_in_the_record_and_read_back(tmp_path: Path) -> None:
    held = tmp_path / "held.txt"
    held.write_text("rendered/3/64/1\nrendered/3/64/5\n")
    plan = planned(source_options={"holdout": held}, beside=((0.25, "backdrops:4@1/64"),))
    assert plan.pictures == 8
    assert [record.identifier for record in plan.held.records] == ["rendered/3/64/1", "rendered/3/64/5"]  # type: ignore[union-attr]
    path = tmp_path / "run.toml"
    path.write_text(plan.to_toml())
    again = planned(None, path)
    assert again.run == plan.run
    assert again.training.digest == plan.training.digest
    assert again.training.sampled == plan.training.sampled
    held.write_text("rendered/3/64/1\n")
    with pytest.raises(UsageError, match=r"held\.txt no longer names the pictures that it did"):
        planned(None, path)
