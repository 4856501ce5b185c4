"""From records to batches."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.data import Dataset, Record, load_dataset, read_image
from fpm_edge.model import ModelConfig, preset
from fpm_edge.train import pipeline
from fpm_edge.train.augment import draw
from fpm_edge.train.batches import Batch, share_of, shares
from fpm_edge.train.distribute import ALONE, Place
from fpm_edge.train.pipeline import (
    SampleStore,
    batch_indices,
    epoch_order,
    load_sample,
    steps_in_epoch,
    training_batches,
)
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime.errors import ImageError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox

SETTINGS = TrainSettings(batch=4, augmentation=Augmentation(), seed=3)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("rendered:10@5/64")


@pytest.fixture(scope="module")
def config(schema24: Any) -> ModelConfig:
    return preset("tiny", schema24)


def batches(*arguments: Any) -> list[Batch]:
    return [Batch(*(tensor.numpy() for tensor in batch)) for batch in training_batches(*arguments)]


def replace_settings(**changes: Any) -> TrainSettings:
    return msgspec.structs.replace(SETTINGS, **changes)


def assert_same(first: list[Batch], second: list[Batch]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_epoch_has_every_record_once(dataset: Dataset, config: ModelConfig) -> None:
    epoch = batches(dataset, config, SETTINGS, 0)
    assert [len(batch.image) for batch in epoch] == [4, 4, 2]
    assert steps_in_epoch(dataset, SETTINGS) == 3
    order = epoch_order(dataset, SETTINGS.seed, 0)
    assert sorted(order) == list(range(10))
    np.testing.assert_array_equal(np.concatenate([batch_indices(dataset, SETTINGS, 0, i) for i in range(3)]), order)
    whole = Batch(*(np.concatenate(parts) for parts in zip(*epoch, strict=True)))
    assert [field.dtype for field in whole] == [np.uint8, np.float32, np.int8, np.int32, np.float32]
    for position, index in enumerate(order):
        sample = load_sample(dataset, int(index), config)
        np.testing.assert_array_equal(whole.image[position], sample.image)
        np.testing.assert_array_equal(whole.landmarks[position], sample.landmarks)
        np.testing.assert_array_equal(whole.visibility[position], sample.visibility)
        np.testing.assert_array_equal(whole.draws[position], draw(SETTINGS.seed, 0, position))
        category = tuple(dataset.schema.categories)[whole.category[position]]
        assert category == dataset.records[index].category


def test_the_same_arguments_give_the_same_batches(dataset: Dataset, config: ModelConfig) -> None:
    first = batches(dataset, config, SETTINGS, 1)
    assert_same(first, batches(dataset, config, SETTINGS, 1))
    for other in (batches(dataset, config, SETTINGS, 2), batches(dataset, config, replace_settings(seed=4), 1)):
        assert not np.array_equal(first[0].image, other[0].image)


def test_an_epoch_begun_in_the_middle_is_its_tail(dataset: Dataset, config: ModelConfig) -> None:
    whole = batches(dataset, config, SETTINGS, 1)
    for step in (1, 2, 3):
        assert_same(whole[step:], batches(dataset, config, SETTINGS, 1, step))


def test_a_record_is_augmented_differently_each_epoch(dataset: Dataset, config: ModelConfig) -> None:
    only = dataset.subset([0])
    (first,), (second,) = (batches(only, config, SETTINGS, epoch) for epoch in (0, 1))
    np.testing.assert_array_equal(first.image, second.image)
    assert not np.array_equal(first.draws, second.draws)


@pytest.mark.parametrize(("devices", "local"), [(2, 1), (3, 1), (4, 2)])
def test_workers_read_their_devices_shares_and_nothing_else(
    dataset: Dataset, config: ModelConfig, devices: int, local: int
) -> None:
    whole = batches(dataset, config, SETTINGS, 0)
    workers = [batches(dataset, config, SETTINGS, 0, 0, Place(devices, n, local)) for n in range(0, devices, local)]
    # Ten records in batches of four: the last two are left out where there are more devices than that.
    steps = 3 if devices == 2 else 2
    assert [len(parts) for parts in workers] == [steps] * len(workers)
    assert steps_in_epoch(dataset, SETTINGS, Place(devices, 0, local)) == steps
    joined = [
        Batch(*(np.concatenate(parts) for parts in zip(*step, strict=True))) for step in zip(*workers, strict=True)
    ]
    assert_same(joined, whole[:steps])
    assert [len(batch.image) for batch in workers[0]] == [sum(shares(n, devices)[:local]) for n in (4, 4, 2)][:steps]


@pytest.mark.parametrize(("limit", "again"), [(0, 10), (3 * 64 * 64 * 3, 7), (10**9, 0)])
def test_pictures_kept_in_memory_are_those_read_anew(
    dataset: Dataset, config: ModelConfig, monkeypatch: pytest.MonkeyPatch, limit: int, again: int
) -> None:
    read: list[int] = []

    def counted(data: Dataset, index: int, config: ModelConfig) -> Any:
        read.append(index)
        return load_sample(data, index, config)

    kept = SampleStore(limit)
    plain = [batches(dataset, config, SETTINGS, epoch) for epoch in (0, 1)]
    monkeypatch.setattr(pipeline, "load_sample", counted)
    for epoch in (0, 1):
        assert_same(batches(dataset, config, SETTINGS, epoch, 0, ALONE, kept), plain[epoch])
    assert len(read) == 10 + again


def test_pictures_are_dealt_evenly() -> None:
    assert (shares(5, 2), shares(4, 4), shares(7, 3)) == ([3, 2], [1, 1, 1, 1], [3, 2, 2])
    assert [share_of(7, 3, first, 1) for first in range(3)] == [(0, 3), (3, 2), (5, 2)]
    assert share_of(7, 4, 2, 2) == (4, 3)


def test_a_sample_is_what_the_runtime_sees(dataset: Dataset, config: ModelConfig) -> None:
    box = (5.0, 10.5, 47.0, 60.0)
    cropped = replace(dataset, records=(replace(dataset.records[2], box=box), *dataset.records[:2]))
    sample = load_sample(cropped, 0, config)
    picture = read_image(cropped.records[0])
    placement = Letterbox.fit((64, 64), (64, 64), box)
    assert sample.placement == placement
    assert sample.picture_size == (64, 64)
    np.testing.assert_array_equal(sample.image, letterbox(picture, placement, (64, 64)))
    landmarks = cropped.records[0].landmarks
    np.testing.assert_array_equal(sample.landmarks, placement.to_input(landmarks))
    np.testing.assert_allclose(placement.to_picture(sample.landmarks), landmarks, atol=1e-3)


def test_a_landmark_outside_the_crop_is_not_labelled(dataset: Dataset, config: ModelConfig) -> None:
    record = dataset.records[0]
    labelled = record.visibility >= 0
    x = record.landmarks[labelled, 0]
    middle = float(np.sort(x)[len(x) // 2])
    left_half = replace(dataset, records=(replace(record, box=(0.0, 0.0, middle, 64.0)),))
    sample = load_sample(left_half, 0, config)
    inside = labelled & (record.landmarks[:, 0] <= middle - 0.5)
    # A letterboxed crop leaves a black margin, and what lies just beyond the crop may fall into it.
    margin = (sample.landmarks >= -0.5).all(axis=-1) & (sample.landmarks <= 63.5).all(axis=-1)
    assert (sample.visibility[inside] == record.visibility[inside]).all()
    assert (sample.visibility[~margin] == -1).all()
    far = replace(dataset, records=(replace(record, box=(0.0, 0.0, 8.0, 8.0)),))
    assert (load_sample(far, 0, config).visibility[record.landmarks.min(axis=1) > 20] == -1).all()


def photographs(dataset: Dataset, folder: Path) -> Dataset:
    records = []
    for index, record in enumerate(dataset.records):
        path = folder / f"{index}.png"
        Image.fromarray(read_image(record)).save(path)
        records.append(Record(path, record.category, record.landmarks, record.visibility, str(index)))
    return replace(dataset, records=tuple(records))


@pytest.mark.parametrize("damage", ["cut short", "missing"])
def test_a_bad_picture_is_named_by_the_readers_own_error(
    dataset: Dataset, config: ModelConfig, tmp_path: Path, damage: str
) -> None:
    data = photographs(dataset.subset(range(6)), tmp_path)
    assert_same(
        batches(data, config, SETTINGS, 0), batches(dataset.subset(range(6)), config, SETTINGS, 0)
    )  # files and drawings give the same
    bad = int(epoch_order(data, SETTINGS.seed, 0)[5])
    path = tmp_path / f"{bad}.png"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:200])
    reading = training_batches(data, config, SETTINGS, 0)
    with pytest.raises(ImageError, match=rf"{bad}\.png"):
        list(reading)
    # Batches before the bad one are not held up by it.
    assert len(list(islice(training_batches(data, config, SETTINGS, 0), 1))) == 1


@pytest.mark.parametrize("seed", [12_345, 2**31 - 1])
def test_any_seed_can_be_used(dataset: Dataset, config: ModelConfig, seed: int) -> None:
    assert len(batches(dataset.subset([0]), config, replace_settings(seed=seed), 0)) == 1
