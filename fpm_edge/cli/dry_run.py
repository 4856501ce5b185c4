"""`fpm-edge train --dry-run`: a few steps of the run, timed."""

import itertools
from collections.abc import Iterator

import tf_keras

from fpm_edge.cli.train_plan import TrainPlan
from fpm_edge.data import Dataset
from fpm_edge.text.progress import progress_bar
from fpm_edge.train.batches import Batch
from fpm_edge.train.distribute import Team
from fpm_edge.train.estimate import RunEstimate, describe_run
from fpm_edge.train.loop import check_size, make_step
from fpm_edge.train.objective import Teacher
from fpm_edge.train.pipeline import epoch_size, training_batches

__all__ = ["dry_run"]

_STEPS = 4


def dry_run(plan: TrainPlan, model: tf_keras.Model, teacher: Teacher | None, team: Team) -> RunEstimate:
    """Train `model` for a few steps on the plan's data, writing nothing, and say what the whole run will take."""
    settings, dataset = plan.settings, plan.training
    if epoch_size(dataset) < settings.batch:
        # A whole batch is timed, whatever the data.
        dataset = dataset.subset(index % len(dataset) for index in range(settings.batch))
    check_size(dataset, settings, team)
    with team.strategy.scope():
        step, _ = make_step(model, plan.config, settings, teacher=teacher, team=team)
    batches = _batches(dataset, plan, team)
    with progress_bar("timing steps", _STEPS) as advance:

        def one() -> None:
            step(next(batches), settings.batch, 0, _STEPS).numpy()
            advance()

        return describe_run(
            plan.config,
            model,
            one,
            pictures=plan.pictures,
            batch=settings.batch,
            devices=team.place.devices,
            epochs=settings.epochs,
            micro_batch=settings.micro_batch,
            averaged=settings.ema > 0,
        )


def _batches(dataset: Dataset, plan: TrainPlan, team: Team) -> Iterator[Batch]:
    """Whole batches for ever, read as in training."""
    whole = epoch_size(dataset) // plan.settings.batch
    for epoch in itertools.count():
        batches = training_batches(dataset, plan.config, plan.settings, epoch, place=team.place)
        yield from itertools.islice(batches, whole)
