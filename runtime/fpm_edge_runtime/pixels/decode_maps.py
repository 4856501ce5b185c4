"""Landmarks and scores alone, of one picture or several: what training, conversion and tests decode by.

A session asks for doubts as well (`decode.read_heatmaps`); the computation is the same.
"""

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.decode import Heatmaps, answer_of, maps_of
from fpm_edge_runtime.pixels.peaks import Layout, find_peaks

__all__ = ["decode_batch", "decode_heatmaps"]


def decode_heatmaps(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The landmarks of one picture. The same computation as `decode_batch`, which has the details.

    Args:
        heatmaps: (height, width, landmarks + 1) for NHWC, (landmarks + 1, height, width) for NCHW; int8,
            uint8, int16 or float32.

    Returns:
        cells: (landmarks, 2) float32, x and y in heatmap cells.
        scores: (landmarks,) float32, 0 to 1.
    """
    cells, scores = decode_batch(
        heatmaps[np.newaxis], layout=layout, landmarks=landmarks, scale=scale, zero_point=zero_point
    )
    return cells[0], scores[0]


def decode_batch(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The landmarks of several pictures.

    A channel whose finite values are all equal says nothing: it gets the centre of the map and score 0. NaN and ±inf
    count as lower than every number.

    Args:
        heatmaps: (pictures, height, width, landmarks + 1) for NHWC, (pictures, landmarks + 1, height, width) for NCHW;
            int8, uint8 or int16 codes or float32 values. The last channel is background and is not read.
        layout: order of the axes.
        landmarks: L, the number of channels without the background.
        scale, zero_point: of codes, real = scale · (code − zero_point); None for float32 maps.

    Returns:
        cells: (pictures, landmarks, 2) float32, x and y in heatmap cells, from −0.5 to width − 0.5 and height − 0.5.
        scores: (pictures, landmarks) float32, the real value of the peak clipped to 0..1.

    Raises:
        DataError: the array is not of this shape or dtype.
        UsageError: scale and zero_point are missing for codes, or given for float32 maps.
    """
    maps = maps_of(heatmaps, layout, landmarks, scale, zero_point)
    cells, scores = answer_of(maps, find_peaks(maps))
    pictures = heatmaps.shape[0]
    return cells.reshape(pictures, landmarks, 2), scores.reshape(pictures, landmarks)
