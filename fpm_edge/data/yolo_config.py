"""Ultralytics' ``data.yaml`` of a pose data set: where the pictures are, how many key points, which classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpm_edge.data.files import open_text
from fpm_edge.toolkit import missing_from_toolkit
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["SPLITS", "YoloConfig", "is_unnamed", "load_config"]

SPLITS = ("train", "val", "test")
# What key points without a name are called.
_UNNAMED = "kp_"


@dataclass(frozen=True)
class YoloConfig:
    """What a ``data.yaml`` says.

    Attributes:
        file: the YAML file.
        roots: folders that the splits may be relative to, the first that has them counts.
        splits: name → folders, or .txt lists, of pictures.
        points: K, key points of an object.
        numbers: of a key point: 2 (x, y) or 3 (x, y, v).
        classes: names, in the order of their numbers.
        names: of the K key points; None where the file does not name them, or not alike for all classes.
        flip: (K,) which key point takes the place of each in a mirror image; None where the file does not say.
    """

    file: Path
    roots: tuple[Path, ...]
    splits: Mapping[str, tuple[str, ...]]
    points: int
    numbers: int
    classes: tuple[str, ...]
    names: tuple[str, ...] | None
    flip: tuple[int, ...] | None

    def schema(self) -> LandmarkSchema:
        """The landmarks of the file's own key points, all of them in every class."""
        landmarks = self.names or tuple(f"{_UNNAMED}{number}" for number in range(self.points))
        everything = tuple(range(self.points))
        return LandmarkSchema(
            name=self.file.stem,
            landmarks=landmarks,
            flip=self.flip or everything,
            categories=dict.fromkeys(self.classes, everything),
        )


def is_unnamed(landmark: str) -> bool:
    """Whether a landmark has only the name that `YoloConfig.schema` gives to key points without one."""
    return landmark.startswith(_UNNAMED) and landmark.removeprefix(_UNNAMED).isdecimal()


def load_config(file: Path) -> YoloConfig:
    """Read a ``data.yaml``.

    Raises:
        DataError: the file is missing, not YAML, or not of a pose data set.
        MissingExtraError: no package reads YAML.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected the data.yaml of a YOLO pose data set")
    document = _load(file)
    points, numbers = _shape(file, document)
    folder = file.parent.absolute()
    # Sets that are passed on name a folder of the machine that they were made on.
    roots = (folder / str(document["path"]), folder) if document.get("path") else (folder,)
    splits = {name: _entries(file, name, document[name]) for name in SPLITS if document.get(name)}
    names = _names(file, document.get("kpt_names"), points)
    flip = _flip(file, document.get("flip_idx"), points)
    return YoloConfig(file, roots, splits, points, numbers, _classes(file, document), names, flip)


def _load(file: Path) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise missing_from_toolkit("`yolo:`", error.name) from None
    with open_text(file) as text:
        try:
            source = text.read()
            _refuse_repeated_keys(file, yaml.compose(source, yaml.SafeLoader), set())
            document = yaml.safe_load(source)
        except (yaml.YAMLError, RecursionError) as error:
            raise DataError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise DataError(f"{file}: a YAML {type(document).__name__}; expected keys such as train, names and kpt_shape")
    return document


def _refuse_repeated_keys(file: Path, node: Any, seen: set[int]) -> None:
    """Raise DataError where a mapping of mappings has a key twice: PyYAML takes the last without a word.

    Args:
        seen: nodes that were looked at; an alias is the same node again, and nested ones are without number.
    """
    if getattr(node, "id", "") != "mapping" or id(node) in seen:
        return
    seen.add(id(node))
    keys = [key.value for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise DataError(f"{file}: the key {key!r} occurs twice; expected each once")
    for _, value in node.value:
        _refuse_repeated_keys(file, value, seen)


def _shape(file: Path, document: dict[str, Any]) -> tuple[int, int]:
    shape = document.get("kpt_shape")
    if shape is None:
        raise DataError(
            f"{file}: no kpt_shape; expected kpt_shape: [K, 2] or [K, 3], as a pose data set has it (one for detection "
            "or segmentation has no key points)"
        )
    if not _are_whole(shape) or len(shape) != 2 or shape[0] < 1 or shape[1] not in (2, 3):
        raise DataError(f"{file}: kpt_shape is {shape}; expected [K, 2] or [K, 3]: K key points of x, y and perhaps v")
    return shape[0], shape[1]


def _are_whole(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)


def _entries(file: Path, name: str, value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise DataError(f"{file}: {name} is {value}; expected a folder, a .txt list of pictures, or several of these")
    return tuple(entries)


def _classes(file: Path, document: dict[str, Any]) -> tuple[str, ...]:
    names, count = document.get("names"), document.get("nc")
    if names is None and _are_whole([count]):
        names = [f"class_{number}" for number in range(document["nc"])]
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{file}: names is {names}; expected the names of the classes, numbered from 0")
    classes = tuple(str(name) for name in names)
    if count is not None and count != len(classes):
        raise DataError(f"{file}: nc is {count}, and names has {len(classes)} classes; is the file cut short?")
    if len(set(classes)) != len(classes):
        raise DataError(f"{file}: names has a class twice ({', '.join(classes)}); expected each name once")
    return classes


def _names(file: Path, value: object, points: int) -> tuple[str, ...] | None:
    """The names of the key points, which newer files give for each class."""
    if value is None:
        return None
    lists: list[Any] = list(value.values()) if isinstance(value, dict) else [value]
    if not lists or not all(isinstance(names, list) and len(names) == points for names in lists):
        raise DataError(f"{file}: kpt_names is not {points} names, or these for each class; kpt_shape says {points}")
    alike = all(names == lists[0] for names in lists)
    return tuple(str(name) for name in lists[0]) if alike else None


def _flip(file: Path, value: object, points: int) -> tuple[int, ...] | None:
    if value is None:
        return None
    good = isinstance(value, list) and _are_whole(value) and sorted(value) == list(range(points))
    if not good or not isinstance(value, list) or any(value[value[i]] != i for i in range(points)):
        raise DataError(
            f"{file}: flip_idx is {str(value)[:80]}; expected each of 0 to {points - 1} once, with partners that name "
            "each other"
        )
    return tuple(value)
