"""The network inputs that calibrate: read in order, kept as far as memory allows, and read again beyond that."""

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.text.progress import progress_bar
from fpm_edge.train.pipeline import Sample, SampleStore

__all__ = ["NetworkInputs", "network_inputs"]

# 2,400 pictures of 192 × 192; the rest of a conversion takes more.
_KEEP_BYTES = 256 * 2**20


class NetworkInputs(Sequence[NDArray[np.uint8]]):
    """(height, width, 3) uint8 network inputs of some records of a data set.

    Args:
        limit: bytes to keep at most. Memory does not grow beyond it with the number of pictures.
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int], config: ModelConfig, limit: int = _KEEP_BYTES) -> None:
        self._dataset, self._indices, self._config = dataset, list(indices), config
        self._store = SampleStore(limit)

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.uint8]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint8] | list[NDArray[np.uint8]]:
        """Raises DataError or ImageError where a picture cannot be read."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.sample(index).image

    def sample(self, index: int) -> Sample:
        """The input with what belongs to it. Raises as indexing does."""
        return self._store.sample(self._dataset, self._indices[index], self._config)


def network_inputs(dataset: Dataset, indices: Sequence[int], config: ModelConfig) -> NetworkInputs:
    """`NetworkInputs` whose pictures have all been read once, with progress. Raises DataError or ImageError."""
    inputs = NetworkInputs(dataset, indices, config)
    with progress_bar("reading calibration pictures", len(indices)) as advance:
        for _ in inputs:
            advance()
    return inputs
