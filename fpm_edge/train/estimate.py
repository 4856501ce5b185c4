"""What a training run will take, before it is started: operations, memory, time (`fpm-edge train --dry-run`)."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import tf_keras
from rich.table import Table

from fpm_edge.model.arithmetic import StageCost
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for

__all__ = ["MemoryEstimate", "RunEstimate", "describe_run", "estimate_table", "memory_estimate"]

_TIMED_STEPS = 3
_MIB = 2**20
_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a training step holds at once.

    Every layer's output counts as kept for the backward pass, though TensorFlow frees some: on a CPU the growth of the
    process during a first step was 0.79 to 0.93 of activations and gradients (lite with 16 and 64 pictures, paper with
    1). TensorFlow itself and the pictures in preparation come on top.

    Attributes:
        weights: of the network, and of its moving average if there is one.
        gradients: of the trainable weights; twice where they are summed over micro-batches.
        moments: Adam's two averages of them.
        activations: outputs of every layer for one (micro-)batch.
    """

    weights: int
    gradients: int
    moments: int
    activations: int

    @property
    def total(self) -> int:
        """Sum of all."""
        return self.weights + self.gradients + self.moments + self.activations


@dataclass(frozen=True)
class RunEstimate:
    """What a run will take.

    Attributes:
        model: the network's name.
        parameters: trainable ones.
        pieces: parameters and MACs a picture of every piece: stage 1, x' and the later stages, or trunk and branches.
        memory: of a training step.
        pictures: training pictures.
        batch: pictures a step.
        epochs: passes over the data.
        steps_per_epoch: steps of one pass.
        seconds_per_step: median of three steps, after one that was not timed.
    """

    model: str
    parameters: int
    pieces: tuple[StageCost, ...]
    memory: MemoryEstimate
    pictures: int
    batch: int
    epochs: int
    steps_per_epoch: int
    seconds_per_step: float

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one picture through all pieces, forward."""
        return sum(piece.macs for piece in self.pieces)

    @property
    def seconds_per_epoch(self) -> float:
        """Time of one pass, without validation and checkpoints."""
        return self.steps_per_epoch * self.seconds_per_step

    @property
    def seconds(self) -> float:
        """Time of the whole run, without validation and checkpoints."""
        return self.epochs * self.seconds_per_epoch

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = asdict(self)
        plain["pieces"] = [asdict(piece) for piece in self.pieces]
        plain["memory"] = asdict(self.memory) | {"total": self.memory.total}
        return plain | {"macs": self.macs, "seconds_per_epoch": self.seconds_per_epoch, "seconds": self.seconds}


def memory_estimate(
    model: tf_keras.Model, batch: int, *, micro_batch: int | None = None, averaged: bool = False
) -> MemoryEstimate:
    """Count the memory of one training step from the network's layers.

    Args:
        model: a tf_keras functional model; its layers' dtype policies say how wide activations are.
        batch: pictures a step.
        micro_batch: pictures that go through the network at once, where a step is made of several.
        averaged: whether a moving average of the weights is kept.
    """
    at_once = batch if micro_batch is None else min(batch, micro_batch)
    weights = sum(_bytes(weight) for weight in model.weights)
    trainable = sum(_bytes(weight) for weight in model.trainable_weights)
    activations = 0
    for layer in model.layers:
        width = _BYTES[layer.compute_dtype or "float32"]
        # A layer that is used twice has two outputs.
        for node in layer.inbound_nodes:
            for shape in _shapes(node.output_shapes):
                activations += math.prod(shape[1:]) * width * at_once
    return MemoryEstimate(
        weights=weights * (2 if averaged else 1),
        gradients=trainable * (2 if at_once < batch else 1),
        moments=2 * trainable,
        activations=activations,
    )


def describe_run(
    config: NetworkConfig,
    model: tf_keras.Model,
    step: Callable[[], object],
    *,
    pictures: int,
    batch: int,
    epochs: int,
    devices: int = 1,
    micro_batch: int | None = None,
    averaged: bool = False,
) -> RunEstimate:
    """Time a few training steps and say what the whole run will take.

    Args:
        config: of `model`.
        model: the network as it is trained.
        step: runs one whole training step and returns when it is done. It is called four times and changes the
            weights.
        pictures: training pictures.
        batch: pictures a step, over all devices; the memory is that of one.
        micro_batch, averaged: see `memory_estimate`.
        devices: how many share a batch.
        epochs: passes over the data.
    """
    step()
    times = []
    for _ in range(_TIMED_STEPS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return RunEstimate(
        model=config.name,
        parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        pieces=network_for(config).costs(config),
        memory=memory_estimate(model, -(-batch // devices), micro_batch=micro_batch, averaged=averaged),
        pictures=pictures,
        batch=batch,
        epochs=epochs,
        steps_per_epoch=-(-pictures // batch),
        seconds_per_step=statistics.median(times),
    )


def estimate_table(estimate: RunEstimate) -> Table:
    """The estimate for people."""
    table = Table(title=f"{estimate.model}: what training will take", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("parameters", f"{estimate.parameters:,}")
    for piece in estimate.pieces:
        table.add_row(f"  {piece.piece.replace('_', ' ')}", f"{piece.macs / 1e9:.3f} GMAC a picture")
    table.add_row("  together", f"{estimate.macs / 1e9:.3f} GMAC a picture", end_section=True)
    memory = estimate.memory
    for name in ("weights", "gradients", "moments", "activations", "total"):
        heading = "memory of a step" if name == "total" else f"  {name}"
        table.add_row(heading, f"{getattr(memory, name) / _MIB:,.1f} MiB", end_section=name == "total")
    table.add_row("pictures", f"{estimate.pictures:,} in batches of {estimate.batch}")
    table.add_row("steps an epoch", f"{estimate.steps_per_epoch:,}")
    table.add_row("a step", f"{estimate.seconds_per_step * 1e3:,.0f} ms")
    table.add_row("an epoch", _duration(estimate.seconds_per_epoch))
    table.add_row(f"all {estimate.epochs} epochs", _duration(estimate.seconds))
    return table


def _bytes(variable: Any) -> int:
    return int(math.prod(variable.shape)) * int(variable.dtype.size)


def _shapes(shapes: Any) -> list[tuple[int, ...]]:
    """One shape or several, as tf_keras gives them, as a list."""
    several = isinstance(shapes, list) or (isinstance(shapes, tuple) and shapes and isinstance(shapes[0], tuple))
    return [tuple(shape) for shape in (shapes if several else [shapes])]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
