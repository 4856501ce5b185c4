"""How still landmarks must be is fitted to what stopping costs."""

from pathlib import Path

import numpy as np
import pytest

from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.predict import Predictions, predict_session, truth_of
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.stopping import fit_convergence, movements, stages_needed
from fpm_edge.data import Dataset, load_dataset
from fpm_edge_runtime import UsageError, open_bundle
from fpm_edge_runtime.bundle.manifest import Geometry

GEOMETRY = Geometry(64, 64, 8)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    """80 garments of 64 pixels: pixels of the picture are those of the input."""
    return load_dataset("rendered:80@3/64")


def answers(garments: Dataset, off: np.ndarray) -> Predictions:
    """Answers whose landmarks are all off by `off` (pictures, stages) pixels to the right of the truth."""
    truth = truth_of(garments).landmarks[:, np.newaxis].repeat(off.shape[1], axis=1)
    moved = np.stack([off, np.zeros_like(off)], axis=-1)[:, :, np.newaxis]
    shape = (*off.shape, truth.shape[2])
    return Predictions((truth + moved).astype(np.float32), np.ones(shape, np.float32), np.full((len(off), 2), 64.0))


def some_moving(garments: Dataset, late: float) -> Predictions:
    """Three quarters are right from stage 2 on; the fourth is off by `late` there and moves away in stage 3."""
    off = np.tile(np.array([3.0, 1.0, 1.0]), (len(garments), 1))
    # Pairs, so that both halves have them.
    off[np.arange(len(garments)) % 8 < 2] = (1.0 + late + 2.0, 1.0 + late, 1.0)
    off[np.arange(len(garments)) % 8 < 2, 0] += 3.0
    return answers(garments, off)


def test_movements_are_in_pixels_of_the_input(garments: Dataset) -> None:
    found = answers(garments, np.tile(np.array([4.0, 1.0, 0.5]), (len(garments), 1)))
    assert np.allclose(movements(found, garments, GEOMETRY), [3.0, 0.5], atol=1e-4)
    assert np.allclose(movements(found, garments, Geometry(128, 128, 8)), [6.0, 1.0], atol=1e-4)


def test_stages_that_run() -> None:
    moved = np.array([[0.5, 9.0, 9.0], [2.0, 0.5, 9.0], [2.0, 2.0, 0.0], [np.inf, np.inf, np.inf]])
    assert stages_needed(moved, 1.0).tolist() == [2, 3, 4, 4]


def test_stops_where_it_costs_nothing(garments: Dataset) -> None:
    """Those that stage 3 would still mend moved by 5 pixels into stage 2, the others by 2."""
    fitted = fit_convergence(some_moving(garments, late=10.0), garments, GEOMETRY, 0.01)
    assert fitted is not None
    assert 2.0 <= fitted.px < 5.0
    assert fitted.ne_loss.estimate == pytest.approx(0.0, abs=1e-6)
    assert fitted.stages_run == pytest.approx(2.25)
    assert fitted.pictures == 40


def test_a_larger_loss_buys_more(garments: Dataset) -> None:
    found = some_moving(garments, late=0.5)
    assert fit_convergence(found, garments, GEOMETRY, 0.01).stages_run == pytest.approx(2.25)  # type: ignore[union-attr]
    free = fit_convergence(found, garments, GEOMETRY, 0.5)
    assert free is not None
    assert free.stages_run == 2.0
    # A quarter of the pictures (not of the points) loses half of its error of one pixel.
    assert free.ne_loss.estimate == pytest.approx(0.125, abs=0.02)


def test_nothing_is_fitted_where_every_stop_costs(garments: Dataset) -> None:
    found = answers(garments, np.tile(np.array([5.0, 4.0, 1.0]), (len(garments), 1)))
    assert fit_convergence(found, garments, GEOMETRY, 0.01) is None


def test_nothing_is_fitted_to_few_pictures_or_stages(garments: Dataset) -> None:
    few = garments.subset(range(39))
    assert fit_convergence(some_moving(few, late=10.0), few, GEOMETRY, 0.01) is None
    two = answers(garments, np.ones((len(garments), 2)))
    assert fit_convergence(two, garments, GEOMETRY, 0.01) is None


# ---- real files ----


def test_the_bundle_says_what_it_bears(
    tiny_model: Path, calibration_data: Dataset, garments: Dataset, tmp_path: Path
) -> None:
    """With any loss allowed, all movement is stillness; and the session does as the fit said."""
    made = convert(
        tiny_model,
        tmp_path / "any.fpm",
        precision="float32",
        calibration=Calibration(calibration_data, samples=16),
        score=garments,
        formats=("tflite",),
        max_stop_loss=100.0,
    )
    fitted = made.manifest.convergence
    assert fitted is not None
    assert made.manifest.schema_version == 3
    session = open_bundle(made.path).session()
    read = KeptPictures()
    found = predict_session(session, garments, read)
    expected = stages_needed(movements(found, garments, made.manifest.geometry), fitted.px)
    ran = [
        session.detect(read(record), category=record.category, box=record.box, converge_px="fitted")
        for record in garments.records[:20]
    ]
    assert [one.stages_run for one in ran] == expected[:20].tolist()


def test_a_loss_that_is_no_share(tiny_model: Path, calibration_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"max_stop_loss is -0\.1"):
        convert(
            tiny_model,
            tmp_path / "no.fpm",
            precision="float32",
            calibration=Calibration(calibration_data, samples=16),
            max_stop_loss=-0.1,
        )
