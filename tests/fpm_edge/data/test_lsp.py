"""Leeds Sports Pose."""

from pathlib import Path

import pytest
from PIL import Image

from fpm_edge.data import load_dataset
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

JOINTS = load_schema("lsp14").landmarks


def write(folder: Path, **cells: str) -> None:
    (folder / "images").mkdir(exist_ok=True)
    Image.new("RGB", (200, 150)).save(folder / "images/im1.png")
    values = [cells.get(joint, f"{20 + 10 * i}_{40 + i}.5_1") for i, joint in enumerate(JOINTS)]
    (folder / "joints_subset.csv").write_text(
        ",".join(["image", *JOINTS]) + "\n" + ",".join(["images/im1.png", *values]) + "\n"
    )


def test_joints_stay_in_picture_pixels_and_the_box_is_around_them(tmp_path: Path) -> None:
    write(tmp_path, neck="-1_-1_-1")
    dataset = load_dataset(f"lsp:{tmp_path}")
    (record,) = dataset.records
    assert (record.category, dataset.name) == ("person", tmp_path.name)
    assert record.landmarks[0].tolist() == [20, 40.5]
    assert record.visibility.tolist() == [1] * 12 + [-1, 1]
    # Joints span 130 px across (20 to 150) and 13 px down, so the square has 130 · 1.5 px a side.
    assert record.box == pytest.approx((85.5 - 97.5, 47.5 - 97.5, 85.5 + 97.5, 47.5 + 97.5))


def test_one_joint_still_has_a_box(tmp_path: Path) -> None:
    write(tmp_path, **dict.fromkeys(JOINTS[1:], "0_0_-1"))
    assert load_dataset(f"lsp:{tmp_path}").records[0].box == pytest.approx((4.5, 25, 36.5, 57))


def test_crop_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_dataset(f"lsp:{tmp_path}", crop=False).records[0].box is None


@pytest.mark.parametrize(
    ("cell", "message"),
    [("1_2", "is not x_y_v"), ("nan_2_1", "finite"), ("300_2_1", "outside the picture"), ("3_2_7", "expected v = 1")],
)
def test_bad_cells(tmp_path: Path, cell: str, message: str) -> None:
    write(tmp_path, left_knee=cell)
    with pytest.raises(DataError, match=f"line 2: column left_knee: .*{message}"):
        load_dataset(f"lsp:{tmp_path}")


def test_a_schema_of_several_categories_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UsageError, match="'fashionai24' has 5 categories"):
        load_dataset(f"lsp:{tmp_path}", schema="fashionai24")
