"""`fpm-edge run` on pictures: which bundle, which category, what it says."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.cli.run_bundle import split_bundle
from fpm_edge.data import load_dataset, read_image
from fpm_edge_runtime import UsageError, open_bundle, write_bundle
from fpm_edge_runtime.bundle.recognition import CategoryRule, CategoryRules, ConfidenceCurve, Confidences, Recognition

Run = Callable[..., tuple[int, str, str]]

NOTE = "using the shipped bundle lite-m"


@pytest.fixture(scope="module")
def garment(tmp_path_factory: pytest.TempPathFactory, render_cache: Path) -> Path:
    """A drawn pair of trousers."""
    path = tmp_path_factory.mktemp("pictures") / "garment.png"
    record = next(record for record in load_dataset("rendered:40@11/192").records if record.category == "trousers")
    Image.fromarray(read_image(record)).save(path)
    return path


@pytest.fixture(scope="module")
def knowing(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The tiny bundle with a rule that finds this category whatever it sees, with a probability of 0.9."""

    def make(category: str) -> Path:
        bundle = open_bundle(tiny_bundle)
        schema, stages = bundle.schema, bundle.stages
        names = (*schema.categories, "none")
        odds = float(np.log(0.9 / (0.1 / (len(names) - 1))))
        rule = CategoryRule(
            weights=((0.0,) * len(schema.landmarks),) * len(names),
            biases=tuple(odds if name == category else 0.0 for name in names),
            found=1.0,
            nothing_found=1.0,
            garments_lost=0.0,
        )
        curve = ConfidenceCurve(scores=(0.0, 1.0), confidences=(0.25, 0.75), calibration_error=0.0)
        recognition = Recognition(
            categories=CategoryRules(names, (rule,) * stages, "garments", 10, "backdrops", 10, 5),
            confidences=Confidences((curve,) * stages, "garments", 10, 100),
        )
        manifest = msgspec.structs.replace(bundle.manifest, schema_version=3, recognition=recognition)
        members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
        return write_bundle(tmp_path_factory.mktemp("knowing") / f"{category}.fpm", manifest, members)

    return make


def test_it_needs_neither_bundle_nor_category(garment: Path, tmp_path: Path, run: Run) -> None:
    code, out, said = run("run", garment, "--overlay", tmp_path / "out", "--json")
    assert code == 0
    assert said.count(NOTE) == 1
    assert "fpm-edge run mine.fpm photo.jpg" in said
    (answer,) = json.loads(out)
    assert answer["landmarks"]
    with Image.open(tmp_path / "out" / "garment.png") as drawn, Image.open(garment) as picture:
        assert drawn.size == picture.size
        assert np.abs(np.asarray(drawn, int) - np.asarray(picture)).max() > 100


def test_the_shipped_bundle_finds_what_is_given(garment: Path, run: Run) -> None:
    code, out, _ = run("run", garment, "--category", "trousers")
    assert code == 0
    assert "trousers (as given)" in out
    assert "bottom_left_out" in out
    assert "neckline" not in out


def test_a_bundle_of_ones_own_is_used_without_a_word(garment: Path, tiny_bundle: Path, run: Run) -> None:
    code, out, said = run("run", tiny_bundle, garment, "--category", "skirt", "--json")
    assert code == 0
    assert NOTE not in said
    assert json.loads(out)[0]["looks"] == 1


def test_a_bundle_is_known_by_its_content(garment: Path, tiny_bundle: Path, tmp_path: Path, run: Run) -> None:
    unnamed = tmp_path / "model.bin"
    unnamed.write_bytes(tiny_bundle.read_bytes())
    assert split_bundle([unnamed, garment]) == (unnamed, (garment,))
    code, _, said = run("run", unnamed, garment)
    assert code == 0
    assert NOTE not in said
    # Neither a folder, nor a file that only begins like one.
    other = tmp_path / "other.bin"
    other.write_bytes(b"PK\x03\x04 and so on")
    assert split_bundle([tmp_path]) == (None, (tmp_path,))
    assert split_bundle([other]) == (None, (other,))
    assert split_bundle([]) == (None, ())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.jpg", "mine.fpm"], "the bundle comes before the pictures"),
        (["a.fpm", "b.FPM", "c.jpg"], "one bundle at a time"),
    ],
)
def test_a_bundle_in_the_wrong_place(names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        split_bundle([Path(name) for name in names])


def test_bad_input_is_one_clear_error(garment: Path, tmp_path: Path, run: Run) -> None:
    text = tmp_path / "photo.jpg"
    text.write_text("no picture")
    for arguments, expected, said in (
        ((tmp_path / "none.jpg",), 1, "no such file"),
        ((text,), 1, "not a picture that can be read"),
        ((tmp_path,), 1, "is a folder"),
        ((garment, "--category", "hat"), 1, "skirt, trousers"),
        ((tmp_path / "none.fpm", garment), 4, "none.fpm"),
        ((garment, "--looks", 0), 2, "--looks"),
        ((garment, "--looks", 3), 2, "--looks"),
        ((garment, "--labels"), 2, "--overlay"),
        ((), 2, "IMAGES"),
        ((tmp_path / "none.fpm",), 2, "IMAGES"),
    ):
        code, out, error = run("run", *arguments)
        assert (code, out) == (expected, ""), arguments
        assert said in error, arguments


def test_the_category_that_was_found_is_said_and_drawn(
    garment: Path, knowing: Callable[[str], Path], tmp_path: Path, run: Run
) -> None:
    bundle = knowing("skirt")
    code, out, _ = run("run", bundle, garment)
    assert code == 0
    assert "skirt 90 %" in out
    assert "confidence" in out
    (answer,) = json.loads(run("run", bundle, garment, "--overlay", tmp_path, "--labels", "--json")[1])
    assert (answer["category"], answer["category_score"]) == ("skirt", 0.9)
    assert set(answer["landmarks"]) == {"waistband_left", "waistband_right", "hemline_left", "hemline_right"}
    for point in answer["landmarks"].values():
        assert point["confidence"] == pytest.approx(0.25 + 0.5 * point["score"], abs=1e-3)
    (anything,) = json.loads(run("run", bundle, garment, "--category", "any", "--json")[1])
    assert (anything["category"], len(anything["landmarks"])) == (None, 24)
    assert "any (as given)" in run("run", bundle, garment, "--category", "any")[1]


def test_a_picture_without_a_garment_is_called_so(
    garment: Path, knowing: Callable[[str], Path], tmp_path: Path, run: Run
) -> None:
    bundle = knowing("none")
    code, out, _ = run("run", bundle, garment, "--overlay", tmp_path / "out")
    assert code == 0
    assert "no garment found (90 %)" in out
    assert "0 of 0" in out
    assert "waistband" not in out
    (answer,) = json.loads(run("run", bundle, garment, "--json")[1])
    assert (answer["category"], answer["landmarks"]) == ("none", {})


def test_several_pictures_are_a_row_each(garment: Path, tiny_bundle: Path, tmp_path: Path, run: Run) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(garment.read_bytes())
    code, out, _ = run("run", tiny_bundle, garment, other, "--category", "skirt")
    assert code == 0
    assert "garment.png" in out
    assert "other.png" in out
    assert "waistband_left" not in out


LOADED = """
import sys
from fpm_edge.__main__ import main
try:
    main(["run", sys.argv[1], "--overlay", sys.argv[2]])
except SystemExit as ended:
    code = ended.code
heavy = ("tensorflow", "tf_keras", "onnx", "matplotlib", "jinja2", "scipy", "fpm_edge.data", "fpm_edge.model",
         "fpm_edge.train", "fpm_edge_converters", "fpm_edge_calibration", "importlib.metadata", "rich.progress")
print(code, [name for name in heavy if name in sys.modules])
"""


def test_a_first_run_loads_nothing_of_the_toolkit(garment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(garment), str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "0 []", done.stderr
