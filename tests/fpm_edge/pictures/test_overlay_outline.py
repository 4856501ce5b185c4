"""The outline of a garment: through which landmarks it goes, where it stays open, and that it is drawn there."""

from typing import Any

import numpy as np
import pytest

from fpm_edge.pictures.overlay import draw_landmarks
from fpm_edge.pictures.overlay.outlines import outline_of, trace_outline
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema

SCHEMA = load_schema("fashionai24")


def trace(category: str, *missing: str) -> tuple[list[list[str]], list[list[str]]]:
    """Solid and dashed lines of a category whose landmarks are all shown but these."""
    around = outline_of(SCHEMA, category)
    assert around is not None
    shown = [name not in missing for name in SCHEMA.landmarks]
    traced = trace_outline(SCHEMA, around, shown)

    def named(lines: Any) -> list[list[str]]:
        return [[SCHEMA.landmarks[i] for i in line] for line in lines]

    return named(traced.solid), named(traced.dashed)


@pytest.mark.parametrize("name", ["fashionai24", "deepfashion8"])
def test_outlines_pass_each_landmark_of_their_category_once(name: str) -> None:
    schema = load_schema(name)
    for category, members in schema.categories.items():
        around = outline_of(schema, category)
        assert around is not None
        assert sorted(around) == sorted(members)
        # Mirrored, it is the same outline the other way round.
        mirrored = [schema.flip[i] for i in reversed(around)]
        start = mirrored.index(around[0])
        assert tuple(mirrored[start:] + mirrored[:start]) == around


def test_a_whole_outline_is_one_closed_line() -> None:
    solid, dashed = trace("skirt")
    assert solid == [["waistband_left", "hemline_left", "hemline_right", "waistband_right", "waistband_left"]]
    assert dashed == []


def test_an_outline_stays_open_where_a_corner_is_missing() -> None:
    solid, dashed = trace("skirt", "hemline_right")
    assert solid == [["waistband_right", "waistband_left", "hemline_left"]]
    assert dashed == []
    solid, _ = trace("trousers", "crotch", "bottom_right_out")
    assert solid == [["waistband_right", "waistband_left", "bottom_left_out", "bottom_left_in"]]


def test_an_edge_goes_straight_on_without_its_middle() -> None:
    (line,), dashed = trace("dress", "waistline_left", "center_front")
    assert line[0] == line[-1]
    assert line[line.index("armpit_left") + 1] == "hemline_left"
    assert line[-2] == "neckline_right"
    assert dashed == []


def test_without_cuffs_the_armhole_is_dashed() -> None:
    cuffs = [name for name in SCHEMA.landmarks if name.startswith("cuff")]
    solid, dashed = trace("blouse", *cuffs)
    assert sorted(map(sorted, dashed)) == [["armpit_left", "shoulder_left"], ["armpit_right", "shoulder_right"]]
    assert [line[0] for line in solid] + [line[-1] for line in solid] == [
        "shoulder_right",
        "armpit_left",
        "shoulder_left",
        "armpit_right",
    ]


@pytest.mark.parametrize(("kept", "lines"), [(0, 0), (1, 0), (2, 1)])
def test_few_landmarks(kept: int, lines: int) -> None:
    around = outline_of(SCHEMA, "skirt")
    assert around is not None
    shown = [index in around[:kept] for index in range(len(SCHEMA.landmarks))]
    traced = trace_outline(SCHEMA, around, shown)
    assert len(traced.solid) == lines
    assert all(len(line) == 2 for line in traced.solid)


def test_where_nobody_said_how_it_goes_there_is_no_outline() -> None:
    assert outline_of(SCHEMA, None) is None
    assert outline_of(SCHEMA, "none") is None
    assert outline_of(load_schema("lsp14"), "person") is None
    other = LandmarkSchema(name="fashionai24", landmarks=("a",), flip=(0,), categories={"skirt": (0,)})
    assert outline_of(other, "skirt") is None


def drawn(category: str | None, size: int = 240, shade: int = 128, **options: Any) -> np.ndarray:
    """(size, size) how much each pixel of a grey picture changed: a skirt's four corners."""
    picture = np.full((size, size, 3), shade, np.uint8)
    points = np.full((len(SCHEMA.landmarks), 2), np.nan, np.float32)
    corners = {"waistband_left": (80, 60), "waistband_right": (160, 60), "hemline_left": (50, 180)}
    for name, at in {**corners, "hemline_right": (190, 180)}.items():
        points[SCHEMA.landmarks.index(name)] = np.array(at) * size / 240
    image = draw_landmarks(picture, points, schema=SCHEMA, category=category, **{"labels": False, **options})
    change: np.ndarray = np.abs(np.asarray(image, np.int64) - shade).max(axis=2)
    return change


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_the_outline_is_drawn_between_the_points_and_nowhere_else(shade: int) -> None:
    with_outline, without = drawn("skirt", shade=shade), drawn(None, shade=shade)
    for x, y in ((120, 60), (120, 180), (65, 120), (175, 120)):
        assert with_outline[y - 1 : y + 2, x - 1 : x + 2].max() > 80
        assert without[y - 3 : y + 4, x - 3 : x + 4].max() == 0
    assert with_outline[120, 120] == 0  # the garment keeps its colour


def test_the_outline_leaves_out_what_is_not_sure() -> None:
    scores = np.ones(len(SCHEMA.landmarks), np.float32)
    scores[SCHEMA.landmarks.index("hemline_right")] = 0.1
    change = drawn("skirt", scores=scores)
    assert change[60, 120] > 80
    assert change[180, 118:123].max() == change[120, 172:178].max() == 0


def test_the_outline_grows_with_the_picture() -> None:
    widths = [(drawn("skirt", size)[:, size // 2][: size // 2] > 40).sum() for size in (240, 1920)]
    assert widths[0] >= 2
    assert 3 * widths[0] < widths[1]


def test_a_caption_lies_in_a_corner_and_is_left_out_where_nobody_could_read_it() -> None:
    extra = drawn("skirt", caption="skirt 97 %") - drawn("skirt")
    rows, columns = np.nonzero(extra)
    assert rows.max() < 50
    assert columns.max() < 0.6 * 240 + 10
    assert drawn("skirt", 40, caption="skirt 97 %").max() > 0
    np.testing.assert_array_equal(drawn("skirt", 40, caption="skirt 97 %"), drawn("skirt", 40))
