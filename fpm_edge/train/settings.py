"""How to train, as data."""

import math
from typing import Literal

import msgspec

from fpm_edge_runtime.errors import UsageError

__all__ = ["Augmentation", "TrainSettings"]


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Random changes of a training picture; each is drawn uniformly in ± its value.

    Attributes:
        flip: probability of mirroring (landmarks swap by the schema's flip pairs).
        rotation: degrees.
        scale: log2 of the zoom (0.3 means between 0.81 and 1.23).
        shift: share of the input's side.
        brightness: added, in units of the full range.
        contrast: relative.
        saturation: relative.
        channel_gain: relative, per colour channel.
    """

    flip: float = 0.5
    rotation: float = 15.0
    scale: float = 0.35
    shift: float = 0.08
    brightness: float = 0.15
    contrast: float = 0.3
    saturation: float = 0.4
    channel_gain: float = 0.1


class TrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Optimisation settings; the defaults are the paper's (Adam, 1e-4, batches of 5, 6 epochs, no augmentation).

    Attributes:
        epochs: passes over the data.
        batch: pictures a step.
        learning_rate: Adam's, at its peak.
        schedule: ``constant``, or ``cosine`` down to 1 % after the warm-up.
        warmup_steps: steps over which the rate rises linearly.
        sigma: standard deviation of the ideal peak, heatmap cells.
        augmentation: None for none.
        occluded_weight: weight of the maps of occluded landmarks (v = 0) in the loss; visible ones have 1.
        seed: of initial weights, order and augmentation.
        checkpoint_minutes: a checkpoint at least this often; there is one after every epoch as well.
    """

    epochs: int = 6
    batch: int = 5
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    sigma: float = 1.25
    augmentation: Augmentation | None = None
    occluded_weight: float = 1.0
    seed: int = 0
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "learning_rate", "sigma", "checkpoint_minutes"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise UsageError(f"training setting {name} is {value}; expected a positive number")

    def rate(self, step: int, total: int) -> float:
        """Learning rate of step `step` (from 0) of `total`."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - self.warmup_steps) / max(1, total - self.warmup_steps)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done))))
