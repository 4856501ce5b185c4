"""Write files so that they appear whole or not at all, also when the power fails."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PART", "StagedFile", "naming", "stage_file", "sync_folder", "write_atomically"]

PART = ".part"
"""Suffix of files that are not finished. One that is left over comes from a process that was killed."""


@dataclass(frozen=True)
class StagedFile:
    """A file that has been written and flushed to disk beside its place, but is not there yet.

    Attributes:
        path: its place.
        temporary: where it is.
    """

    path: Path
    temporary: Path

    def commit(self) -> None:
        """Rename it to its place, and flush that to disk. On failure `path` may be as it was, or new; never half."""
        self.temporary.replace(self.path)
        sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove it, if it has not been committed."""
        self.temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have every OSError name `path`: that of a full disk names no file, and others a temporary one."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def sync_folder(folder: Path) -> None:
    """Flush a folder to disk, so that new names in it survive power loss."""
    if os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stage_file(path: Path, data: bytes | str, mode: int = 0o644) -> StagedFile:
    """Write beside `path` and flush to disk: all that needs space is done then. On any failure nothing is left.

    Until it has `mode`, only its owner can read it.

    Raises:
        OSError: its folder does not exist, it is a folder itself, or the disk refused.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {path.parent}; create it", str(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; name a file in it", str(path))
    content = memoryview(data.encode("utf-8") if isinstance(data, str) else data)
    with naming(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
        staged = StagedFile(path, Path(name))
        try:
            try:
                while content:
                    content = content[os.write(handle, content) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            staged.temporary.chmod(mode)
        except BaseException:
            staged.discard()
            raise
    return staged


def write_atomically(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Write beside `path`, flush to disk, rename over it. On any failure `path` is as it was.

    Until it has `mode`, only its owner can read it.

    Raises:
        OSError: its folder does not exist, it is a folder itself, or the disk refused.
    """
    staged = stage_file(path, data, mode)
    try:
        staged.commit()
    except BaseException:
        staged.discard()
        raise
