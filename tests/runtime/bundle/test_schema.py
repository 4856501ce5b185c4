"""Landmark schemas: the shipped ones against their sources, and every mistake a TOML file can hold."""

from pathlib import Path

import pytest

from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import SHIPPED_SCHEMAS, load_schema
from fpm_edge_runtime.errors import SchemaError

# The 24 columns of FashionAI's annotation files, in order.
FASHIONAI_COLUMNS = (
    "neckline_left,neckline_right,center_front,shoulder_left,shoulder_right,armpit_left,armpit_right,waistline_left,"
    "waistline_right,cuff_left_in,cuff_left_out,cuff_right_in,cuff_right_out,top_hem_left,top_hem_right,"
    "waistband_left,waistband_right,hemline_left,hemline_right,crotch,bottom_left_in,bottom_left_out,"
    "bottom_right_in,bottom_right_out"
)

GOOD = """
name = "scarf"
landmarks = ["left", "right", "knot"]
flip_pairs = [["left", "right"]]
[categories]
long = ["left", "right", "knot"]
short = ["knot", "left"]
[normalizers]
long = ["left", "right"]
[groups]
ends = ["left", "right"]
"""
LANDMARKS = '["left", "right", "knot"]'
CATEGORIES = """[categories]
long = ["left", "right", "knot"]
short = ["knot", "left"]"""


def load(tmp_path: Path, text: str) -> LandmarkSchema:
    path = tmp_path / "schema.toml"
    path.write_text(text, encoding="utf-8")
    return load_schema(path)


@pytest.mark.parametrize("name", SHIPPED_SCHEMAS)
def test_shipped_schemas_are_consistent(name: str) -> None:
    schema = load_schema(name)
    count = len(schema.landmarks)
    assert schema.name == name
    assert len(schema.flip) == count
    assert tuple(schema.flip[i] for i in schema.flip) == tuple(range(count))
    for indices in (*schema.categories.values(), *schema.groups.values()):
        assert len(set(indices)) == len(indices)
    assert set().union(*schema.categories.values()) == set(range(count))
    for category, pair in schema.normalizers.items():
        assert set(pair) <= set(schema.landmarks_of(category))


@pytest.mark.parametrize("name", SHIPPED_SCHEMAS)
def test_flip_swaps_left_and_right_within_every_category(name: str) -> None:
    schema = load_schema(name)
    for members in (*schema.categories.values(), *schema.groups.values()):
        assert {schema.flip[i] for i in members} == set(members)
    for i, landmark in enumerate(schema.landmarks):
        swapped = landmark.replace("left", "?").replace("right", "left").replace("?", "right")
        # Landmarks that have numbers for names say nothing about sides: see test_schema_deepfashion2.py.
        assert schema.landmarks[schema.flip[i]] == swapped or landmark[-1].isdecimal()


def test_fashionai24_is_the_contests() -> None:
    schema = load_schema("fashionai24")
    assert ",".join(schema.landmarks) == FASHIONAI_COLUMNS
    assert schema.categories == {
        "blouse": (*range(7), *range(9, 15)),
        "outwear": (0, 1, *range(3, 15)),
        "dress": (*range(13), 17, 18),
        "skirt": (15, 16, 17, 18),
        "trousers": (15, 16, *range(19, 24)),
    }
    assert schema.normalizers == {
        "blouse": (5, 6),
        "outwear": (5, 6),
        "dress": (5, 6),
        "skirt": (15, 16),
        "trousers": (15, 16),
    }


def test_fashionai24_groups_are_the_columns_of_table_1() -> None:
    groups = load_schema("fashionai24").groups
    assert " | ".join(groups) == (
        "Neck L.R | C.Front | Shoulder | Armpit | W.line | Cuff.I | Cuff.O | Top Hem | W.band | Hem | Crotch | "
        "Bottom.I | Bottom.O"
    )
    assert sorted(i for members in groups.values() for i in members) == list(range(24))
    assert groups["Cuff.O"] == (10, 12)
    assert groups["Bottom.I"] == (20, 22)


def test_a_schema_of_ones_own(tmp_path: Path) -> None:
    schema = load(tmp_path, GOOD)
    assert schema == LandmarkSchema(
        name="scarf",
        landmarks=("left", "right", "knot"),
        flip=(1, 0, 2),
        categories={"long": (0, 1, 2), "short": (2, 0)},
        normalizers={"long": (0, 1)},
        groups={"ends": (0, 1)},
    )
    assert schema.landmarks_of("short") == (2, 0)


def test_without_categories_there_is_one_with_everything(tmp_path: Path) -> None:
    schema = load(tmp_path, 'name = "x"\nlandmarks = ["a", "b"]\n')
    assert schema.categories == {"all": (0, 1)}
    assert schema.flip == (0, 1)


MISTAKES = {
    "not TOML": ('name = "scarf"', "name = ", "not valid TOML"),
    "no name": ('name = "scarf"', "", "name is missing"),
    "no landmarks": ('landmarks = ["left", "right", "knot"]', "", "landmarks is missing"),
    "an unknown key": (
        'name = "scarf"',
        'name = "scarf"\nflips = []',
        "flips: unknown key; did you mean flip_pairs\\? valid keys: name, landmarks",
    ),
    "a name twice": (
        '"right", "knot"]',
        '"right", "knot", "left"]',
        r'landmarks\[3\] is "left"; expected each name once',
    ),
    "an unknown flip": (
        'flip_pairs = [["left", "right"]]',
        'flip_pairs = [["left", "top"]]',
        r'flip_pairs\[0\] is \["left","top"\]; expected names that are among the landmarks, and "top"',
    ),
    "a triple flip": ('flip_pairs = [["left", "right"]]', 'flip_pairs = [["left", "right", "knot"]]', "two landmarks"),
    "a landmark in two pairs": (
        '[["left", "right"]]',
        '[["left", "right"], ["right", "knot"]]',
        r"flip_pairs\[1\].*in no other pair",
    ),
    "an unknown member": (
        'short = ["knot", "left"]',
        'short = ["not"]',
        r'categories.short is \["not"\]; .* \(did you mean knot\?\)',
    ),
    "one normalizer": (
        'long = ["left", "right"]\n[groups]',
        'long = ["left"]\n[groups]',
        r'normalizers.long is \["left"\]; expected two landmarks',
    ),
    "a normalizer of nothing": (
        "[normalizers]\nlong",
        "[normalizers]\nwide",
        "normalizers.wide is .*; expected one of: long, short",
    ),
    "an unknown group member": ('ends = ["left", "right"]', 'ends = ["tip"]', r'groups.ends is \["tip"\]'),
    "a name that is a number": ('name = "scarf"', "name = 5", "name is 5; expected a text"),
    "an empty name": ('name = "scarf"', 'name = ""', 'name is ""; expected a text'),
    "landmarks a number": (LANDMARKS, "5", "landmarks is 5; expected a list"),
    "landmarks a text": (LANDMARKS, '"abc"', 'landmarks is "abc"; expected a list'),
    "landmarks numbers": (LANDMARKS, "[1, 2]", r"landmarks\[0\] is 1; expected a text"),
    "no landmark": (LANDMARKS, "[]", r"landmarks is \[\]; expected a list of at least one"),
    "an empty landmark": (LANDMARKS, '["left", ""]', r'landmarks\[1\] is ""; expected a text'),
    "flip_pairs a text": ('[["left", "right"]]\n', '"left"\n', 'flip_pairs is "left"; expected a list of pairs'),
    "flip_pairs of texts": ('[["left", "right"]]\n', '["ab"]\n', r'flip_pairs\[0\] is "ab"; expected two landmarks'),
    "a landmark that flips with itself": ('[["left", "right"]]', '[["left", "left"]]', r"flip_pairs\[0\]\[1\] .* once"),
    "categories a list": (CATEGORIES, 'categories = ["a"]', r'categories is \["a"\]; expected a table, \[categories\]'),
    "categories empty": (CATEGORIES, "[categories]", r"categories is \{\}; expected at least one category"),
    "a category without a landmark": ('["knot", "left"]', "[]", r"categories.short is \[\]; expected a list"),
    "a category that is a text": ('["knot", "left"]', '"knot"', 'categories.short is "knot"; expected a list'),
    "a landmark twice in a category": (
        '"knot", "left"]',
        '"knot", "knot"]',
        r"categories.short\[1\] is .knot.; .* once",
    ),
    "a normalizer of no length": (
        'long = ["left", "right"]\n[gr',
        'long = ["left", "left"]\n[gr',
        r"long\[1\] .* once",
    ),
    "an empty group": ('ends = ["left", "right"]', "ends = []", r"groups.ends is \[\]; expected a list"),
    "nested too deeply": ('"scarf"', "[" * 5000, "not valid TOML: lists or tables nested too deeply"),
    "a number without end": ('"scarf"', "9" * 5000, "not valid TOML: "),
    "a reserved category": (
        'short = ["knot", "left"]',
        'none = ["knot", "left"]',
        r"categories is .*none.*; expected names other than any \(all landmarks\) and none",
    ),
    "a date": ('"scarf"', "2026-01-01", 'name is "2026-01-01"; expected a text'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_one_clear_error(tmp_path: Path, mistake: str) -> None:
    old, new, message = MISTAKES[mistake]
    assert old in GOOD
    text = GOOD.replace(old, new)
    with pytest.raises(SchemaError, match=message) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'schema.toml'}: ")


def test_a_mark_of_the_byte_order_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(GOOD, encoding="utf-8-sig", newline="\r\n")
    assert load_schema(path) == load(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("latin-1", "line 3: the byte 0xE9 is not UTF-8"), ("utf-16", "UTF-16 text"), ("utf-16-be", "UTF-16 text")],
)
def test_other_encodings_are_named(tmp_path: Path, encoding: str, message: str) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(GOOD.replace("knot", "n\u00e9"), encoding=encoding)
    with pytest.raises(SchemaError, match=message) as caught:
        load_schema(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "save it with that encoding" in str(caught.value)


@pytest.mark.parametrize("name", ["fashionai", "nowhere.toml", "../fashionai24", ""])
def test_an_unknown_schema_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SchemaError, match="deepfashion2, deepfashion8, fashionai24, lsp14"):
        load_schema(name)


def test_an_unknown_category_lists_the_known_ones() -> None:
    with pytest.raises(SchemaError, match="blouse, dress, outwear, skirt, trousers"):
        load_schema("fashionai24").landmarks_of("hat")


def test_indices_outside_the_landmarks_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"categories\.all must name landmarks of 0\.\.1, each once"):
        LandmarkSchema(name="x", landmarks=("a", "b"), flip=(0, 1), categories={"all": (0, 2)})
    with pytest.raises(SchemaError, match="groups"):
        LandmarkSchema(name="x", landmarks=("a",), flip=(0,), categories={"all": (0,)}, groups={"g": (-1,)})
    for indices in ((), (0, 0)):
        with pytest.raises(SchemaError, match=r"categories\.all must name"):
            LandmarkSchema(name="x", landmarks=("a",), flip=(0,), categories={"all": indices})
    with pytest.raises(SchemaError, match="no categories"):
        LandmarkSchema(name="x", landmarks=("a",), flip=(0,), categories={})
    with pytest.raises(SchemaError, match="flip must pair"):
        LandmarkSchema(name="x", landmarks=("a", "b", "c"), flip=(1, 2, 0), categories={"all": (0,)})
