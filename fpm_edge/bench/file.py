"""The file of `fpm-edge bench --export`: read with care, as it comes from another device, and written whole."""

from pathlib import Path

import msgspec

from fpm_edge.bench.data import FORMAT, VERSION, Bench
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.files import write_atomically

__all__ = ["MOST_BYTES", "decode_bench", "encode_bench", "read_bench", "write_bench"]

MOST_BYTES = 16 * 2**20
"""Of a file that is read. One row takes about 3 kB, so this is some thousands of them."""


class _Head(msgspec.Struct):
    format: str
    version: int


def encode_bench(bench: Bench) -> bytes:
    """As JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(bench), indent=1) + b"\n"


def decode_bench(data: bytes, name: str) -> Bench:
    """Parse and validate.

    Args:
        data: content of a file.
        name: what messages call it.

    Raises:
        DataError: it is too large, not a result of `bench`, of an unknown version, or contradicts itself.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"{name} has over {MOST_BYTES // 2**20} MiB; expected the small file of `bench --export`")
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not a result of `fpm-edge bench --export`: {error}; give such a file") from error
    if head.format != FORMAT:
        raise DataError(f"{name} has format {head.format!r}; expected {FORMAT!r}, of `fpm-edge bench --export`")
    if head.version != VERSION:
        raise DataError(
            f"{name} has version {head.version} of {FORMAT}, this fpm-edge reads {VERSION}; update fpm-edge, or run "
            "`fpm-edge bench` again with this one"
        )
    try:
        bench = msgspec.json.decode(data, type=Bench)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is damaged: {error}; run `fpm-edge bench --export` again") from error
    _check(bench, name)
    return bench


def read_bench(path: str | Path) -> Bench:
    """Read the file of `bench --export`.

    Raises:
        DataError: it cannot be read, or as of `decode_bench`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; check the path") from error
    return decode_bench(data, str(path))


def write_bench(bench: Bench, path: Path) -> None:
    """Write it, whole or not at all.

    Raises:
        OSError: its folder does not exist, it is a folder itself, or the disk refused.
    """
    write_atomically(path, encode_bench(bench))


def _check(bench: Bench, name: str) -> None:
    """What the types do not say, and a reader relies on."""
    known = {bundle.label: bundle.stages for bundle in bench.bundles}
    if not bench.rows:
        raise DataError(f"{name} has no rows; run `fpm-edge bench --export` again")
    if len(known) != len(bench.bundles):
        raise DataError(f"{name}: two bundles have the same label; run `fpm-edge bench --export` again")
    for number, row in enumerate(bench.rows):
        if row.bundle not in known:
            raise DataError(
                f"{name}: row {number} is about bundle {row.bundle!r}, which is not in it; it has {list(known)}"
            )
        if row.stages > known[row.bundle]:
            raise DataError(
                f"{name}: row {number} ran {row.stages} stages of {row.bundle!r}, which has {known[row.bundle]}"
            )
        for ratio in (row.to_first, row.to_float, row.to_base):
            if ratio is not None and not 0 <= ratio.row < len(bench.rows):
                raise DataError(f"{name}: row {number} has a ratio to row {ratio.row} of {len(bench.rows)}")
