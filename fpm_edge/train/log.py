"""TensorBoard's log of a run: losses, rate, and pictures of heatmaps."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fpm_edge.files.written import check_written, count_records
from fpm_edge_runtime.errors import DataError, ModelError

__all__ = ["TrainingLog"]

_FILES = "events.out.tfevents.*"


class TrainingLog:
    """A context that writes into the folder ``tensorboard``, or nowhere where this worker is not the chief.

    Where the log cannot be written, as on a full disk, no method raises: `failure` says why, so that all workers can
    end together. Only leaving the context raises it, where nothing else ended the run.
    """

    def __init__(self, folder: Path, chief: bool) -> None:
        self._path = folder / "tensorboard"
        self._chief = chief
        self._writer: Any = None
        self._events = 0
        self.failure: ModelError | None = None

    def __enter__(self) -> "TrainingLog":
        if self._chief:
            with self._checked():
                self._before = set(self._path.glob(_FILES))
                self._writer = tf.summary.create_file_writer(os.fsencode(self._path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            with self._checked():
                self._writer.close()
                self._check()
        # What ended the run says more than that the log's last lines are missing.
        if self.failure is not None and error is None:
            raise self.failure

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log values by name."""
        if self._writer is not None:
            with self._checked(), self._writer.as_default():
                for name, value in values.items():
                    tf.summary.scalar(name, value, step=step)
                    self._events += 1

    def picture(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        """Log a picture (rows, columns, 3), and have all on the disk."""
        if self._writer is not None:
            with self._checked(), self._writer.as_default():
                tf.summary.image(name, picture[np.newaxis], step=step)
                self._events += 1
                self._writer.flush()
                self._check()

    def _check(self) -> None:
        """On a disk that is full, TensorFlow may lose events and say nothing. Raises OSError or DataError."""
        new = sorted(set(self._path.glob(_FILES)) - self._before)
        if self._events or new:
            # The first record says which version the file has.
            check_written(new[-1] if new else self._path, self._path, self._events + 1, "records", count_records)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except (OSError, DataError, tf.errors.OpError) as error:
            self._writer = None
            self.failure = ModelError(
                f"{self._path}: the training log could not be written ({error}); the last checkpoint is kept; make "
                "room, then continue with --resume"
            )
            self.failure.__cause__ = error
