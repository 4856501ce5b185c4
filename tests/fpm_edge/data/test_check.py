"""What a data set holds, and everything that is wrong with it."""

import json
import math
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from commands import run_command
from PIL import Image

from fpm_edge.data import Dataset, ProblemKind, Record, describe, inspect, load_dataset, read_to_the_end
from fpm_edge.data.pictures import scan_pictures
from fpm_edge.data.sheet import draw_sheet
from fpm_edge.data.suspicious import suspicious
from fpm_edge_runtime.bundle.schema_file import load_schema

SCHEMA = load_schema("deepfashion8")
GARMENTS = load_schema("fashionai24")
SKIRT = {
    "waistband_left": "20_30_1",
    "waistband_right": "80_30_1",
    "hemline_left": "10_90_1",
    "hemline_right": "90_90_0",
}


def record(image: str, category: str, visibility: list[int], x: list[float]) -> Record:
    landmarks = np.array([x, [5.0] * 8], np.float32).T.copy()
    return Record(Path(image), category, landmarks, np.array(visibility, np.int8), image, None)


def test_counts() -> None:
    rising = [float(v) for v in range(8)]
    dataset = Dataset(
        (
            record("a.jpg", "full_body", [1, 1, 0, 1, 1, 1, -1, 1], rising),
            record("a.jpg", "lower_body", [-1, -1, -1, -1, 0, 1, 1, 1], rising[::-1]),
            record("b.jpg", "full_body", [1, -1, -1, 1, 1, 1, 1, 1], [3.0] * 8),
        ),
        SCHEMA,
        "made up",
        skipped=("x", "y"),
        notes=("said",),
    )
    summary = describe(dataset)
    assert (summary.records, summary.pictures, summary.skipped, summary.cropped) == (3, 2, 2, 0)
    assert summary.categories == {"upper_body": 0, "lower_body": 1, "full_body": 2}
    assert summary.notes == ("said",)
    sleeve, waist = summary.landmarks[2], summary.landmarks[4]
    assert (sleeve.landmark, sleeve.expected, sleeve.visible, sleeve.occluded) == ("left_sleeve", 2, 0, 1)
    assert (waist.landmark, waist.expected, waist.visible, waist.occluded) == ("left_waistline", 3, 2, 1)
    assert (summary.visible, summary.occluded, summary.unlabelled) == (15, 2, 3)
    collar, _, waistline, hem = summary.pairs
    assert (collar.first, collar.second, collar.count, collar.first_is_left) == ("left_collar", "right_collar", 1, 1.0)
    assert (waistline.count, waistline.first_is_left) == (2, 0.5)
    assert (hem.count, hem.first_is_left) == (1, 0.0)
    assert summary.first_is_left == 3 / 5


def test_a_landmark_of_its_own_is_no_pair() -> None:
    schema = load_schema("lsp14")
    person = Record(Path("a"), "person", np.zeros((14, 2), np.float32), np.ones(14, np.int8), "a")
    pairs = describe(Dataset((person,), schema, "one")).pairs
    assert len(pairs) == 6
    assert not {"neck", "head_top"} & {name for pair in pairs for name in (pair.first, pair.second)}


def test_no_pair_has_no_share() -> None:
    summary = describe(Dataset((record("a", "full_body", [1] + [-1] * 7, [0.0] * 8),), SCHEMA, "one"))
    assert math.isnan(summary.first_is_left)
    assert summary.pairs[0].count == 0


def row(name: str, category: str = "skirt", **cells: str) -> str:
    values = {**(SKIRT if category == "skirt" else {}), **cells}
    return ",".join([name, category, *(values.get(landmark, "-1_-1_-1") for landmark in GARMENTS.landmarks)])


def write(folder: Path, *rows: str) -> Path:
    header = ",".join(["image_id", "image_category", *GARMENTS.landmarks])
    path = folder / "annotations.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures a to d and e.jpg, of 100 × 120 pixels; the last is cut short behind its header."""
    for number, name in enumerate(["a.png", "b.png", "c.png", "d.png", "e.jpg"]):
        pixels = np.random.default_rng(number).integers(0, 256, (120, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "e.jpg").write_bytes((tmp_path / "e.jpg").read_bytes()[:3000])
    return tmp_path


BAD = (
    (row("none.png"), ProblemKind.MISSING_PICTURE, None),
    (row("text.png"), ProblemKind.DAMAGED_PICTURE, None),
    (row("a.png", hemline_left="150_90_1"), ProblemKind.OUT_OF_FRAME, "hemline_left"),
    (row("a.png"), ProblemKind.DUPLICATE_ROW, None),
    (row("b.png", hemline_left="10_90"), ProblemKind.BAD_CELL, "hemline_left"),
    (row("b.png", hemline_right="10_nan_1"), ProblemKind.BAD_CELL, "hemline_right"),
    (row("b.png", waistband_left="10_10_2"), ProblemKind.BAD_VISIBILITY, "waistband_left"),
    (row("b.png", "hat", crotch="5_5_1"), ProblemKind.UNKNOWN_CATEGORY, None),
    (row("b.png", crotch="50_50_1"), ProblemKind.FOREIGN_LANDMARK, "crotch"),
    (row("b.png", "dress"), ProblemKind.NOTHING_LABELLED, None),
    (row("b.png") + ",x", ProblemKind.MALFORMED_ROW, None),
    (row(""), ProblemKind.MALFORMED_ROW, None),
)


def test_every_bad_row_is_found_and_classified(folder: Path) -> None:
    (folder / "text.png").write_text("no picture")
    path = write(folder, row("a.png"), *(bad for bad, _, _ in BAD), row("c.png"))
    reading = read_to_the_end(f"fashionai:{folder}")
    assert reading.dataset is not None
    assert [record.identifier for record in reading.dataset.records] == ["a.png", "c.png"]
    found = [(problem.kind, problem.column) for problem in reading.problems]
    assert found == [(kind, column) for _, kind, column in BAD]
    assert [problem.where for problem in reading.problems] == [f"line {n}" for n in range(3, 3 + len(BAD))]
    assert {problem.source for problem in reading.problems} == {str(path)}
    assert tuple(str(problem) for problem in reading.problems) == reading.dataset.skipped


def test_other_forms_classify_too(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.png")
    joints = load_schema("lsp14").landmarks
    (tmp_path / "joints.csv").write_text(
        "\n".join([",".join(["image", *joints]), "a.png" + ",5_5_1" * 14, "a.png" + ",5_5_1" * 13]) + "\n"
    )
    (problem,) = read_to_the_end(f"lsp:{tmp_path}").problems
    assert problem.kind is ProblemKind.MALFORMED_ROW
    points = [[5, 5, 2] * 8, [5, 5, 3] * 8, [5, 5] * 8, [5, 5, 2] * 8]
    annotations = [
        {"id": i, "image_id": 1, "category_id": 1, "keypoints": cells, "bbox": [1, 1, 50, -50 if i == 3 else 50]}
        for i, cells in enumerate(points)
    ]
    document = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "full body", "keypoints": list(SCHEMA.landmarks)}],
        "annotations": [*annotations, {"image_id": 9, "category_id": 1}, {"image_id": 1, "category_id": 9}, "x"],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert [problem.kind.name for problem in read_to_the_end(f"coco:{tmp_path / 'a.json'}").problems] == [
        "BAD_VISIBILITY",
        "BAD_CELL",
        "BAD_BOX",
        "MISSING_PICTURE",
        "UNKNOWN_CATEGORY",
        "MALFORMED_ROW",
    ]


def test_problems_are_grouped_counted_and_cut_short(folder: Path) -> None:
    write(folder, row("a.png"), *(row(f"none{i}.png") for i in range(7)), row("b.png", "hat"))
    inspection = inspect(read_to_the_end(f"fashionai:{folder}"), examples=3)
    missing, unknown = inspection.findings
    assert (missing.kind, missing.count, missing.is_warning) == (ProblemKind.MISSING_PICTURE, 7, False)
    assert [example.where for example in missing.examples] == ["line 3", "line 4", "line 5"]
    assert (unknown.kind, unknown.count) == (ProblemKind.UNKNOWN_CATEGORY, 1)
    assert (inspection.problems, inspection.warnings) == (8, 0)
    assert inspection.summary is not None
    assert inspection.summary.records == 1


def test_nothing_but_bad_rows_is_still_listed(folder: Path) -> None:
    write(folder, row("none.png"), row("nobody.png"))
    inspection = inspect(read_to_the_end(f"fashionai:{folder}"))
    assert inspection.summary is None
    assert [(finding.kind, finding.count) for finding in inspection.findings] == [
        (ProblemKind.MISSING_PICTURE, 2),
    ]


def test_a_file_cut_short_is_a_problem_beside_the_others(tmp_path: Path) -> None:
    names = ("landmark_visibility", "landmark_location_x", "landmark_location_y")
    header = ["image_name", "clothes_type", *(f"{name}_{i}" for i in range(1, 9) for name in names)]
    (tmp_path / "list_landmarks.txt").write_text(f"9\n{' '.join(header)}\nimg/1.jpg 4\n")
    kinds = [problem.kind for problem in read_to_the_end(f"deepfashion:{tmp_path}").problems]
    assert kinds == [ProblemKind.UNKNOWN_CATEGORY, ProblemKind.UNREADABLE]


def test_damaged_and_repeated_pictures_need_a_look_at_all(folder: Path) -> None:
    shutil.copy(folder / "a.png", folder / "copy.png")
    Image.new("RGB", (100, 120), (9, 9, 9)).save(folder / "b.png")
    write(folder, row("a.png"), row("b.png"), row("copy.png"), row("e.jpg"), row("a.png", "trousers", crotch="5_5_1"))
    reading = read_to_the_end(f"fashionai:{folder}")
    assert reading.problems == ()
    assert reading.dataset is not None
    looked_at: list[int] = []
    scan = scan_pictures(reading.dataset, lambda: looked_at.append(1))
    blank = [problem for problem in scan.problems if problem.kind is ProblemKind.ONE_COLOUR]
    assert [problem.where for problem in blank] == ["b.png"]
    assert blank[0].kind.is_warning
    repeated, broken = (problem for problem in scan.problems if problem not in blank)
    assert len(looked_at) == 4
    assert (repeated.kind, repeated.where) == (ProblemKind.SAME_PICTURE, "copy.png")
    assert "same bytes as that of a.png" in repeated.message
    assert (broken.kind, broken.where) == (ProblemKind.DAMAGED_PICTURE, "e.jpg")
    assert "cut short" in broken.message
    assert scan.sizes == dict.fromkeys([str(folder / name) for name in ("a.png", "b.png", "copy.png")], (100, 120))


def test_drawn_garments_have_pictures_too() -> None:
    scan = scan_pictures(load_dataset("rendered:4@0/32"))
    assert scan.problems == ()
    assert list(scan.sizes.values()) == [(32, 32)] * 4


def garments(*visible: dict[str, tuple[float, float]], category: str = "skirt") -> Dataset:
    """One record for each mapping of a landmark to its place."""
    records = []
    for number, places in enumerate(visible):
        landmarks, visibility = np.full((24, 2), -1, np.float32), np.full(24, -1, np.int8)
        for name, place in places.items():
            landmarks[GARMENTS.landmarks.index(name)], visibility[GARMENTS.landmarks.index(name)] = place, 1
        records.append(Record(Path(f"{number}.jpg"), category, landmarks, visibility, f"{number}.jpg"))
    return Dataset(tuple(records), GARMENTS, "made up")


WAIST = {"waistband_left": (20.0, 30.0), "waistband_right": (80.0, 30.0)}
TURNED = {"waistband_left": (80.0, 30.0), "waistband_right": (20.0, 30.0)}


@pytest.mark.parametrize(("turned", "said"), [(0, False), (2, False), (3, True), (10, True), (17, True), (18, False)])
def test_mixed_up_sides(turned: int, said: bool) -> None:
    """A warning between 10 % and 90 %, here of 20."""
    found = list(suspicious(garments(*[TURNED] * turned, *[WAIST] * (20 - turned))))
    assert [problem.kind for problem in found] == [ProblemKind.MIXED_SIDES] * said
    assert all(f"{1 - turned / 20:.1%} of 20 records" in problem.message for problem in found)


def test_one_pair_the_other_way_round() -> None:
    hem = {"hemline_left": (90.0, 90.0), "hemline_right": (10.0, 90.0)}
    bottom = {"bottom_left_in": (40.0, 90.0), "bottom_right_in": (60.0, 90.0)}
    (problem,) = suspicious(garments(*[{**WAIST, **hem, **bottom}] * 5))
    assert problem.kind is ProblemKind.MIXED_SIDES
    assert problem.column == "hemline_left"
    assert "the other way round than the other pairs" in problem.message
    # Where all pairs are the person's left and right, nothing is wrong.
    bottom = {"bottom_left_in": (60.0, 90.0), "bottom_right_in": (40.0, 90.0)}
    assert list(suspicious(garments(*[{**TURNED, **hem, **bottom}] * 5))) == []


def test_landmarks_in_the_corner() -> None:
    (problem,) = suspicious(garments({**WAIST, "hemline_left": (0.0, 0.0)}, WAIST))
    assert (problem.kind, problem.where, problem.column) == (ProblemKind.AT_ORIGIN, "0.jpg", "hemline_left")
    assert problem.kind.is_warning


def test_many_landmarks_on_the_border() -> None:
    clipped = {**WAIST, "hemline_left": (0.0, 90.0), "hemline_right": (99.0, 90.0)}
    few = garments(clipped, *[WAIST] * 150)
    assert list(suspicious(few, {"0.jpg": (100, 120)})) == []
    many = garments(clipped, *[WAIST] * 20)
    assert [problem.column for problem in suspicious(many)] == ["hemline_left"]
    found = list(suspicious(many, {"0.jpg": (100, 120)}))
    assert [problem.column for problem in found] == ["hemline_left", "hemline_right"]
    assert {problem.kind for problem in found} == {ProblemKind.ON_BORDER}


def test_normalisation_pairs() -> None:
    close = {"waistband_left": (20.0, 30.0), "waistband_right": (21.0, 31.0)}
    half = {"waistband_left": (20.0, 30.0)}
    nearly, absent = suspicious(garments(WAIST, close, half))
    assert (nearly.kind, nearly.where) == (ProblemKind.DEGENERATE_NORMALIZER, "1.jpg")
    assert "1.41 px from waistband_right" in nearly.message
    assert (absent.kind, absent.where, absent.column) == (ProblemKind.NO_NORMALIZER, "2.jpg", "waistband_right")


def test_the_sheet_has_what_can_be_read(folder: Path) -> None:
    write(folder, *(row(f"{name}.png") for name in "abcd"), row("e.jpg"))
    dataset = load_dataset(f"fashionai:{folder}")
    sheet = draw_sheet(dataset, 20)
    assert sheet.drawn == 4
    assert [problem.where for problem in sheet.problems] == ["e.jpg"]
    assert sheet.png is not None
    assert Image.open(BytesIO(sheet.png)).width > 4 * 320
    assert draw_sheet(dataset, 2).drawn == 2
    nothing = draw_sheet(dataset.subset([4]), 2)
    assert (nothing.png, nothing.drawn) == (None, 0)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "data", "check", *arguments)


def test_the_command_says_all_and_returns_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, row("a.png"), row("none.png"), row("b.png", hemline_left="150_90_1"), row("e.jpg"))
    code, out, err = run(capsys, f"fashionai:{folder}")
    assert code == 1
    assert "fpm-edge: " in err
    assert "2 problems" in err
    for said in (
        "category skirt",
        "hemline_right",
        "problem: missing picture: 1",
        "problem: landmark out of frame: 1",
        f"{path}, line 4: column hemline_left",
    ):
        assert said in " ".join(out.split()) or said in out, said
    code, out, _ = run(capsys, f"fashionai:{folder}", "--pictures", "--json", "--examples", 1)
    told = json.loads(out)
    assert code == 1
    assert told["problems"] == 3
    assert told["summary"]["records"] == 2
    assert [finding["kind"] for finding in told["findings"]] == [
        "missing picture",
        "damaged picture",
        "landmark out of frame",
    ]
    (example,) = told["findings"][2]["examples"]
    assert (example["source"], example["where"], example["column"]) == (str(path), "line 4", "hemline_left")


def test_the_command_returns_zero_where_nothing_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, row("a.png"), row("b.png"))
    assert run(capsys, f"fashionai:{folder}", "--pictures")[0] == 0
    # Nor is a warning a failure.
    write(folder, row("a.png", hemline_left="0_0_1"), row("b.png", "dress", armpit_left="5_5_1"))
    code, out, _ = run(capsys, f"fashionai:{folder}", "--json")
    assert (code, json.loads(out)["warnings"]) == (0, 2)
    code, out, _ = run(capsys, f"fashionai:{folder}", "--json", "--categories", "dress")
    assert (json.loads(out)["summary"]["records"], json.loads(out)["warnings"]) == (1, 1)


def test_the_command_draws_a_sheet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *(row(f"{name}.png") for name in "abc"), row("e.jpg"))
    code, _, err = run(capsys, f"fashionai:{folder}", "--pictures", "--sheet", folder / "sheet.png", "--json")
    assert code == 1
    assert "1 problems" in err
    assert f"3 pictures on {folder / 'sheet.png'}" in err
    with Image.open(folder / "sheet.png") as drawn:
        assert drawn.format == "PNG"


def test_the_command_finds_what_is_in_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, names in (("train", "abc"), ("warmup", "cd"), ("test_a", "b")):
        (tmp_path / part).mkdir()
        write(tmp_path / part, *(row(f"{name}.png") for name in names))
        for name in names:
            Image.new("RGB", (100, 100), (ord(name), 0, 0)).save(tmp_path / part / f"{name}.png")
    code, out, _ = run(capsys, f"fashionai:{tmp_path}", "--json")
    repeated, tested = json.loads(out)["findings"]
    assert code == 1
    assert (repeated["kind"], repeated["count"]) == ("same id in several annotation files", 1)
    assert repeated["examples"][0]["source"].endswith("warmup/annotations.csv")
    assert "train/annotations.csv, line 4 already" in repeated["examples"][0]["message"]
    assert (tested["kind"], tested["is_warning"]) == ("in a test part too, so not trained on", True)
    assert tested["examples"][0]["where"] == "line 3"


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "Exit code 0 when nothing is wrong, 1 when there are problems." in " ".join(out.split())
    assert "fashionai:DIR" in out
