"""Pictures of the heatmaps for TensorBoard: what every stage sees, beside what it should see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.data import Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge.pictures.overlay import contact_sheet
from fpm_edge.train.pipeline import load_sample
from fpm_edge.train.targets import ideal_heatmaps
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["BoardSample", "HeatmapBoard", "board_samples", "heatmap_grid"]

# Side of one picture of the grid, pixels.
_CELL = 192
# Colour map "inferno" of matplotlib (van der Walt and Smith, CC0) at nine equal steps; lightness rises evenly.
_INFERNO = np.array(
    [
        [0, 0, 4],
        [31, 12, 72],
        [85, 15, 109],
        [136, 34, 106],
        [186, 54, 85],
        [227, 89, 51],
        [249, 140, 10],
        [249, 201, 50],
        [252, 255, 164],
    ],
    np.float32,
)
# How much of the picture stays visible: under an empty map, and under a full peak.
_PICTURE_SHARE = (0.55, 0.1)


@dataclass(frozen=True, eq=False)
class BoardSample:
    """A picture to look at after every epoch.

    Attributes:
        image: (height, width, 3) uint8, the network's input.
        landmarks: (L, 2) float32, pixels of the input.
        visibility: (L,) int8 in {-1, 0, 1}.
        category: of the schema.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    category: str


def board_samples(dataset: Dataset, config: NetworkConfig, count: int = 4) -> tuple[BoardSample, ...]:
    """The first `count` records, taken from the categories in turn. Always the same ones for the same data."""
    turns: dict[str, int] = {}
    order = []
    for index, record in enumerate(dataset.records):
        turns[record.category] = turns.get(record.category, -1) + 1
        order.append((turns[record.category], index))
    chosen = [index for _, index in sorted(order)[:count]]
    samples = [load_sample(dataset, index, config) for index in chosen]
    return tuple(
        BoardSample(sample.image, sample.landmarks, sample.visibility, dataset.records[index].category)
        for index, sample in zip(chosen, samples, strict=True)
    )


def heatmap_grid(
    image: NDArray[np.uint8],
    predicted: Sequence[NDArray[np.floating[Any]]],
    ideal: NDArray[np.floating[Any]],
    schema: LandmarkSchema,
    category: str,
) -> NDArray[np.uint8]:
    """One row of pictures: the input, then the maps of every stage and the ideal ones over it.

    Of the maps of the category's own landmarks the largest value at each place is shown, from 0 (dark) to 1 (bright);
    the other categories' landmarks and the background are left out.

    Args:
        image: (height, width, 3) uint8, the network's input.
        predicted: T arrays (h, w, L + 1), or (h, w, L) where the network has no background map.
        ideal: (h, w, L + 1) or (h, w, L).
        schema: the L landmarks.
        category: of the garment.

    Returns:
        (rows, columns, 3) uint8.

    Raises:
        DataError: an array does not have a map for each landmark.
        SchemaError: the schema has no such category.
    """
    titles = [category, *(f"stage {stage}" for stage in range(1, len(predicted) + 1)), "truth"]
    chosen, count = list(schema.landmarks_of(category)), len(schema.landmarks)
    cells = [Image.fromarray(image)]
    for maps in (*predicted, ideal):
        if maps.ndim != 3 or maps.shape[2] - count not in (0, 1):
            raise DataError(
                f"heatmaps have shape {maps.shape}; expected (height, width, {count + 1}) for schema {schema.name!r}"
            )
        cells.append(_overlay(image, maps[:, :, chosen].max(axis=2)))
    return np.asarray(contact_sheet(cells, len(cells), titles=titles, cell=_CELL), np.uint8)


class HeatmapBoard:
    """Draws the same few samples whenever it is asked, with the maps that the network has by then.

    Args:
        config: of a network that answers with heatmaps.
        samples: from `board_samples`, or your own.
        sigma: of the ideal peaks, cells.

    Raises:
        DataError: no samples.
    """

    def __init__(
        self,
        config: ModelConfig | OneShotConfig,
        samples: Sequence[BoardSample],
        *,
        sigma: float,
    ) -> None:
        if not samples:
            raise DataError("no samples to draw heatmaps of; expected at least one")
        self._config = config
        self._samples = tuple(samples)
        self._images = np.stack([sample.image for sample in samples]).astype(np.float32) / 255.0
        visibility = np.stack([sample.visibility for sample in samples])
        self._ideal = ideal_heatmaps(
            tf.constant(np.stack([sample.landmarks for sample in samples])),
            tf.constant(visibility >= 0),
            map_size=config.map_size,
            stride=config.stride,
            sigma=sigma,
        ).numpy()

    def picture(self, model: Callable[..., Any]) -> NDArray[np.uint8]:
        """Run `model`, whose outputs are the maps of every stage: (rows, columns, 3) uint8, one row a sample."""
        outputs = model(self._images, training=False)
        stages = [tf.cast(maps, tf.float32).numpy() for maps in (outputs if isinstance(outputs, list) else [outputs])]
        grids = [
            heatmap_grid(
                sample.image,
                [maps[row] for maps in stages],
                self._ideal[row],
                self._config.schema,
                sample.category,
            )
            for row, sample in enumerate(self._samples)
        ]
        return np.concatenate(grids, axis=0)


def _overlay(image: NDArray[np.uint8], values: NDArray[np.floating[Any]]) -> Image.Image:
    """`values` (h, w) in [0, 1], stretched over the grey picture by the half-pixel rule."""
    height, width = image.shape[:2]
    # A network that diverges is drawn as what it is, black; it must not stop the drawing.
    finite = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)
    heat = np.asarray(Image.fromarray(finite).resize((width, height), Image.Resampling.BILINEAR))[:, :, np.newaxis]
    position = heat[:, :, 0] * (len(_INFERNO) - 1)
    below = np.minimum(position.astype(np.intp), len(_INFERNO) - 2)
    part = (position - below)[:, :, np.newaxis]
    colour = _INFERNO[below] * (1.0 - part) + _INFERNO[below + 1] * part
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)[:, :, np.newaxis]
    share = _PICTURE_SHARE[0] + (_PICTURE_SHARE[1] - _PICTURE_SHARE[0]) * heat
    return Image.fromarray((grey * share + colour * (1.0 - share)).round().astype(np.uint8))
