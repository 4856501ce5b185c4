"""Garments drawn on demand: ``rendered:COUNT@SEED/SIZE``. Always there, needs no files."""

from __future__ import annotations

import math
import multiprocessing
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.record import Record, RenderKey
from fpm_edge.data.render_cache import Truths, cache_file, load_truths, save_truths
from fpm_edge.data.rows import ReadOptions
from fpm_edge.data.workers import worker_count
from fpm_edge.interrupts import interrupts_kept_from_children
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["RenderedReader"]

_SPEC = re.compile(r"([0-9]{1,8})(?:@([0-9]{1,9})(?:/([0-9]{1,4}))?)?")
_DEFAULT_SIZE = 256
_SIZES = range(32, 4097)
# Below this many garments to draw, starting processes costs more than they save.
_POOL_FROM = 2000
# Garments are saved whenever this many more have been drawn, so that an interrupted run is not lost.
_SAVE_EVERY = 5000
_CHUNK = 50  # garments that a process draws in one go
_NOT_KEPT = "landmarks are not kept, so that they will be drawn again"

_Truth = tuple[str, NDArray[np.float32], NDArray[np.int8]]


class RenderedReader:
    """Draws COUNT garments once to learn their landmarks, and remembers these; `read_image` draws the pictures again.

    Garment i is the same in every count, so a longer data set begins with the shorter one, and only what is new is
    drawn.
    """

    kind = "rendered"
    form = "rendered:COUNT or rendered:COUNT@SEED or rendered:COUNT@SEED/SIZE"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; seed 0 and size 256 unless given.

        Raises:
            UsageError: the location is malformed, or the schema is not fashionai24.
        """
        match = _SPEC.fullmatch(location)
        count, seed, size = (int(v or 0) for v in match.groups()) if match else (0, 0, 0)
        size = size if match and match.group(3) else _DEFAULT_SIZE
        if count < 1 or size not in _SIZES:
            raise UsageError(
                f"rendered:{location} cannot be drawn; expected {self.form}, with COUNT from 1 and SIZE from "
                f"{_SIZES.start} to {_SIZES.stop - 1} pixels, such as rendered:2000@7/256"
            )
        shipped = load_schema("fashionai24")
        schema = schema or shipped
        if schema.landmarks != shipped.landmarks or schema.categories != shipped.categories:
            raise UsageError(f"schema {schema.name!r} cannot be used with rendered garments; expected fashionai24")
        names = tuple(schema.categories)
        truths, notes = _truths(count, seed, size, schema, options.progress)
        truths.landmarks.setflags(write=False)
        truths.visibility.setflags(write=False)
        records = tuple(
            Record(
                RenderKey(seed, index, size),
                names[truths.categories[index]],
                truths.landmarks[index],
                truths.visibility[index],
                f"rendered/{seed}/{size}/{index}",
            )
            for index in range(count)
        )
        return Dataset(records, schema, f"rendered-{count}-{seed}-{size}", notes=notes)


def _truths(
    count: int, seed: int, size: int, schema: LandmarkSchema, progress: Callable[[int, int], None] | None
) -> tuple[Truths, tuple[str, ...]]:
    """Ground truth of garments 0..count−1, from the cache as far as it goes; and notes."""
    path = cache_file(seed, size)
    names = list(schema.categories)
    known = Truths.none(len(schema.landmarks)) if path is None else load_truths(path, len(schema.landmarks), len(names))
    if len(known) >= count:
        return known.first(count), ()
    notes: tuple[str, ...] = (f"{_NOT_KEPT}: there is no home folder; set XDG_CACHE_HOME",) if path is None else ()
    drawn = _draw_all(range(len(known), count), seed, size)
    while batch := list(islice(_reporting(drawn, len(known), count, progress), _SAVE_EVERY)):
        categories = np.array([names.index(category) for category, _, _ in batch], np.int8)
        known = known.then(
            Truths(np.stack([points for _, points, _ in batch]), np.stack([v for _, _, v in batch]), categories)
        )
        if path is None:
            continue
        try:
            save_truths(path, known)
        except OSError as error:
            notes = (f"{_NOT_KEPT}: {error}",)
    return known, notes


def _reporting(
    drawn: Iterable[_Truth], done: int, total: int, progress: Callable[[int, int], None] | None
) -> Iterator[_Truth]:
    for truth in drawn:
        done += 1
        if progress is not None:
            progress(done, total)
        yield truth


def _draw_all(indices: range, seed: int, size: int) -> Iterator[_Truth]:
    draw = partial(_draw, seed, size)
    if len(indices) < _POOL_FROM:
        yield from map(draw, indices)
        return
    # Spawned, not forked: the caller may have threads, of TensorFlow for one, that a fork would leave in a bad state.
    context = multiprocessing.get_context("spawn")
    try:
        workers = worker_count(math.ceil(len(indices) / _CHUNK))
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            with interrupts_kept_from_children():
                drawn = pool.map(draw, indices, chunksize=_CHUNK)
            yield from drawn
    except BrokenProcessPool as error:
        raise DataError(
            f"a process that drew garments ended early ({error}); expected the calling script to do its work under "
            'if __name__ == "__main__":, or draw fewer than '
            f"{_POOL_FROM} at a time"
        ) from error


def _draw(seed: int, size: int, index: int) -> _Truth:
    from fpm_edge.render import render_garment

    garment = render_garment(seed, index, size=size)
    return garment.category, garment.landmarks, garment.visibility
