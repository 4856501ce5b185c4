"""Several devices or machines that train one network: who reads what, and how they agree."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import tensorflow as tf

from fpm_edge.train.batches import Batch, shares
from fpm_edge_runtime.errors import UsageError

__all__ = ["ALONE", "DISTRIBUTIONS", "Distribution", "Place", "Team", "alone", "make_team"]

Distribution: TypeAlias = Literal["none", "mirrored", "multiworker"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("none", "mirrored", "multiworker")


@dataclass(frozen=True)
class Place:
    """Where a worker stands: devices `first` … `first + local − 1` of `devices` are its own."""

    devices: int
    first: int
    local: int


ALONE = Place(devices=1, first=0, local=1)


@dataclass(frozen=True)
class Team:
    """The devices of one training run.

    Attributes:
        strategy: TensorFlow's; networks and optimisers are made in its scope.
        place: of this process.
        workers: processes.
        chief: whether this process writes files and talks to people; exactly one does.
    """

    strategy: tf.distribute.Strategy
    place: Place
    workers: int
    chief: bool

    def deal(self, batch: Batch, count: int) -> Batch:
        """This worker's share of a batch of `count` pictures, dealt to its devices."""
        if self.place.devices == 1:
            return batch
        sizes = shares(count, self.place.devices)[self.place.first : self.place.first + self.place.local]
        parts = [batch.part(sum(sizes[:device]), size) for device, size in enumerate(sizes)]

        def field_of(number: int) -> Callable[[Any], Any]:
            return lambda context: parts[context.replica_id_in_sync_group - self.place.first][number]

        values = (self.strategy.experimental_distribute_values_from_function(field_of(i)) for i in range(len(batch)))
        return Batch(*values)

    def agree(self, *wishes: bool) -> tuple[bool, ...]:
        """Each wish, if any worker has it; all workers must ask at the same step."""
        if self.workers == 1:
            return wishes
        counts = _total(self.strategy, tf.constant([float(wish) for wish in wishes]))
        return tuple(bool(count > 0) for count in counts.numpy())


@tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
def _total(strategy: tf.distribute.Strategy, values: Any) -> Any:
    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(tf.identity, args=(values,)), axis=None)


def alone() -> Team:
    """One process on TensorFlow's default device."""
    return Team(tf.distribute.get_strategy(), ALONE, workers=1, chief=True)


def make_team(distribution: Distribution) -> Team:
    """The team that ``--distribute`` names; to be called before anything else is done with TensorFlow.

    ``mirrored``: all GPUs of this machine (all logical CPU devices where there is none). ``multiworker``: this process
    is one of those in the environment variable ``TF_CONFIG``, each with the same number of devices.

    Raises:
        UsageError: unknown name, or ``TF_CONFIG`` is missing or malformed.
    """
    if distribution == "none":
        return alone()
    if distribution == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
        strategy = tf.distribute.MirroredStrategy(devices)
        return Team(strategy, Place(len(devices), 0, len(devices)), workers=1, chief=True)
    if distribution == "multiworker":
        workers, number = _cluster()
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        devices = strategy.num_replicas_in_sync
        local = devices // workers
        return Team(strategy, Place(devices, number * local, local), workers, chief=number == 0)
    raise UsageError(f"distribution {distribution!r}; expected one of: {', '.join(DISTRIBUTIONS)}")


def _cluster() -> tuple[int, int]:
    """Number of workers, and this one's number, from TF_CONFIG: chiefs first, then workers."""
    expected = (
        'expected e.g. {"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, "task": {"type": "worker", "index": 0}}'
    )
    try:
        given = json.loads(os.environ["TF_CONFIG"])
        groups = {kind: len(given["cluster"].get(kind, ())) for kind in ("chief", "worker")}
        kind, index = given["task"]["type"], int(given["task"]["index"])
        if not 0 <= index < groups[kind]:
            raise ValueError(f"there is no {kind} {index} in the cluster")
    except KeyError as error:
        raise UsageError(f"multiworker training needs TF_CONFIG, which lacks {error}; {expected}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"TF_CONFIG is malformed ({error}); {expected}") from None
    return sum(groups.values()), index + (groups["chief"] if kind == "worker" else 0)
