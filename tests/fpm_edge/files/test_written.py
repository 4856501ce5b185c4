"""On a disk that is full, what libraries write is told as missing, and what was there before stays."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from commands import run_command
from full_disk import small_disk
from small_bundle import small_bundle

from fpm_edge.data import load_dataset
from fpm_edge.data.shard_writer import write_shards
from fpm_edge.files.written import check_written, count_records
from fpm_edge.pictures.video import VideoFile, open_video
from fpm_edge.train.log import TrainingLog
from fpm_edge_runtime import DataError, ModelError

cv2 = pytest.importorskip("cv2")

WIDTH, HEIGHT, FRAMES = 96, 64, 30


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def write_video(path: Path, frames: int = FRAMES) -> None:
    with VideoFile(path, 20.0) as out:
        for number in range(frames):
            out.write(noise(number))


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
@pytest.mark.parametrize("kilobytes", [8, 48])
def test_a_video_on_a_full_disk(tmp_path: Path, suffix: str, kilobytes: int) -> None:
    """Without a single frame, and with some of them."""
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        path = disk / f"out{suffix}"
        path.write_bytes(b"an older one")
        with pytest.raises(DataError, match=rf"out\{suffix} cannot be written: of 30 frames the file would hold \d+;"):
            write_video(path)
        assert path.read_bytes() == b"an older one"
        assert list(disk.iterdir()) == [path]


def test_run_on_a_full_disk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, one line that names the file, and nothing that says how many frames were written into it."""
    (tmp_path / "b.fpm").write_bytes(small_bundle())
    write_video(tmp_path / "in.mp4")
    with small_disk(tmp_path / "disk", 32) as disk:
        write_video(disk / "out.mp4", frames=2)
        before = (disk / "out.mp4").read_bytes()
        common = ("run", tmp_path / "b.fpm", "--category", "warm", "--video", tmp_path / "in.mp4", "--overlay")
        code, out, said = run_command(capfd, *common, disk / "out.mp4")
        assert (code, out) == (1, "")
        line = said.strip().splitlines()[-1]
        assert line.startswith(f"fpm-edge: {disk / 'out.mp4'} cannot be written: of 30 frames the file would hold 0;")
        assert "with landmarks" not in said
        assert "moov" not in said
        assert (disk / "out.mp4").read_bytes() == before
        assert [path.name for path in disk.iterdir()] == ["out.mp4"]
    assert run_command(capfd, *common, tmp_path / "out.mp4")[0] == 0
    video = open_video(tmp_path / "out.mp4")
    assert len(list(video)) == FRAMES
    video.close()


def test_a_training_log_on_a_full_disk(tmp_path: Path) -> None:
    """TensorFlow raises nothing here; the run must not go on as if its log were there."""
    with small_disk(tmp_path / "disk", 64) as disk:
        log = TrainingLog(disk, chief=True)
        log.__enter__()
        for step in range(8):
            log.scalars({"loss": 1.0}, step)
            log.picture("heatmaps", noise(step), step)
        assert isinstance(log.failure, ModelError)
        assert "tensorboard: the training log could not be written" in str(log.failure)
        assert "make room, then continue with --resume" in str(log.failure)
        with pytest.raises(ModelError, match="could not be written"):
            log.__exit__(None, None, None)


def test_a_training_log_that_lacks_nothing(tmp_path: Path) -> None:
    for _ in range(2):  # the second run goes on in the same folder
        with TrainingLog(tmp_path, chief=True) as log:
            log.scalars({"loss": 1.0, "rate": 0.1}, 1)
            log.picture("heatmaps", noise(0), 1)
            log.scalars({"loss": 0.5}, 2)
        assert log.failure is None
    files = sorted((tmp_path / "tensorboard").iterdir())
    assert [count_records(file) for file in files] == [5, 5]
    with TrainingLog(tmp_path / "none", chief=True):
        pass


def test_shards_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        with pytest.raises(DataError, match=r"\.part.* cannot be written"):
            write_shards(load_dataset("rendered:12@1/64"), [disk / "shards"])
        assert list(disk.iterdir()) == []


def test_records_are_counted_as_tensorflow_does(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as file:
        for size in (0, 5, 70_000):
            file.write(os.urandom(size))
    assert count_records(path) == 3
    check_written(path, path, 3, "records", count_records)
    content = path.read_bytes()
    for length, whole in ((len(content) - 1, 2), (len(content) - 70_010, 2), (7, 0), (0, 0)):
        path.write_bytes(content[:length])
        assert count_records(path) == whole


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    part, name = tmp_path / "x.part", tmp_path / "x"
    part.write_bytes(b"12")
    with pytest.raises(DataError, match=rf"{name} cannot be written: of 3 bytes the file would hold 2; the disk is"):
        check_written(part, name, 3, "bytes", lambda path: len(path.read_bytes()))
    part.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        check_written(part, name, 3, "bytes", lambda path: 3)
    assert caught.value.filename == str(name)
