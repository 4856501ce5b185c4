"""A landmark schema from a TOML file. Devices read the schema in their bundle, and load none of this."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from fpm_edge_runtime.bundle.recognition import ANY, NOTHING
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import SchemaError
from fpm_edge_runtime.pixels.sides import unpaired_sides
from fpm_edge_runtime.toml_file import found_value, read_toml

__all__ = ["SHIPPED_SCHEMAS", "load_schema"]

SHIPPED_SCHEMAS = ("deepfashion2", "deepfashion8", "fashionai24", "lsp14")

_KEYS = ("name", "landmarks", "flip_pairs", "categories", "normalizers", "groups")
_LEAST = "a text in quotes that is not empty"


def load_schema(name_or_path: str | Path) -> LandmarkSchema:
    """A shipped schema by name, or any other from a TOML file.

    The file has ``name``, ``landmarks`` (in heatmap order), ``flip_pairs`` (pairs of names, the others stay in place; a
    must where names are sides), and tables ``[categories]`` (lists of names; default: "all"), ``[normalizers]``
    (pairs of names) and ``[groups]`` (lists of names).

    Raises:
        SchemaError: the name is unknown, the file is missing, or its content is inconsistent: which key, what was found
            and what was expected.
    """
    text = str(name_or_path)
    file: Any = Path(name_or_path)
    if text in SHIPPED_SCHEMAS:
        file = resources.files("fpm_edge_runtime") / "schemas" / f"{text}.toml"
    elif file.suffix != ".toml" or not file.is_file():
        raise SchemaError(
            f"unknown landmark schema {text!r}; expected one of {', '.join(SHIPPED_SCHEMAS)}, or a .toml file"
        )
    return _File(read_toml(file, text, SchemaError), text).schema()


class _File:
    """The table of a schema file, and how it is called."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table, self._where = table, where
        for key in table:
            if key not in _KEYS:
                close = get_close_matches(key, _KEYS, n=1)
                hint = f"; did you mean {close[0]}?" if close else ";"
                raise SchemaError(f"{where}: {key}: unknown key{hint} valid keys: {', '.join(_KEYS)}")
        for key in ("name", "landmarks"):
            if key not in table:
                raise SchemaError(f"{where}: {key} is missing; a schema needs name and landmarks")
        name = table["name"]
        if not isinstance(name, str) or not name:
            self._refuse("name", name, _LEAST)
        self._name = name
        self._landmarks = self._texts("landmarks", table["landmarks"])
        self._index = {landmark: i for i, landmark in enumerate(self._landmarks)}

    def schema(self) -> LandmarkSchema:
        flip = list(range(len(self._landmarks)))
        for left, right in self._flip_pairs():
            flip[left], flip[right] = right, left
        if self._table.get("flip_pairs") != []:
            self._expect_pairs(flip)
        # Left out, there is one category; an empty table is a mistake.
        categories = {"all": tuple(range(len(self._landmarks)))}
        if "categories" in self._table:
            categories = self._lists("categories")
            if not categories:
                self._refuse("categories", {}, "at least one category, or no such table")
            for name in (ANY, NOTHING):
                if name in categories:
                    expected = f"names other than {ANY} (all landmarks) and {NOTHING} (no garment)"
                    self._refuse("categories", list(categories), expected)
        normalizers = {key: self._pair(f"normalizers.{key}", names) for key, names in self._entries("normalizers")}
        for key in normalizers:
            if key not in categories:
                self._refuse(f"normalizers.{key}", self._table["normalizers"][key], f"one of: {', '.join(categories)}")
        return LandmarkSchema(
            name=self._name,
            landmarks=self._landmarks,
            flip=tuple(flip),
            categories=categories,
            normalizers=normalizers,
            groups=self._lists("groups"),
        )

    def _flip_pairs(self) -> list[tuple[int, int]]:
        pairs = self._table.get("flip_pairs", [])
        if not isinstance(pairs, list):
            self._refuse("flip_pairs", pairs, "a list of pairs of landmarks")
        found = [self._pair(f"flip_pairs[{number}]", pair) for number, pair in enumerate(pairs)]
        seen: set[int] = set()
        for number, pair in enumerate(found):
            if seen & {*pair}:
                self._refuse(f"flip_pairs[{number}]", pairs[number], "landmarks that are in no other pair")
            seen.update(pair)
        return found

    def _expect_pairs(self, flip: list[int]) -> None:
        """That no landmark is a side whose name a mirror image would not change."""
        sides = unpaired_sides(self._landmarks, flip)
        if sides:
            missing = ", ".join(f'["{first}", "{second}"]' for first, second in sides)
            raise SchemaError(
                f"{self._where}: flip_pairs does not say which landmarks change places in a mirror image, and some are "
                f"sides; expected in it: {missing}; or flip_pairs = [] to train without mirror images"
            )

    def _lists(self, key: str) -> dict[str, tuple[int, ...]]:
        return {name: self._indices(f"{key}.{name}", names) for name, names in self._entries(key)}

    def _entries(self, key: str) -> list[tuple[str, Any]]:
        table = self._table.get(key, {})
        if not isinstance(table, dict):
            self._refuse(key, table, f"a table, [{key}], with a list of landmarks for each name")
        if "" in table:
            self._refuse(key, table, "names that are not empty")
        return list(table.items())

    def _pair(self, key: str, names: Any) -> tuple[int, int]:
        if not isinstance(names, list) or len(names) != 2:
            self._refuse(key, names, "two landmarks")
        first, second = self._indices(key, names)
        return first, second

    def _indices(self, key: str, names: Any) -> tuple[int, ...]:
        texts = self._texts(key, names)
        for name in texts:
            if name not in self._index:
                close = get_close_matches(name, self._landmarks, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                self._refuse(key, names, f"names that are among the landmarks, and {found_value(name)} is not{hint}")
        return tuple(self._index[name] for name in texts)

    def _texts(self, key: str, value: Any) -> tuple[str, ...]:
        """A list of names, at least one and each once."""
        if not isinstance(value, list) or not value:
            self._refuse(key, value, "a list of at least one landmark's name")
        for number, name in enumerate(value):
            if not isinstance(name, str) or not name:
                self._refuse(f"{key}[{number}]", name, _LEAST)
            if name in value[:number]:
                self._refuse(f"{key}[{number}]", name, "each name once")
        return tuple(value)

    def _refuse(self, key: str, found: Any, expected: str) -> NoReturn:
        raise SchemaError(f"{self._where}: {key} is {found_value(found)}; expected {expected}")
