"""Peaks whose largest code lies in several places: all maps at once, or one after the other, is the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.decode import read_heatmaps
from fpm_edge_runtime.pixels.decode_maps import decode_batch
from fpm_edge_runtime.pixels.ties import chains_of

CODES = {"scale": 1 / 255, "zero_point": -128}


def faint(seed: int, maps: int, height: int = 13, width: int = 17) -> NDArray[np.int8]:
    """(maps, height, width) of few codes, so that each has its largest in many places."""
    return np.random.default_rng(seed).integers(-128, -125, (maps, height, width)).astype(np.int8)


def chain_by_the_book(one: NDArray[np.int8]) -> NDArray[np.bool_]:
    """From the tied cell with the largest sum over 5 × 5 cells above the floor, all that is at most two cells on."""
    above = np.pad(one.astype(np.int64) - one.min(), 2)
    weights = np.lib.stride_tricks.sliding_window_view(above, (5, 5)).sum(axis=(2, 3))
    tied = one == one.max()
    member = np.zeros_like(tied)
    waiting = [np.unravel_index(np.where(tied, weights, -1).argmax(), one.shape)]
    while waiting:
        y, x = waiting.pop()
        member[y, x] = True
        near = np.zeros_like(tied)
        near[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = True
        waiting += zip(*np.nonzero(near & tied & ~member), strict=True)
    return member


@pytest.mark.parametrize("seed", range(10))
def test_chains_are_those_of_each_map(seed: int) -> None:
    maps = faint(seed, 12)
    # Some sparse ones, whose chains end.
    sparse = np.random.default_rng(seed).random(maps.shape) < 0.05
    maps[1:] = np.where(sparse[1:], -120, maps[1:])
    for one, members in zip(maps, chains_of(maps), strict=True):
        assert np.array_equal(members, chain_by_the_book(one))


def test_a_chain_winds_and_ends() -> None:
    one = np.zeros((1, 12, 12), np.int8)
    for x, y in ((0, 0), (2, 0), (4, 0), (4, 2), (4, 4), (2, 4), (0, 4), (0, 11), (11, 11)):
        one[0, y, x] = 9
    # The first of the largest sums: the corner (4, 2) has three neighbours in its window, as (2, 4) has.
    members = chains_of(one)[0]
    assert members[:5, :5].sum() == 7
    assert not members[11].any()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_many_maps_are_decoded_as_each_alone(layout: str, kind: type) -> None:
    maps = faint(3, 41).astype(kind)
    maps[5], maps[17], maps[23] = -128, -90, -127
    maps[23, 4, 4] = -128
    maps[30, 6, 6] = 100
    background = np.full_like(maps[:1], 127)

    def arranged(channels: NDArray[np.int8]) -> NDArray[np.int8]:
        stacked = np.concatenate([channels, background])[np.newaxis]
        return stacked if layout == "NCHW" else np.ascontiguousarray(stacked.transpose(0, 2, 3, 1))

    cells, scores = decode_batch(arranged(maps), layout=layout, landmarks=41, **CODES)  # type: ignore[arg-type]
    reading = read_heatmaps(arranged(maps)[0], layout=layout, landmarks=41, **CODES)  # type: ignore[arg-type]
    assert np.array_equal(reading.cells, cells[0])
    assert reading.doubts == {5: "flat", 17: "flat"}
    for index in range(41):
        one, score = decode_batch(arranged(maps[index : index + 1]), layout=layout, landmarks=1, **CODES)  # type: ignore[arg-type]
        assert np.array_equal(one[0, 0], cells[0, index])
        assert score[0, 0] == scores[0, index]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_pictures_keep_their_own_silent_maps(layout: str) -> None:
    pictures = np.stack([faint(seed, 9) for seed in range(3)])
    pictures[0, 2], pictures[2, 0] = -128, -127
    arranged = pictures if layout == "NCHW" else np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    cells, scores = decode_batch(arranged, layout=layout, landmarks=8, **CODES)  # type: ignore[arg-type]
    silent = np.zeros((3, 8), bool)
    silent[0, 2] = silent[2, 0] = True
    assert (cells[silent] == (8, 6)).all()
    assert (scores[silent] == 0).all()
    for picture in range(3):
        alone, _ = decode_batch(arranged[picture : picture + 1], layout=layout, landmarks=8, **CODES)  # type: ignore[arg-type]
        assert np.array_equal(alone[0], cells[picture])
