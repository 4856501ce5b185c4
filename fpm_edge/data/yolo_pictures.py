"""The pictures of a split of a YOLO data set, and the label file of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fpm_edge.data.files import open_text
from fpm_edge.data.yolo_config import YoloConfig
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["SplitPictures", "label_file", "pictures_of"]

# What Ultralytics takes for pictures.
_SUFFIXES = {".bmp", ".dng", ".heic", ".jpeg", ".jpg", ".mpo", ".pfm", ".png", ".tif", ".tiff", ".webp"}
_UP = "../"


@dataclass(frozen=True)
class SplitPictures:
    """Pictures of a split: their files, by name, and the folder that their names are relative to."""

    root: Path
    files: tuple[Path, ...]


def pictures_of(config: YoloConfig, split: str) -> SplitPictures:
    """Find the pictures of `split`.

    Raises:
        UsageError: the YAML file has no such split.
        DataError: a folder or list is missing, or there is no picture.
    """
    if split not in config.splits:
        held = ", ".join(f"#{name}" for name in config.splits) or "none of train, val and test"
        raise UsageError(f"{config.file}: there is no split {split!r}; it has {held}")
    root, places = _places(config, split)
    files = sorted({file for place in places for file in _pictures(place, root)})
    if not files:
        where = ", ".join(str(place) for place in places)
        raise DataError(f"{config.file}: no picture in {where}; expected those of {split}")
    return SplitPictures(Path(os.path.commonpath([root, *(file.parent for file in files)])), tuple(files))


def label_file(picture: Path) -> Path:
    """Where the labels of a picture are: the last folder ``images`` of its path is ``labels``, and the suffix .txt."""
    parts = list(picture.parts[:-1])
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts, f"{picture.stem}.txt")


def _places(config: YoloConfig, split: str) -> tuple[Path, list[Path]]:
    """The root that counts, and the folders and lists of the split in it."""
    tried: list[Path] = []
    for root in config.roots:
        found = []
        for entry in config.splits[split]:
            # Some exporters write ../train/images for a folder beside the YAML file, which Ultralytics puts up with.
            names = [entry, entry.removeprefix(_UP)] if entry.startswith(_UP) else [entry]
            paths = [Path(os.path.normpath(root / name)) for name in names]
            tried += paths
            found += [path for path in paths if path.exists()][:1]
        if len(found) == len(config.splits[split]):
            return Path(os.path.normpath(root)), found
    raise DataError(
        f"{config.file}: the pictures of {split} are missing; looked for {', '.join(str(path) for path in tried)}. "
        "Correct `path` in it"
    )


def _pictures(place: Path, root: Path) -> Iterator[Path]:
    """The pictures in a folder and those below it, or those that a .txt file lists."""
    if place.is_dir():
        yield from (file for file in place.rglob("*.*") if file.suffix.lower() in _SUFFIXES)
        return
    with open_text(place) as text:
        for line in text.read().splitlines():
            if name := line.strip():
                # "./" is relative to the list, all else to the data set.
                yield Path(os.path.normpath((place.parent if name.startswith("./") else root) / name))
