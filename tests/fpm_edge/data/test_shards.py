"""Shards: what goes in comes out, wherever the files lie; what is damaged is named."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from commands import run_command
from people_shards import COUNT, SCHEMA, files, people_in, shards_of
from PIL import Image

from fpm_edge.data import Dataset, ShardKey, load_dataset, read_encoded, read_image, split_dataset
from fpm_edge.data.shard_index import load_index
from fpm_edge.data.shard_pictures import PictureOptions, encode_record
from fpm_edge.data.shard_writer import ShardsWritten, write_shards
from fpm_edge.model import preset
from fpm_edge.train.pipeline import training_batches
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, ImageError, UsageError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox


@pytest.fixture
def people(tmp_path: Path) -> Dataset:
    return people_in(tmp_path / "people")


def test_everything_comes_back_bit_for_bit(people: Dataset, tmp_path: Path) -> None:
    again = shards_of(people, tmp_path / "s", shards=5)
    assert again.digest == people.digest
    assert (again.name, again.schema, again.notes) == (people.name, people.schema, people.notes)
    for mine, theirs in zip(people.records, again.records, strict=True):
        assert isinstance(theirs.image, ShardKey)
        assert isinstance(mine.image, Path)
        assert (mine.identifier, mine.category, mine.box) == (theirs.identifier, theirs.category, theirs.box)
        assert mine.landmarks.tobytes() == theirs.landmarks.tobytes()
        assert mine.visibility.tobytes() == theirs.visibility.tobytes()
        assert not theirs.landmarks.flags.writeable
        assert read_encoded(theirs) == mine.image.read_bytes()
        assert np.array_equal(read_image(mine), read_image(theirs))


def test_files_are_named_and_evenly_filled(people: Dataset, tmp_path: Path) -> None:
    written = write_shards(people, [tmp_path / "s"], shards=5)
    assert [path.name for path in files(tmp_path / "s")] == [f"people-{i:05d}-of-00005.tfrecord" for i in range(5)]
    assert written == ShardsWritten(5, COUNT, sum(path.stat().st_size for path in files(tmp_path / "s")))
    assert sorted(path.name for path in (tmp_path / "s").iterdir())[0] == "index.json"
    assert len(list((tmp_path / "s").iterdir())) == 6
    entries = load_index(tmp_path / "s").entries
    counts = [sum(entry.shard == shard for entry in entries) for shard in range(5)]
    assert sorted(counts) == [2, 2, 2, 3, 3]
    # Dealt in random order, not in that of the source.
    assert [entry.number for entry in entries] != list(range(COUNT))


def test_the_seed_decides_the_order_and_nothing_else(people: Dataset, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_shards(people, [tmp_path / name], shards=3, seed=seed)
    contents = {name: [path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "abc"}
    assert contents["a"] == contents["b"]
    assert contents["a"] != contents["c"]
    assert load_dataset(f"shards:{tmp_path / 'c'}").digest == people.digest


def test_shards_grow_to_the_size_asked_for(people: Dataset, tmp_path: Path) -> None:
    limit = 40_000
    again = shards_of(people, tmp_path / "s", shard_bytes=limit)
    sizes = [path.stat().st_size for path in files(tmp_path / "s")]
    assert len(sizes) > 3
    assert max(sizes) <= limit
    assert sum(size < limit / 4 for size in sizes) <= 1
    assert again.digest == people.digest
    # A picture larger than a shard has one of its own.
    assert shards_of(people, tmp_path / "t", shard_bytes=1).digest == people.digest
    assert len(files(tmp_path / "t")) == COUNT


def test_several_disks_each_with_its_own_index(people: Dataset, tmp_path: Path) -> None:
    one, two = tmp_path / "disk1/s", tmp_path / "disk2/s"
    again = shards_of(people, one, two, shards=5)
    assert again.digest == people.digest
    assert (len(files(one)), len(files(two))) == (3, 2)
    assert {name for folder in (one, two) for name in [path.name[7:12] for path in files(folder)]} == {
        f"0000{i}" for i in range(5)
    }
    assert sorted(e.number for folder in (one, two) for e in load_index(folder).entries) == list(range(COUNT))
    # Folders can be moved, and named in any order.
    two.rename(tmp_path / "elsewhere")
    moved = load_dataset(f"shards:{tmp_path / 'elsewhere'},{one}")
    assert moved.digest == people.digest
    assert all(np.array_equal(read_image(a), read_image(b)) for a, b in zip(moved.records, people.records, strict=True))


def test_folders_must_be_all_of_one_set(people: Dataset, tmp_path: Path) -> None:
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    write_shards(people, [one, two], shards=4)
    write_shards(people, [other], shards=4)
    with pytest.raises(DataError, match="of the 2 folders of this set, number 2 are here; name all"):
        load_dataset(f"shards:{two}")
    with pytest.raises(DataError, match="different sets of shards"):
        load_dataset(f"shards:{one},{other}")
    with pytest.raises(UsageError, match="names a folder twice"):
        load_dataset(f"shards:{one},{tmp_path}/./one")


def test_tensorflow_reads_them(people: Dataset, tmp_path: Path) -> None:
    write_shards(people, [tmp_path / "s"], shards=3)
    form = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/format": tf.io.FixedLenFeature([], tf.string),
        "id": tf.io.FixedLenFeature([], tf.string),
        "category": tf.io.FixedLenFeature([], tf.string),
        "landmarks": tf.io.FixedLenFeature([14, 2], tf.float32),
        "visibility": tf.io.FixedLenFeature([14], tf.int64),
        "box": tf.io.FixedLenFeature([4], tf.float32),
    }
    by_name = {record.identifier: record for record in people.records}
    for serialized in tf.data.TFRecordDataset([str(path) for path in files(tmp_path / "s")]):
        parsed = tf.io.parse_single_example(serialized, form)
        record = by_name.pop(parsed["id"].numpy().decode())
        assert parsed["category"].numpy() == b"person"
        assert np.array_equal(parsed["landmarks"].numpy(), record.landmarks)
        assert np.array_equal(parsed["visibility"].numpy(), record.visibility)
        assert parsed["box"].numpy() == pytest.approx(np.array(record.box))
        assert isinstance(record.image, Path)
        assert parsed["image/encoded"].numpy() == record.image.read_bytes()
        form_name = parsed["image/format"].numpy().decode()
        assert form_name == {".jpg": "jpeg"}.get(record.image.suffix, record.image.suffix[1:])
        if form_name == "png":
            decoded = tf.io.decode_image(parsed["image/encoded"]).numpy()
            assert np.array_equal(decoded, read_image(record))
    assert by_name == {}


def test_a_record_without_box_has_none_in_its_example(tmp_path: Path) -> None:
    write_shards(load_dataset("rendered:2@5/32"), [tmp_path / "s"], shards=1)
    for serialized in tf.data.TFRecordDataset([str(path) for path in files(tmp_path / "s")]):
        assert "box" not in tf.train.Example.FromString(serialized.numpy()).features.feature
    assert all(record.box is None for record in load_dataset(f"shards:{tmp_path / 's'}").records)


def test_drawn_garments_lossless_or_as_jpeg(tmp_path: Path) -> None:
    drawn = load_dataset("rendered:6@5/64")
    exact = shards_of(drawn, tmp_path / "png", pictures=PictureOptions(lossless=True))
    lossy = shards_of(drawn, tmp_path / "jpeg", pictures=PictureOptions(quality=80))
    assert exact.digest == lossy.digest == drawn.digest
    for mine, theirs, rough in zip(drawn.records, exact.records, lossy.records, strict=True):
        assert np.array_equal(read_image(mine), read_image(theirs))
        difference = np.abs(read_image(mine).astype(int) - read_image(rough)).mean()
        assert 0 < difference < 20
    best = [encode_record(record, PictureOptions(quality=100)).data for record in drawn.records]
    assert sum(map(len, best)) > 1.5 * sum(len(read_encoded(record) or b"") for record in lossy.records)


def test_smaller_pictures_have_their_landmarks_and_box_moved_alike(people: Dataset, tmp_path: Path) -> None:
    side = 100
    again = shards_of(people, tmp_path / "s", pictures=PictureOptions(side, lossless=True))
    shrunk = 0
    for mine, theirs in zip(people.records, again.records, strict=True):
        picture = read_image(mine)
        height, width, _ = picture.shape
        if max(width, height) <= side:
            assert isinstance(mine.image, Path)
            assert read_encoded(theirs) == mine.image.read_bytes()
            assert np.array_equal(mine.landmarks, theirs.landmarks)
            continue
        shrunk += 1
        small = read_image(theirs)
        assert max(small.shape) == side
        scale = np.array([small.shape[1] / width, small.shape[0] / height])
        labelled = mine.visibility >= 0
        # Half-pixel centres: the edges of the picture are mapped to its edges.
        expected = (mine.landmarks[labelled] + 0.5) * scale - 0.5
        np.testing.assert_allclose(theirs.landmarks[labelled], expected, rtol=0, atol=1e-4)
        assert (theirs.landmarks[~labelled] == -1).all()
        assert mine.box is not None
        assert theirs.box == pytest.approx(tuple(np.array(mine.box) * np.tile(scale, 2)))
        fit = Letterbox((0.0, 0.0, width, height), small.shape[1], small.shape[0], 0, 0, *scale)
        assert np.array_equal(small, letterbox(picture, fit, small.shape[1::-1]))
        np.testing.assert_allclose(fit.to_input(mine.landmarks[labelled]), theirs.landmarks[labelled], atol=1e-4)
    assert 0 < shrunk < COUNT


def test_a_turned_photograph_is_shrunk_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100), (9, 9, 9)).save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "joints.csv").write_text(",".join(["image", *SCHEMA.landmarks]) + "\na.jpg" + ",50_150_1" * 14 + "\n")
    small = shards_of(load_dataset(f"lsp:{tmp_path}"), tmp_path / "s", pictures=PictureOptions(100))
    assert read_image(small.records[0]).shape == (100, 50, 3)
    assert small.records[0].landmarks[0].tolist() == [24.75, 74.75]


def test_several_garments_of_a_photograph_stay_one_photograph(tmp_path: Path) -> None:
    """A split must hold back the same photographs from shards as from the source."""
    garments = load_schema("fashionai24")
    rows = [",".join(["image_id", "image_category", *garments.landmarks])]
    for number in range(COUNT):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / f"{number}.png")
        for category in ("skirt", "trousers"):
            cells = ["9_9_1" if name == "waistband_left" else "-1_-1_-1" for name in garments.landmarks]
            rows.append(",".join([f"{number}.png", category, *cells]))
    (tmp_path / "annotations.csv").write_text("\n".join(rows) + "\n")
    source = load_dataset(f"fashionai:{tmp_path}")
    again = shards_of(source, tmp_path / "s", shards=4)
    assert len({record.photograph for record in again.records}) == COUNT
    for seed in range(3):
        for mine, theirs in zip(split_dataset(source, 5, seed), split_dataset(again, 5, seed), strict=True):
            assert mine.digest == theirs.digest
            assert len(theirs) in (10, 14)


def test_any_order_and_in_parallel(people: Dataset, tmp_path: Path) -> None:
    again = shards_of(people, tmp_path / "s", shards=2)
    expected = [read_image(record) for record in people.records]
    order = np.random.default_rng(0).integers(0, COUNT, 200)
    with ThreadPoolExecutor(8) as pool:
        for index, picture in zip(order, pool.map(lambda i: read_image(again.records[i]), order), strict=True):
            assert np.array_equal(picture, expected[index])


@pytest.mark.parametrize("first_step", [0, 2])
def test_training_sees_the_same_batches_from_any_step_on(people: Dataset, tmp_path: Path, first_step: int) -> None:
    again = shards_of(people, tmp_path / "s", shards=3)
    config, settings = preset("tiny", SCHEMA), TrainSettings(batch=3)
    mine = list(training_batches(people, config, settings, 1, first_step))
    theirs = list(training_batches(again, config, settings, 1, first_step))
    assert len(mine) == 4 - first_step
    for source, shards in zip(mine, theirs, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(source, shards, strict=True))


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(people: Dataset, tmp_path: Path) -> None:
    kept = tmp_path / "s/notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(UsageError, match="s is not an empty folder"):
        write_shards(people, [tmp_path / "t", tmp_path / "s"])
    assert kept.read_text() == "mine"
    assert not (tmp_path / "t").exists()
    with pytest.raises(UsageError, match="each another one"):
        write_shards(people, [tmp_path / "t", tmp_path / "t"])
    for shards in (1, COUNT + 1):
        with pytest.raises(UsageError, match=f"{shards} shards of 12 records in 2 folders"):
            write_shards(people, [tmp_path / "t", tmp_path / "u"], shards=shards)


def test_a_failure_leaves_nothing_behind(people: Dataset, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    victim = people.records[7].image
    assert isinstance(victim, Path)
    victim.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=rf"{victim.name} is no picture"):
        write_shards(people, [tmp_path / "empty", tmp_path / "new"], shards=6)
    victim.unlink()
    with pytest.raises(ImageError, match=rf"{victim.name}: cannot be read"):
        write_shards(people, [tmp_path / "empty", tmp_path / "new"], shards=6)
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (tmp_path / "new").exists()


def test_a_killed_run_leaves_no_folder_that_looks_whole(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time; from pathlib import Path\n"
        # Ignored in what a shell runs in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fpm_edge.data import load_dataset; from fpm_edge.data.shard_writer import write_shards\n"
        "folder = Path(sys.argv[1])\n"
        "def wait(): time.sleep(120 if len(list(folder.glob('.*.part'))) > 3 else 0)\n"
        "write_shards(load_dataset('rendered:60@5/32'), [folder], shards=30, advance=wait)\n"
    )
    for how, stays in ((signal.SIGKILL, True), (signal.SIGINT, False)):
        folder = tmp_path / how.name
        with subprocess.Popen([sys.executable, "-c", script, folder], stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while len(list(folder.glob(".*.part"))) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(how)
        assert process.returncode != 0
        assert folder.exists() == stays
        if stays:
            with pytest.raises(DataError, match=r"no index\.json, which is written last"):
                load_dataset(f"shards:{folder}")
            with pytest.raises(UsageError, match="not an empty folder"):
                write_shards(load_dataset("rendered:2@5/32"), [folder])


def test_the_command(people: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, one, two = f"lsp:{tmp_path / 'people'}", tmp_path / "one", tmp_path / "two"
    code, _, said = run_command(capsys, "data", "shard", spec, "-o", one, "-o", two, "--shards", 4, "--seed", 3)
    assert code == 0, said
    assert f"12 records in 4 shards, 0.2 MB; use shards:{one},{two}" in said
    assert load_dataset(f"shards:{one},{two}").digest == people.digest
    code, out, said = run_command(capsys, "data", "check", f"shards:{one},{two}", "--pictures", "--json")
    assert code == 0, said
    assert json.loads(out)["summary"]["pictures"] == COUNT
    victim = load_dataset(f"shards:{one},{two}").records[3]
    assert isinstance(victim.image, ShardKey)
    content = bytearray(victim.image.path.read_bytes())
    content[victim.image.offset + 9] ^= 1
    victim.image.path.write_bytes(content)
    code, out, said = run_command(capsys, "data", "check", f"shards:{one},{two}", "--pictures", "--json")
    # The joints are anywhere, so that there is a warning too.
    finding = json.loads(out)["findings"][0]
    assert (code, finding["kind"], finding["count"]) == (1, "damaged picture", 1)
    assert finding["examples"][0]["where"] == victim.identifier
    assert run_command(capsys, "data", "shard", spec, "-o", one)[0] == 2
    assert run_command(capsys, "data", "shard", spec, "-o", tmp_path / "x", "--shards", 2, "--shard-mb", 9)[0] == 2
    assert run_command(capsys, "data", "shard", spec)[0] == 2
    code, _, said = run_command(capsys, "data", "shard", spec, "-o", tmp_path / "small", "--size", 64, "--quality", 50)
    assert code == 0, said
    assert {max(read_image(r).shape) for r in load_dataset(f"shards:{tmp_path / 'small'}").records} == {64}
