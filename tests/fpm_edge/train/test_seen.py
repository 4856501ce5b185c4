"""What a model was trained on is kept with it, and is not measured on."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import exit_code
from PIL import Image

from fpm_edge.cli.options import DataSource
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge.data.photographs import photograph_names
from fpm_edge.data.shard_writer import write_shards
from fpm_edge.train.run_record import record_run, record_seen
from fpm_edge.train.seen import SEEN_FILE, Seen, read_seen, refuse_seen, seen_by, write_seen
from fpm_edge_runtime import ModelError, UsageError, open_bundle
from fpm_edge_runtime.stages.pack import bundle_bytes

Run = Callable[..., tuple[int, str, str]]

# What the "tiny" network of the fixtures was trained on, and what it was not.
TRAINED, OTHER = "rendered:12@1/64", "rendered:12@9/64"


def photographs(folder: Path, count: int) -> Path:
    """Skirts as FashionAI lays them out, named by number."""
    dataset = load_dataset("rendered:150@3/64", categories=["skirt"])
    (folder / "Images").mkdir(parents=True)
    lines = ["image_id,image_category," + ",".join(dataset.schema.landmarks)]
    for number, record in enumerate(dataset.records[:count]):
        name = f"Images/{number}.png"
        Image.fromarray(read_image(record)).save(folder / name)
        points = zip(record.landmarks, record.visibility, strict=True)
        lines.append(
            f"{name},skirt," + ",".join(f"{x:.0f}_{y:.0f}_{v}" if v >= 0 else "-1_-1_-1" for (x, y), v in points)
        )
    (folder / "annotations.csv").write_text("\n".join(lines) + "\n")
    return folder


def pictures(folder: Path, names: list[bytes], seed: int = 0) -> Dataset:
    folder.mkdir()
    for number, name in enumerate(names):
        pixels = np.random.default_rng([seed, number]).integers(0, 256, (24, 24, 3), np.uint8)
        with (folder / os.fsdecode(name)).open("wb") as file:
            Image.fromarray(pixels).save(file, "PNG")
    return garments(folder)


def garments(folder: Path) -> Dataset:
    """The pictures of a folder as skirts, whatever is in them: a reader that takes any name."""
    dataset = load_dataset(f"nothing:{folder}")
    return replace(dataset, records=tuple(replace(record, category="skirt") for record in dataset.records))


# ---- what is the same photograph ----


def test_the_same_photographs_are_found_in_a_copy_in_shards_and_under_names_that_are_no_text(tmp_path: Path) -> None:
    names = [b"caf\xe9.png", b"caf\xe8.png", "größe.png".encode(), b"a#2.png"]
    dataset = pictures(tmp_path / "one", names)
    seen = Seen.of(dataset)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    copied = garments(tmp_path / "two")
    assert seen.among(copied) == (list(photograph_names(copied)), 0)
    assert r"caf\udce9.png" in seen.among(copied)[0]
    write_shards(dataset, [tmp_path / "shards"])
    shards = load_dataset(f"shards:{tmp_path / 'shards'}")
    assert seen.among(shards)[0] == Seen.of(shards).among(dataset)[0] == list(photograph_names(dataset))
    # What is left out is not there.
    assert Seen.of(dataset.subset([1, 2])).among(copied)[0] == [
        photograph_names(copied)[1],
        photograph_names(copied)[2],
    ]


def test_other_files_of_the_same_names_are_other_photographs(tmp_path: Path) -> None:
    """Parts of one data set often number their pictures from 1."""
    names = [b"000001.png", b"000002.png"]
    first, second = pictures(tmp_path / "train", names), pictures(tmp_path / "validation", names, seed=1)
    assert Seen.of(first).among(second) == ([], 2)
    (note,) = refuse_seen(second, [("mine", Seen.of(first))], allowed=False)
    assert note == (
        "mine: 2 of 2 photographs have names of some that were trained on, and are other files; they are taken for "
        "others"
    )
    write_shards(first, [tmp_path / "a"])
    write_shards(second, [tmp_path / "b"])
    shards = [load_dataset(f"shards:{tmp_path / name}") for name in "ab"]
    assert Seen.of(shards[0]).among(shards[1]) == ([], 2)
    # Both under one name, in the parts of a data set: neither hides the other.
    both = replace(first, records=(first.records[0], second.records[0]))
    for part in (first, second):
        assert Seen.of(both).among(part) == (["000001.png"], 0)
        assert Seen.of(part).among(both) == (["000001.png"], 0)


def test_drawn_pictures_are_the_same_by_seed(tmp_path: Path) -> None:
    seen = Seen.of(load_dataset("rendered:4@1/64"))
    assert seen.among(load_dataset("rendered:6@1/96")) == ([f"rendered/1/{i}" for i in range(4)], 0)
    assert seen.among(load_dataset("rendered:6@2/64")) == ([], 0)


# ---- the record of a run ----


def test_a_record_is_read_back_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    seen = Seen.of(load_dataset("rendered:6@1/64"), held_back="--holdout 2 --split-seed 0")
    more = Seen.of(load_dataset("rendered:6@2/64"), None, seen)
    assert (len(more.codes), more.held_back) == (12, "")
    assert read_seen(tmp_path) is None
    record_run(tmp_path, {"settings": {}}, seen)
    found = read_seen(tmp_path)
    assert found is not None
    assert (found.codes.tolist(), found.held_back) == (seen.codes.tolist(), seen.held_back)
    path = tmp_path / SEEN_FILE
    whole = path.read_bytes()
    # A run that goes on changes nothing.
    record_seen(tmp_path, more)
    assert path.read_bytes() == whole
    write_seen(tmp_path, more)
    with pytest.raises(ModelError, match=r"trained_on\.json: is not what the run wrote \(see run\.json there\)"):
        read_seen(tmp_path)
    path.write_bytes(whole[:-9])
    with pytest.raises(ModelError, match=r"trained_on\.json: cannot be read"):
        read_seen(tmp_path)
    path.write_bytes(whole.replace(b'"version":1', b'"version":2'))
    with pytest.raises(ModelError, match="version 2; expected 'fpm-edge photographs', version 1"):
        read_seen(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match="is missing, which says what the model was trained on"):
        read_seen(tmp_path)
    # A run of a version that kept none gets one when it goes on.
    (tmp_path / "run.json").write_text('{"settings": {}}')
    record_seen(tmp_path, seen)
    assert path.read_bytes() == whole


def test_a_bundle_says_what_its_model_saw(tiny_model: Path, tiny_bundle: Path, tiny_float_bundle: Path) -> None:
    expected = read_seen(tiny_model)
    assert expected is not None
    assert len(expected.codes) == 48
    for path in (tiny_bundle, tiny_float_bundle):
        found = seen_by(path)
        assert found is not None
        assert found.codes.tolist() == expected.codes.tolist()
    bundle = open_bundle(tiny_bundle)
    members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
    card, _, _ = members["card.md"].partition(b"\n## Photographs")
    # Those without, as earlier versions made them, are measured on anything.
    older = open_bundle(bundle_bytes(bundle.manifest, members | {"card.md": card}))
    assert seen_by(older) is None


def test_too_many_for_a_bundle_are_announced(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / "run.json").unlink()
    write_seen(folder, Seen(np.arange(20_001, dtype=np.uint64)))
    made = convert(
        folder,
        tmp_path / "a.fpm",
        precision="float32",
        calibration=Calibration(calibration_data, samples=16),
        formats=("tflite",),
    )
    assert seen_by(made.path) is None
    assert "was trained on 20001 photographs, too many for a bundle to say which" in made.notes[0]


# ---- the commands ----


@pytest.mark.parametrize(
    "command", ["evaluate", "evaluate bundle", "drift", "report", "lint", "compare", "sensitivity"]
)
def test_what_measures_refuses_what_was_trained_on(
    command: str, tmp_path: Path, tiny_model: Path, tiny_bundle: Path, run: Run
) -> None:
    arguments = {
        "evaluate": ["evaluate", tiny_model],
        "evaluate bundle": ["evaluate", tiny_bundle],
        "drift": ["drift", tiny_bundle],
        "report": ["report", tiny_bundle, "-o", tmp_path / "out"],
        "lint": ["lint", tiny_bundle],
        "compare": ["compare", tiny_model, tiny_bundle],
        "sensitivity": ["sensitivity", tiny_model, tiny_bundle],
    }[command]
    code, out, err = run(*arguments, "--data", TRAINED)
    assert (code, out) == (2, "")
    assert (
        "12 of 12 photographs to measure on were trained on, the first: 'rendered/1/0' (it was trained with nothing "
        "held back); measure on what was held back, on other data, or give --allow-seen"
    ) in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["convert", "convert --score", "search", "qat", "train --from"])
def test_what_trains_and_converts_refuses_to_be_measured_on_it(
    command: str, tmp_path: Path, tiny_model: Path, run: Run
) -> None:
    output = ("-o", tmp_path / "out")
    budgets = ("--max-ne-drift", 9, "--max-latency-ms", 900)
    arguments = {
        "convert": ["convert", tiny_model, "--samples", 16, "--calibration", "rendered:40@1/64"],
        "convert --score": [
            *("convert", tiny_model, "--samples", 16, "--calibration", "rendered:40@2/64", "--score", TRAINED)
        ],
        "search": ["search", tiny_model, "--samples", 16, "--data", "rendered:40@1/64", *budgets],
        "qat": ["qat", tiny_model, "--data", "rendered:40@1/64", "--holdout", 12],
        "train --from": ["train", "--from", tiny_model, "--data", "rendered:40@1/64", "--holdout", 12],
    }[command]
    code, _, err = run(*arguments, *output)
    assert code == 2
    assert "photographs to measure on were trained on, the first: 'rendered/1/" in err
    assert not (tmp_path / "out").exists()


def test_it_is_measured_where_that_is_asked_for(tiny_bundle: Path, run: Run) -> None:
    code, out, err = run("evaluate", tiny_bundle, "--data", "rendered:4@1/64", "--allow-seen", "--json")
    assert code == 0, err
    assert json.loads(out)["pictures"] == 4
    assert "4 of 4 photographs to measure on were trained on, the first: 'rendered/1/0'" in err
    code, _, err = run("evaluate", tiny_bundle, "--data", "rendered:4@9/64", "--json")
    assert (code, "trained on" in err) == (0, False)


def test_pictures_without_a_garment_count_too(tmp_path: Path, tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    empty = load_dataset("backdrops:3@4/64")
    model = tmp_path / "model"
    model.mkdir()
    write_seen(model, Seen.of(empty))
    source = DataSource(OTHER)
    source.refuse_seen(load_dataset("backdrops:3@5/64"), model, bundle)
    with pytest.raises(
        UsageError, match="3 of 3 photographs to measure on were trained on, the first: 'backdrops/4/0'"
    ):
        source.refuse_seen(empty, model, bundle)


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory, render_cache: Path) -> tuple[Path, Path]:
    """Twenty photographs, and a model that was trained on twelve of them."""
    folder = tmp_path_factory.mktemp("photographed")
    photographs(folder / "data", 20)
    common = ("--model", "tiny", "--stages", 1, "--recipe", "lite", "--epochs", 1, "-o", folder / "model")
    assert exit_code("train", *common, "--data", f"fashionai:{folder / 'data'}", "--holdout", 8) == 0
    return folder / "data", folder / "model"


def damaged(data: Path, name: str, folder: Path) -> DataSource:
    shutil.copytree(data, folder / "data")
    (folder / "data" / name).write_bytes(b"cut off")
    return DataSource(f"fashionai:{folder / 'data'}", holdout=8.0, skip_bad=True)


def test_a_damaged_picture_brings_no_other_among_those_held_back_unseen(
    photographed: tuple[Path, Path], tmp_path: Path, run: Run
) -> None:
    data, model = photographed
    whole = DataSource(f"fashionai:{data}", holdout=8.0)
    held = photograph_names(whole.measured(model))
    assert len(held) == 8
    # One of those held back is lost: the next one takes its place, and was trained on.
    source = damaged(data, held[0], tmp_path)
    (new,) = set(photograph_names(source.held())) - set(held)
    code, _, err = run("evaluate", model, "--data", source.spec, "--holdout", 8, "--skip-bad")
    assert code == 2
    assert f"{model}: 1 of 8 photographs to measure on were trained on, the first: {new!r}" in err
    assert "(it was trained with --holdout 8 --split-seed 0)" in err
    assert photograph_names(replace(source, holdout=7.0).measured(model)) == held[1:]
    # All of the data: most of it was trained on.
    code, _, err = run("evaluate", model, "--data", f"fashionai:{data}")
    assert (code, "12 of 20 photographs" in err) == (2, True)


def test_a_damaged_or_added_training_picture_changes_nothing(photographed: tuple[Path, Path], tmp_path: Path) -> None:
    data, model = photographed
    whole = DataSource(f"fashionai:{data}", holdout=8.0)
    held = photograph_names(whole.measured(model))
    lost = next(name for name in photograph_names(whole.training()))
    source = damaged(data, lost, tmp_path)
    assert photograph_names(source.measured(model)) == held
    share = replace(source, holdout=0.3)
    assert set(photograph_names(share.held())) == set(photograph_names(replace(whole, holdout=0.3).held())) - {lost}
    # The same pictures and two more.
    photographs(tmp_path / "more", 22)
    more = DataSource(f"fashionai:{tmp_path / 'more'}", holdout=0.3)
    added = {"Images/20.png", "Images/21.png"}
    assert set(photograph_names(more.held())) - added == set(photograph_names(replace(whole, holdout=0.3).held()))


def test_the_record_of_a_run_is_what_it_was_trained_on(photographed: tuple[Path, Path], run: Run) -> None:
    data, model = photographed
    whole = DataSource(f"fashionai:{data}", holdout=8.0)
    seen = read_seen(model)
    assert seen is not None
    assert seen.among(load_dataset(whole.spec))[0] == list(photograph_names(whole.training()))
    assert json.loads((model / "run.json").read_bytes())["trained_on"] == seen.digest
    before = {name: (model / name).read_bytes() for name in (SEEN_FILE, "run.json")}
    code, _, err = run(
        *("train", "--model", "tiny", "--stages", 1, "--recipe", "lite", "--epochs", 1, "-o", model),
        *("--data", whole.spec, "--holdout", 8, "--resume"),
    )
    assert code == 0, err
    assert before == {name: (model / name).read_bytes() for name in before}


def test_a_teacher_hands_on_what_it_has_seen(tiny_model: Path, tmp_path: Path, run: Run) -> None:
    student = ("train", "--model", "tiny", "--epochs", 1, "--teacher", tiny_model, "-o", tmp_path / "student")
    code, _, err = run(*student, "--data", "rendered:48@1/64", "--holdout", 8)
    assert code == 2
    assert "8 of 8 photographs to measure on were trained on" in err
    code, _, err = run(*student, "--data", "rendered:16@77/64")
    assert code == 0, err
    seen, taught = read_seen(tmp_path / "student"), read_seen(tiny_model)
    assert seen is not None
    assert taught is not None
    assert set(taught.codes) < set(seen.codes)
