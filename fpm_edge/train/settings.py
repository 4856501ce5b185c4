"""How to train, as data."""

import math
from typing import Literal

import msgspec

from fpm_edge_runtime.errors import UsageError

__all__ = ["Augmentation", "TrainSettings"]

# From here on a corner of the picture may lie at infinity.
_CORNER = 0.5


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Random changes of a training picture; each is drawn uniformly in ± its value.

    Attributes:
        flip: probability of mirroring (landmarks swap by the schema's flip pairs); 0 where it leaves sides unpaired.
        rotation: degrees.
        turn: share of the pictures that are turned by any angle instead, as people lay clothes.
        perspective: how much nearer or farther than the centre the middle of a side is, as a share; below a half, for
            a corner is as much nearer by both its sides.
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
    turn: float = 0.0
    perspective: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "turn"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"augmentation {name} is {getattr(self, name)}; expected a share from 0 to 1")
        if not 0.0 <= self.perspective < _CORNER:
            raise UsageError(f"augmentation perspective is {self.perspective}; expected 0 or more, below {_CORNER:g}")
        for name in ("rotation", "scale", "shift", "brightness", "contrast", "saturation", "channel_gain"):
            if not (getattr(self, name) >= 0.0 and math.isfinite(getattr(self, name))):
                raise UsageError(f"augmentation {name} is {getattr(self, name)}; expected zero or a positive number")


class TrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Optimisation settings; the defaults are the paper's (Adam, 1e-4, batches of 5, 6 epochs, no augmentation).

    Attributes:
        epochs: passes over the data.
        batch: pictures a step, over all devices together.
        micro_batch: pictures that a device holds at once; gradients are summed over as many as make up its share of
            the batch, so that a large batch fits a small card. None for the whole share. Batch normalisation takes
            its statistics over the micro-batch.
        learning_rate: Adam's, at its peak.
        schedule: ``constant``, or ``cosine`` down to 1 % after the warm-up.
        warmup_steps: steps over which the rate rises linearly.
        stage_rates: what the learning rate is multiplied by for the weights of each stage, 0 to leave them as they
            are; empty for 1. Weights belong to the first stage that needs them: the stem to stage 1, shared x' to
            stage 2.
        clip_norm: gradients are scaled down to this global norm; None for no clipping.
        sigma: standard deviation of the ideal peak, heatmap cells (of stride 8 for the one-shot network), at the first
            step.
        sigma_end: the same at the last step, linear in between; None for `sigma` throughout.
        augmentation: None for none.
        occluded_weight: weight of the maps of occluded landmarks (v = 0) in the loss; visible ones have 1.
        absent_weight: weight of the maps of landmarks that the garment's category does not have, whose ideal map is
            zero; 0 leaves them free. A landmark that the category has and the record does not label has no weight.
        category_weight: weight of the cross-entropy of the category that the heights of the peaks speak for
            (`category.category_loss`), at every stage.
        truth_weight: weight of the squared distance to the ideal maps; 0 to learn from another network alone.
        teacher_weight: weight of the squared distance to the teacher's last maps.
        float_weight: weight of the squared distance of every stage to that stage's maps of the float network that
            quantization-aware training started from, over the landmarks of the garment's category; float training
            has none.
        freeze_ranges_after: share of quantization-aware training after which the quantizers' activation ranges stay;
            0 keeps those it starts with, 1 moves them to the end.
        self_weight: weight of the squared distance of every earlier stage to the network's own last stage; a network
            with one answer has none.
        ema: decay a step of the average of the weights that is kept in the end; 0 keeps the last weights.
        precision: ``float32``, or arithmetic in 16 bits with weights, heatmaps and loss in float32.
        xla: compile forward and backward pass with XLA.
        seed: of initial weights, order and augmentation.
        checkpoint_minutes: a checkpoint at least this often; there is one after every epoch as well.
    """

    epochs: int = 6
    batch: int = 5
    micro_batch: int | None = None
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    stage_rates: tuple[float, ...] = ()
    clip_norm: float | None = None
    sigma: float = 1.25
    sigma_end: float | None = None
    augmentation: Augmentation | None = None
    occluded_weight: float = 1.0
    absent_weight: float = 0.0
    category_weight: float = 0.0
    truth_weight: float = 1.0
    teacher_weight: float = 0.0
    float_weight: float = 0.0
    self_weight: float = 0.0
    freeze_ranges_after: float = 1.0
    ema: float = 0.0
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    xla: bool = False
    seed: int = 0
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        positive = ("epochs", "batch", "micro_batch", "learning_rate", "clip_norm", "sigma", "sigma_end")
        for name in (*positive, "checkpoint_minutes"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UsageError(f"training setting {name} is {value}; expected a positive number")
        weights = (
            "occluded_weight",
            "absent_weight",
            "category_weight",
            "truth_weight",
            "teacher_weight",
            "float_weight",
            "self_weight",
        )
        for name in (*weights, "warmup_steps", "seed"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise UsageError(f"training setting {name} is {value}; expected zero or a positive number")
        if not 0.0 <= self.ema < 1.0:
            raise UsageError(f"training setting ema is {self.ema}; expected 0, or a decay below 1 such as 0.999")
        if not 0.0 <= self.freeze_ranges_after <= 1.0:
            raise UsageError(
                f"training setting freeze_ranges_after is {self.freeze_ranges_after}; expected a share from 0 to 1"
            )
        if self.truth_weight == self.teacher_weight == self.float_weight == 0:
            raise UsageError(
                "training setting truth_weight is 0, which leaves nothing to learn from; give another network's maps a "
                "weight (teacher_weight, or float_weight for quantization-aware training)"
            )
        rates = self.stage_rates
        if not all(rate >= 0 and math.isfinite(rate) for rate in rates) or (rates and not any(rates)):
            raise UsageError(
                f"training setting stage_rates is {list(rates)}; expected zeros and positive numbers, not all zero"
            )

    def rate(self, step: int, total: int) -> float:
        """Learning rate of step `step` (from 0) of `total`."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - self.warmup_steps) / max(1, total - self.warmup_steps)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done))))

    def sigma_at(self, step: int, total: int) -> float:
        """Standard deviation of the ideal peak at step `step` (from 0) of `total`, heatmap cells."""
        if self.sigma_end is None:
            return self.sigma
        return self.sigma + (self.sigma_end - self.sigma) * step / max(1, total - 1)
