"""Names that say that landmarks are two sides, where the schema does not."""

from pathlib import Path

import numpy as np
import pytest

from fpm_edge_runtime.bundle.schema_file import SHIPPED_SCHEMAS, load_schema
from fpm_edge_runtime.errors import SchemaError
from fpm_edge_runtime.pixels.sides import unpaired_sides


@pytest.mark.parametrize(
    "pair",
    [
        ("cuff_left", "cuff_right"),
        ("Left Cuff", "Right Cuff"),
        ("leftCuff", "rightCuff"),
        ("cuff-l", "cuff-r"),
        ("LCuff", "RCuff"),
        ("L_CUFF_IN", "R_CUFF_IN"),
        ("leftcuff", "rightcuff"),
        ("cuff_left_in", "cuff_right_in"),
    ],
)
def test_names_that_are_sides(pair: tuple[str, str]) -> None:
    assert unpaired_sides(["crotch", *pair], [0, 1, 2]) == (pair,)
    assert unpaired_sides(["crotch", *reversed(pair)], [0, 1, 2]) == (pair,)
    assert unpaired_sides(["crotch", *pair], [0, 2, 1]) == ()


@pytest.mark.parametrize(
    "names",
    [
        ("collar", "hem"),
        ("cuff_left", "hem_right"),
        ("cuff_left", "cuff_middle"),
        ("lapel", "rapel"),
        ("kp_0", "kp_1"),
        ("knot", "left"),
    ],
)
def test_names_that_are_none(names: tuple[str, str]) -> None:
    assert unpaired_sides(names, [0, 1]) == ()


@pytest.mark.parametrize("name", SHIPPED_SCHEMAS)
def test_shipped_schemas_pair_all_sides(name: str) -> None:
    schema = load_schema(name)
    assert unpaired_sides(schema.landmarks, schema.flip) == ()


def schema(folder: Path, flip_pairs: str) -> Path:
    path = folder / "mine.toml"
    names = '"hem_left", "hem_right", "cuff_left", "cuff_right", "knot"'
    path.write_text(f'name = "mine"\nlandmarks = [{names}]\n{flip_pairs}\n')
    return path


@pytest.mark.parametrize(
    ("flip_pairs", "missing"),
    [
        ("", r'expected in it: \["hem_left", "hem_right"\], \["cuff_left", "cuff_right"\]; or flip_pairs = \[\]'),
        ('flip_pairs = [["hem_left", "hem_right"]]', r'expected in it: \["cuff_left", "cuff_right"\]; or'),
    ],
)
def test_a_schema_that_leaves_sides_unpaired_is_asked(tmp_path: Path, flip_pairs: str, missing: str) -> None:
    with pytest.raises(SchemaError, match=missing):
        load_schema(schema(tmp_path, flip_pairs))


def test_no_pairs_can_be_meant(tmp_path: Path) -> None:
    assert np.array_equal(load_schema(schema(tmp_path, "flip_pairs = []")).flip, np.arange(5))
