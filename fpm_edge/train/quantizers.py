"""What training must know of a network with int8 quantizers."""

from collections.abc import Callable
from dataclasses import dataclass

import tf_keras

from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.errors import UsageError

__all__ = ["Quantizers", "check_quantizers"]


@dataclass(frozen=True)
class Quantizers:
    """The quantizers of a network in training.

    Attributes:
        reference: the float network that the quantized one was made of, without batch normalisation, one output a
            stage; see `TrainSettings.float_weight`.
        freeze: called with whether the activation ranges stay as they are; see `TrainSettings.freeze_ranges_after`.
    """

    reference: tf_keras.Model
    freeze: Callable[[bool], None]


def check_quantizers(settings: TrainSettings, quantizers: Quantizers | None) -> None:
    """Raise UsageError for settings that training without quantizers cannot follow."""
    if quantizers is not None:
        return
    for name, neutral in (("float_weight", 0.0), ("freeze_ranges_after", 1.0)):
        value = getattr(settings, name)
        if value != neutral:
            raise UsageError(
                f"training setting {name} is {value}, which is for quantization-aware training; use `fpm-edge qat`, or "
                f"leave it at {neutral:g}"
            )
