"""Which bundle `fpm-edge run` uses: the one that is given first, or the one that the package ships."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from fpm_edge.shipped import SHIPPED_MODEL, TRAINED_ON
from fpm_edge_runtime.errors import UsageError

__all__ = ["SHIPPED_NOTE", "split_bundle"]

SHIPPED_NOTE = (
    f"using the shipped bundle {SHIPPED_MODEL} (int8, trained on {TRAINED_ON}); for one of your own, name it first: "
    "fpm-edge run mine.fpm photo.jpg"
)

_SUFFIX = ".fpm"
_ZIP = b"PK\x03\x04"


def split_bundle(paths: Sequence[Path]) -> tuple[Path | None, tuple[Path, ...]]:
    """The bundle, None for the shipped one, and the pictures.

    The first path is a bundle if it is called so, whether it is there or not, or if it has the content of one.

    Raises:
        UsageError: a bundle comes later.
    """
    bundle = paths[0] if paths and _is_bundle(paths[0]) else None
    pictures = tuple(paths if bundle is None else paths[1:])
    for path in pictures:
        if _is_named_so(path):
            where = "one bundle at a time" if bundle is not None else "the bundle comes before the pictures"
            raise UsageError(f"{path} is a bundle, not a picture; {where}: fpm-edge run mine.fpm photo.jpg")
    return bundle, pictures


def _is_named_so(path: Path) -> bool:
    return path.suffix.lower() == _SUFFIX


def _is_bundle(path: Path) -> bool:
    return _is_named_so(path) or _has_manifest(path)


def _has_manifest(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            return False
        try:
            return "manifest.json" in zipfile.ZipFile(file).namelist()
        except zipfile.BadZipFile:
            return False
