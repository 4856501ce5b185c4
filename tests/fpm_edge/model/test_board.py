"""The pictures of TensorBoard show each stage's maps where they are, and nothing of other categories."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.data import load_dataset
from fpm_edge.model.store import load_model
from fpm_edge.train.board import BoardSample, HeatmapBoard, board_samples, heatmap_grid
from fpm_edge.train.log import TrainingLog
from fpm_edge_runtime import DataError, SchemaError, load_schema

SCHEMA = load_schema("fashionai24")
WAISTBAND_LEFT, NECKLINE_LEFT = 15, 0
GAP, CELL = 12, 192


def cell(grid: NDArray[np.uint8], column: int) -> NDArray[np.int64]:
    """The picture in one column, without its title."""
    left = GAP + column * (CELL + GAP)
    return grid[GAP : GAP + CELL, left : left + CELL].astype(np.int64)


def maps_with(landmark: int, row: int, column: int, *, height: float = 1.0) -> NDArray[np.float32]:
    maps = np.zeros((12, 12, 25), np.float32)
    maps[row, column, landmark] = height
    return maps


def brightest(picture: NDArray[np.int64]) -> tuple[int, int]:
    """Row and column of the centre of what is bright, pixels."""
    total = picture.sum(axis=2)
    rows, columns = np.nonzero(total >= 0.97 * total.max())
    return round(float(rows.mean())), round(float(columns.mean()))


GREY = np.full((96, 96, 3), 90, np.uint8)


def test_a_peak_is_drawn_where_it_is_in_every_stage() -> None:
    predicted = [maps_with(WAISTBAND_LEFT, 2, 9), maps_with(WAISTBAND_LEFT, 6, 3)]
    grid = heatmap_grid(GREY, predicted, maps_with(WAISTBAND_LEFT, 10, 1), SCHEMA, "skirt")
    assert grid.dtype == np.uint8
    assert grid.shape[1:] == (GAP + 4 * (CELL + GAP), 3)
    assert (cell(grid, 0) == 90).all()
    # Cell i of a map covers pixels around (i + 0.5) · 16 of the drawn picture.
    for column, (row, across) in enumerate([(2, 9), (6, 3), (10, 1)], start=1):
        found = brightest(cell(grid, column))
        assert found == pytest.approx(((row + 0.5) * 16 - 0.5, (across + 0.5) * 16 - 0.5), abs=1.5)


def test_brighter_means_higher() -> None:
    steps = [maps_with(WAISTBAND_LEFT, 5, 5, height=h) for h in (0.0, 0.25, 0.5, 0.75, 1.0)]
    grid = heatmap_grid(np.zeros((96, 96, 3), np.uint8), steps[:-1], steps[-1], SCHEMA, "skirt")
    light = [int(cell(grid, column)[88, 88].sum()) for column in range(1, 6)]
    assert light == sorted(light)
    assert min(np.diff(light)) > 40


def test_other_categories_and_the_background_are_left_out() -> None:
    maps = maps_with(WAISTBAND_LEFT, 2, 9)
    noisy = maps.copy()
    noisy[:, :, NECKLINE_LEFT] = 1.0
    noisy[:, :, 24] = 1.0
    quiet, loud = (heatmap_grid(GREY, [m], maps, SCHEMA, "skirt") for m in (maps, noisy))
    np.testing.assert_array_equal(quiet, loud)
    # A dress has a neckline.
    assert (cell(heatmap_grid(GREY, [noisy], maps, SCHEMA, "dress"), 1) != cell(loud, 1)).any()
    np.testing.assert_array_equal(quiet, heatmap_grid(GREY, [maps[:, :, :24]], maps, SCHEMA, "skirt"))


def test_maps_beyond_the_range_and_not_finite_are_drawn() -> None:
    wild = maps_with(WAISTBAND_LEFT, 2, 9, height=7.0)
    wild[0, 0, WAISTBAND_LEFT] = np.nan
    wild[5, 5, WAISTBAND_LEFT] = -3.0
    tame = maps_with(WAISTBAND_LEFT, 2, 9)
    np.testing.assert_array_equal(
        heatmap_grid(GREY, [wild], tame, SCHEMA, "skirt"), heatmap_grid(GREY, [tame], tame, SCHEMA, "skirt")
    )


def test_titles_are_written() -> None:
    maps = maps_with(WAISTBAND_LEFT, 2, 9)
    grid = heatmap_grid(GREY, [maps, maps], maps, SCHEMA, "skirt").astype(np.int64)
    below = grid[GAP + CELL :]
    titles = [below[:, GAP + i * (CELL + GAP) :][:, :CELL] for i in range(4)]
    assert all((title.sum(axis=2) < 200).any() for title in titles)
    assert len({title.tobytes() for title in titles}) == 4


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="25"):
        heatmap_grid(GREY, [np.zeros((12, 12, 9), np.float32)], maps_with(0, 0, 0), SCHEMA, "skirt")
    with pytest.raises(SchemaError, match="hat"):
        heatmap_grid(GREY, [], maps_with(0, 0, 0), SCHEMA, "hat")


def pictures(folder: Path) -> dict[tuple[str, int], NDArray[np.uint8]]:
    """(tag, step) → picture, from TensorBoard's own files."""
    found: dict[tuple[str, int], Any] = {}
    for file in sorted(folder.glob("events.*")):
        for raw in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(raw.numpy())
            for value in event.summary.value:
                image = tf.make_ndarray(value.tensor)[2]
                found[value.tag, event.step] = np.asarray(Image.open(io.BytesIO(image)))
    return found


def test_pictures_are_in_tensorboards_files(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    with TrainingLog(tmp_path, chief=True) as log:
        log.picture("heatmaps", picture, 7)
    with TrainingLog(tmp_path, chief=False) as log:
        log.picture("heatmaps", picture, 8)
    found = pictures(tmp_path / "tensorboard")
    assert list(found) == [("heatmaps", 7)]
    np.testing.assert_array_equal(found["heatmaps", 7], picture)


def test_the_board_shows_the_network_as_it_is(tiny_model: Path) -> None:
    config, model = load_model(tiny_model)
    dataset = load_dataset("rendered:12@5/64")
    samples = board_samples(dataset, config, 3)
    assert len({sample.category for sample in samples}) == 3
    board = HeatmapBoard(config, samples, sigma=1.25)
    first, again = board.picture(model), board.picture(model)
    head = model.get_layer("stage_3_head")
    head.set_weights([0.0 * weight for weight in head.get_weights()])
    silent = board.picture(model)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (3 * (first.shape[0] // 3), GAP + 5 * (CELL + GAP), 3)
    assert (cell(first, 3) != cell(silent, 3)).any()
    for column in (0, 1, 2, 4):
        np.testing.assert_array_equal(cell(first, column), cell(silent, column))
    # The truth peaks at a labelled landmark of the sample.
    sample = samples[0]
    labelled = (sample.landmarks[sample.visibility >= 0] + 0.5) * (CELL / 64)
    row, column = np.unravel_index(cell(first, 4).sum(axis=2).argmax(), (CELL, CELL))
    assert np.linalg.norm(labelled - (column, row), axis=1).min() < CELL / 16


def test_a_board_of_nothing() -> None:
    config: Any = None
    with pytest.raises(DataError, match="no samples"):
        HeatmapBoard(config, (), sigma=1.0)


def test_samples_take_the_categories_in_turn(tiny_model: Path) -> None:
    config, _ = load_model(tiny_model)
    dataset = load_dataset("rendered:12@5/64")
    samples = board_samples(dataset, config, 12)
    assert len(samples) == 12
    kinds = len({record.category for record in dataset.records})
    assert len({sample.category for sample in samples[:kinds]}) == kinds
    assert isinstance(samples[0], BoardSample)
    assert samples[0].image.shape == (64, 64, 3)
