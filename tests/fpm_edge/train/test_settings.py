"""Settings of a training: what schedules give at each step, and what cannot be."""

from itertools import pairwise
from typing import Any

import pytest

from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.errors import UsageError


def test_the_paper_recipe_is_the_papers() -> None:
    paper = RECIPES["paper"]
    assert (paper.learning_rate, paper.batch, paper.epochs) == (1e-4, 5, 6)
    assert (paper.schedule, paper.warmup_steps, paper.augmentation) == ("constant", 0, None)
    assert {paper.rate(step, 100) for step in range(100)} == {1e-4}


def test_the_rate_rises_and_falls() -> None:
    settings = TrainSettings(learning_rate=1.0, schedule="cosine", warmup_steps=10)
    rates = [settings.rate(step, 110) for step in range(111)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.505)
    assert rates[110] == pytest.approx(0.01)
    assert all(a >= b for a, b in pairwise(rates[10:]))


@pytest.mark.parametrize("name", ["epochs", "batch", "learning_rate", "sigma", "checkpoint_minutes"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_settings_that_cannot_be(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"training setting {name} is"):
        TrainSettings(**{name: value})  # type: ignore[arg-type]


def test_sigma_goes_from_its_start_to_its_end() -> None:
    settings = TrainSettings(sigma=2.0, sigma_end=1.0)
    assert [settings.sigma_at(step, 11) for step in (0, 5, 10)] == [2.0, 1.5, 1.0]
    assert TrainSettings(sigma=2.0).sigma_at(7, 11) == 2.0


@pytest.mark.parametrize(
    "settings",
    [{"micro_batch": 0}, {"clip_norm": -1.0}, {"sigma_end": 0.0}, {"teacher_weight": -0.5}, {"ema": 1.0}],
)
def test_settings_of_the_step_that_cannot_be(settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(UsageError, match=f"training setting {name} is"):
        TrainSettings(**settings)
