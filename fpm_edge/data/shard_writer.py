"""Writing a data set as TFRecord shards that any TensorFlow tool can read. Imports TensorFlow: import it lazily."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.nothing import NOTHING
from fpm_edge.data.record import Record
from fpm_edge.data.shard_index import INDEX_FILE, Entry, ShardFile, ShardIndex, encode_index
from fpm_edge.data.shard_pictures import EncodedRecord, PictureOptions, encode_record
from fpm_edge.files.written import check_written, count_records
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.files import sync_folder, write_atomically

__all__ = ["ShardsWritten", "write_shards"]

# A TFRecord is its length (8 bytes), a checksum of that (4), the payload, and a checksum of the payload (4).
_BEFORE, _AFTER = 12, 4


@dataclass(frozen=True)
class ShardsWritten:
    """What was written: files, the records in them, and bytes without the indexes."""

    shards: int
    records: int
    bytes: int


@dataclass
class _Shard:
    """One file and what is in it.

    Attributes:
        part: where it is written.
        size: bytes so far.
        entries: of its records; their `shard` is set when all shards are known.
    """

    part: Path
    size: int = 0
    entries: list[Entry] = field(default_factory=list)


def write_shards(
    dataset: Dataset,
    outputs: Sequence[Path],
    *,
    shards: int | None = None,
    shard_bytes: int = 256_000_000,
    pictures: PictureOptions | None = None,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> ShardsWritten:
    """Write `dataset` into shards, and these round over the folders `outputs`, each with its own index.

    Records are dealt to the shards in a random order, so that each is a fair sample. Nothing that was begun stays
    behind when this fails; should the process be killed, the folders are without index, and no reader takes them.

    Args:
        dataset: any.
        outputs: folders that are empty or do not exist.
        shards: how many files; None for as many as `shard_bytes` allows.
        shard_bytes: a file is not longer than this, unless a single picture is.
        pictures: see `PictureOptions`; None for its defaults.
        seed: of the order.
        advance: called after each record.

    Raises:
        UsageError: a folder is not empty or named twice, there would be shards or folders without a record, or a
            picture shows no garment.
        DataError: a picture cannot be read, or the disk refused.
    """
    _check(dataset, outputs, shards)
    new = [output for output in outputs if not output.exists()]
    try:
        for output in outputs:
            output.mkdir(parents=True, exist_ok=True)
        writer = _Writer(dataset, outputs, pictures or PictureOptions())
        order = np.random.default_rng(seed).permutation(len(dataset))
        for numbers in [order] if shards is None else np.array_split(order, shards):
            writer.write(numbers.tolist(), shard_bytes if shards is None else None, advance)
        return writer.finish()
    except BaseException:
        for output in outputs:
            _remove_begun(output)
        for output in new:
            if output.is_dir():
                output.rmdir()
        raise


class _Writer:
    """Shards under temporary names until all are written, for only then is their number known."""

    def __init__(self, dataset: Dataset, outputs: Sequence[Path], pictures: PictureOptions) -> None:
        self._dataset, self._outputs, self._pictures = dataset, outputs, pictures
        self._stem = re.sub(r"[^A-Za-z0-9._]+", "-", dataset.name).strip("-.") or "data"
        self._shards: list[_Shard] = []
        photographs = sorted({record.photograph for record in dataset.records})
        self._photographs = {name: number for number, name in enumerate(photographs)}

    def write(self, numbers: Sequence[int], limit: int | None, advance: Callable[[], None]) -> None:
        """Write these records into one shard, or into several of at most `limit` bytes."""
        payloads = self._payloads(numbers)
        waiting = next(payloads, None)
        while waiting is not None:
            number = len(self._shards)
            shard = _Shard(self._outputs[number % len(self._outputs)] / f".{self._stem}-{number:05d}.part")
            self._shards.append(shard)
            try:
                with tf.io.TFRecordWriter(os.fsencode(shard.part)) as file:
                    while waiting is not None and (limit is None or not shard.size or _end(shard, waiting) <= limit):
                        self._append(file, shard, waiting)
                        advance()
                        waiting = next(payloads, None)
            except tf.errors.OpError as error:
                raise DataError(f"{shard.part}: cannot be written: {error.message}") from error
            check_written(shard.part, shard.part, len(shard.entries), "records", count_records)
            if shard.part.stat().st_size != shard.size:
                raise DataError(f"{shard.part}: {shard.part.stat().st_size} bytes on disk, expected {shard.size}")

    def finish(self) -> ShardsWritten:
        """Give the shards their names, and then write the indexes."""
        shards, count = self._shards, len(self._shards)
        files = []
        for number, shard in enumerate(shards):
            name = f"{self._stem}-{number:05d}-of-{count:05d}.tfrecord"
            shard.part.rename(shard.part.with_name(name))
            files.append(ShardFile(name, shard.size))
        for output in self._outputs:
            sync_folder(output)
        total = hashlib.sha256(f"{self._dataset.digest} {len(self._outputs)}".encode())
        for number, shard in enumerate(shards):
            for entry in shard.entries:
                total.update(f" {number} {entry.number} {entry.offset} {entry.length} {entry.crc32}".encode())
        step = len(self._outputs)
        for folder, output in enumerate(self._outputs):
            here = range(folder, count, step)
            index = ShardIndex(
                set_id=total.hexdigest(),
                folder=folder,
                folders=step,
                name=self._dataset.name,
                schema=self._dataset.schema,
                notes=self._dataset.notes,
                total=len(self._dataset),
                shards=tuple(files[number] for number in here),
                entries=tuple(entry for number in here for entry in shards[number].entries),
            )
            write_atomically(output / INDEX_FILE, encode_index(index))
        return ShardsWritten(count, len(self._dataset), sum(shard.size for shard in shards))

    def _payloads(self, numbers: Sequence[int]) -> Iterator[tuple[int, EncodedRecord, bytes]]:
        for number in numbers:
            record = self._dataset.records[number]
            encoded = encode_record(record, self._pictures)
            yield number, encoded, _example(record, encoded)

    def _append(self, file: tf.io.TFRecordWriter, shard: _Shard, item: tuple[int, EncodedRecord, bytes]) -> None:
        number, encoded, payload = item
        record = self._dataset.records[number]
        file.write(payload)
        shard.entries.append(
            Entry(
                number=number,
                photograph=self._photographs[record.photograph],
                identifier=record.identifier,
                category=record.category,
                box=encoded.box,
                landmarks=encoded.landmarks.astype("<f4").tobytes(),
                visibility=record.visibility.tobytes(),
                shard=(len(self._shards) - 1) // len(self._outputs),
                # Wherever the picture's bytes occur first in the payload, they are the picture's bytes.
                offset=shard.size + _BEFORE + payload.index(encoded.data),
                length=len(encoded.data),
                crc32=zlib.crc32(encoded.data),
            )
        )
        shard.size = _end(shard, item)


def _example(record: Record, encoded: EncodedRecord) -> bytes:
    """A serialized tf.train.Example; ``box`` is there only where the record has one."""

    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def floats(values: Sequence[float]) -> tf.train.Feature:
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    features = {
        "image/encoded": text(encoded.data),
        "image/format": text(encoded.form.encode()),
        "id": text(record.identifier.encode()),
        "category": text(record.category.encode()),
        "landmarks": floats(encoded.landmarks.ravel().tolist()),
        "visibility": tf.train.Feature(int64_list=tf.train.Int64List(value=record.visibility.tolist())),
    }
    if encoded.box is not None:
        features["box"] = floats(encoded.box)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _end(shard: _Shard, item: tuple[int, EncodedRecord, bytes]) -> int:
    """Size of the shard once the item is in it."""
    return shard.size + _BEFORE + len(item[2]) + _AFTER


def _check(dataset: Dataset, outputs: Sequence[Path], shards: int | None) -> None:
    if any(record.category == NOTHING for record in dataset.records):
        raise UsageError(f"{dataset.name} has pictures without a garment, which shards do not hold; name the folder")
    if not outputs or len({output.resolve() for output in outputs}) < len(outputs):
        raise UsageError("the folders for the shards must be one or more, and each another one")
    for output in outputs:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise UsageError(f"{output} is not an empty folder; name a new one, or remove what is in it")
    if shards is not None and not len(outputs) <= shards <= len(dataset):
        raise UsageError(
            f"{shards} shards of {len(dataset)} records in {len(outputs)} folders; expected at least one shard a "
            "folder, and one record a shard"
        )


def _remove_begun(folder: Path) -> None:
    """Remove what was begun. The index goes first, lest it outlive its shards."""
    for pattern in (INDEX_FILE, ".*.part", "*.tfrecord"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
