"""Shards that are damaged, incomplete or of another kind are named."""

import json
from pathlib import Path

import msgspec
import pytest
from people_shards import COUNT, files, people_in, rewrite, shards_of

from fpm_edge.data import Dataset, ShardKey, load_dataset, read_image
from fpm_edge.data.shard_index import ShardIndex, encode_index, load_index
from fpm_edge.data.shard_writer import write_shards
from fpm_edge_runtime.errors import DataError, UsageError


@pytest.fixture
def people(tmp_path: Path) -> Dataset:
    return people_in(tmp_path / "people")


def test_a_missing_shard_is_named(people: Dataset, tmp_path: Path) -> None:
    again = shards_of(people, tmp_path / "s", shards=3)
    gone = files(tmp_path / "s")[1]
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone.name}: this shard is missing"):
        load_dataset(f"shards:{tmp_path / 's'}")
    lost = next(r for r in again.records if isinstance(r.image, ShardKey) and r.image.path == gone)
    with pytest.raises(DataError, match=rf"{gone.name}: record '{lost.identifier}' cannot be read: No such file"):
        read_image(lost)


def test_a_truncated_shard_is_named(people: Dataset, tmp_path: Path) -> None:
    again = shards_of(people, tmp_path / "s", shards=3)
    short = files(tmp_path / "s")[0]
    whole = short.read_bytes()
    for content, said in ((whole[:-1], "cut short"), (whole + b"\0", "too long")):
        short.write_bytes(content)
        with pytest.raises(DataError, match=f"{short.name}: {said}: {len(content)} bytes, expected {len(whole)}"):
            load_dataset(f"shards:{tmp_path / 's'}")
    short.write_bytes(b"")
    lost = next(r for r in again.records if isinstance(r.image, ShardKey) and r.image.path == short)
    with pytest.raises(DataError, match=f"{short.name}: cut short in record '{lost.identifier}'; .*shard again"):
        read_image(lost)


def test_every_altered_byte_of_a_picture_is_found(people: Dataset, tmp_path: Path) -> None:
    again = shards_of(people, tmp_path / "s", shards=3)
    record = again.records[4]
    assert isinstance(record.image, ShardKey)
    content = bytearray(record.image.path.read_bytes())
    for at in range(0, record.image.length, max(1, record.image.length // 50)):
        altered = bytearray(content)
        altered[record.image.offset + at] ^= 1 << at % 8
        record.image.path.write_bytes(altered)
        with pytest.raises(
            DataError, match=f"tfrecord: the bytes of record '{record.identifier}' are altered; .*again"
        ):
            read_image(record)


def test_every_altered_byte_of_the_index_is_found(people: Dataset, tmp_path: Path) -> None:
    write_shards(people, [tmp_path / "s"], shards=3)
    path = tmp_path / "s/index.json"
    content = path.read_bytes()
    for at in range(0, len(content) - 1, 7):
        altered = bytearray(content)
        altered[at] ^= 4
        path.write_bytes(altered)
        with pytest.raises(DataError, match=r"index\.json"):
            load_dataset(f"shards:{tmp_path / 's'}")
    for length in (0, 10, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"index\.json: not an index of shards"):
            load_dataset(f"shards:{tmp_path / 's'}")


def test_an_index_of_a_newer_version(people: Dataset, tmp_path: Path) -> None:
    write_shards(people, [tmp_path / "s"], shards=3)
    path = tmp_path / "s/index.json"
    path.write_text(json.dumps({"format": "fpm-edge shards", "version": 2, "tables": []}))
    with pytest.raises(DataError, match="version 2 is newer than 1, which this fpm-edge reads; update fpm-edge"):
        load_dataset(f"shards:{tmp_path / 's'}")
    path.write_text(json.dumps({"format": "other", "version": 1}))
    with pytest.raises(DataError, match="format 'other'; expected 'fpm-edge shards'"):
        load_dataset(f"shards:{tmp_path / 's'}")


def test_an_index_that_leads_elsewhere_is_refused(people: Dataset, tmp_path: Path) -> None:
    write_shards(people, [tmp_path / "s"], shards=3)
    index: ShardIndex = load_index(tmp_path / "s")
    first, *rest = index.entries

    def entry(**changes: object) -> dict[str, object]:
        return {"entries": (msgspec.structs.replace(first, **changes), *rest)}

    outside = msgspec.structs.replace(index.shards[0], name="../people")
    for changes, said in (
        ({"shards": (outside, *index.shards[1:])}, "no plain file name"),
        (entry(shard=3), "in shard 3, which is not listed"),
        (entry(shard=-1), "in shard -1"),
        (entry(offset=-4), "lies outside its shard"),
        (entry(length=10**9), "lies outside its shard"),
        (entry(landmarks=b"1234"), "has not 14 landmarks"),
        (entry(category="hat"), "unknown category 'hat'"),
        (entry(number=rest[0].number), "11 of 12 records are listed"),
        ({"entries": tuple(rest)}, "11 of 12 records are listed"),
    ):
        rewrite(tmp_path / "s", **changes)
        with pytest.raises(DataError, match=said):
            load_dataset(f"shards:{tmp_path / 's'}")
        (tmp_path / "s/index.json").write_bytes(encode_index(index))


def test_folders_that_are_no_shards(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no index\.json, which is written last"):
        load_dataset(f"shards:{tmp_path}")
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        load_dataset(f"shards:{tmp_path / 'nowhere'},{tmp_path}")


def test_another_schema_is_refused(people: Dataset, tmp_path: Path) -> None:
    write_shards(people, [tmp_path / "s"], shards=3)
    assert len(load_dataset(f"shards:{tmp_path / 's'}", schema="lsp14")) == COUNT
    with pytest.raises(UsageError, match="'fashionai24' cannot be used with these shards; expected 'lsp14'"):
        load_dataset(f"shards:{tmp_path / 's'}", schema="fashionai24")
