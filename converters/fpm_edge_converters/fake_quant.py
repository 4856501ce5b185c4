"""Put tfmot's int8 quantizers into a float network, and set their ranges.

Post-training quantization and quantization-aware training are one path (DESIGN §5.10): both convert a network whose
quantizer ranges are variables. PTQ assigns them from calibration, QAT trains the weights under them as well.

Heatmaps are quantized over exactly [0, 1], the range of the ideal map: 255 codes for a peak, and saturation of the
int8 convolution is the clip itself, so the converted graph holds no clipping op.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras.quant_ops import MovingAvgQuantize

from fpm_edge_runtime.errors import ConversionError

__all__ = [
    "assign_kernel_ranges",
    "assign_ranges",
    "fake_quantized",
    "freeze_ranges",
    "quantized_layers",
    "recorded_ranges",
]

_quantization = tfmot.quantization.keras
_QuantizeConfig: Any = _quantization.QuantizeConfig
_Quantizer: Any = _quantization.quantizers.Quantizer
_LastValueQuantizer: Any = _quantization.quantizers.LastValueQuantizer
_MovingAverageQuantizer: Any = _quantization.quantizers.MovingAverageQuantizer

# An activation that was always zero in calibration still needs a scale.
_SMALLEST_RANGE = 1e-3
# A channel whose weights are all zero does too.
_SMALLEST_KERNEL = np.float32(1e-6)
# Share of its old range that a moving quantizer keeps at each training step, tfmot's own; with 1 nothing moves.
_DECAY = 0.999
# The largest code of a kernel by its bits. With 7, two products with a uint8 code never overflow 16 bits:
# 2 · 255 · 64 = 32,640 (decision 0028).
_LARGEST_CODE = {7: 64, 8: 127}


class _FixedRange(_Quantizer):  # type: ignore[misc]
    """Affine int8 over a range that training never moves."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        del tensor_shape
        low = layer.add_weight(f"{name}_min", initializer=tf_keras.initializers.Constant(self.low), trainable=False)
        high = layer.add_weight(f"{name}_max", initializer=tf_keras.initializers.Constant(self.high), trainable=False)
        return {"min_var": low, "max_var": high}

    def __call__(self, inputs: Any, training: bool, weights: dict[str, Any], **_: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_vars(inputs, weights["min_var"], weights["max_var"])

    def get_config(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high}


class _MovingRange(_MovingAverageQuantizer):  # type: ignore[misc]
    """Affine int8 over a moving average of the batches' extremes, which can be told to stay.

    Args:
        decay: scalar float64 variable. It belongs to the training, not to the network, and is no weight.
    """

    def __init__(self, decay: Any) -> None:
        super().__init__(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)
        self.decay = decay

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        # TFLite's converter saves the network, which takes every variable to be found from a layer. As an attribute
        # of the layer itself it would become one of the weights.
        layer.range_decay = tf.train.Checkpoint(decay=self.decay)
        ranges: dict[str, Any] = super().build(tensor_shape, name, layer)
        return ranges

    def __call__(self, inputs: Any, training: bool, weights: dict[str, Any], **_: Any) -> Any:
        if not training:
            return super().__call__(inputs, training, weights)
        return MovingAvgQuantize(inputs, weights["min_var"], weights["max_var"], ema_decay=self.decay)


class _PerChannel(_LastValueQuantizer):  # type: ignore[misc]
    """Symmetric int8 with one scale for each output channel, as TFLite stores kernels."""

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        channels = (int(tensor_shape[-1]),)
        low = layer.add_weight(
            f"{name}_min", shape=channels, initializer=tf_keras.initializers.Constant(-6.0), trainable=False
        )
        high = layer.add_weight(
            f"{name}_max", shape=channels, initializer=tf_keras.initializers.Constant(6.0), trainable=False
        )
        return {"min_var": low, "max_var": high}


class _Quantize(_QuantizeConfig):  # type: ignore[misc]
    """What to quantize of a layer: its kernel, its output, both.

    Attributes:
        kernel: whether there is a kernel to quantize, per output channel.
        output: ``calibrated`` (a moving range), ``unit`` (exactly [0, 1]) or None.
        decay: of moving ranges, see `_MovingRange`.
    """

    def __init__(self, decay: Any, kernel: bool = False, output: str | None = None) -> None:
        self.decay, self.kernel, self.output = decay, kernel, output

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        return [(layer.kernel, _PerChannel())] if self.kernel else []

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        if self.kernel:
            layer.kernel = quantize_weights[0]

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        if self.output is None:
            return []
        if self.output == "unit":
            return [_FixedRange(0.0, 1.0)]
        return [_MovingRange(self.decay)]

    def get_config(self) -> dict[str, bool | str | None]:
        return {"kernel": self.kernel, "output": self.output}


def fake_quantized(model: tf_keras.Model) -> tf_keras.Model:
    """A copy of a float network with an int8 quantizer at every tensor that the int8 graph stores.

    Args:
        model: functional, without batch normalisation, built of the layers that `_config_for` names.

    Returns:
        A network with the same inputs, outputs and weights, whose quantized layers are named ``quant_<layer>``. The
        ranges are at their start values until they are assigned or trained.

    Raises:
        ConversionError: a layer that cannot be quantized, by name.
    """

    def clone(layer: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        if layer.name.startswith("heatmap_"):
            copy = tf_keras.layers.Activation("linear", name=layer.name)
        config = _config_for(layer, decay)
        # tfmot's quantize_model is left out: it leaves the kernel of a convolution followed by a separate ReLU
        # without a quantizer. Its wrapper does exactly what the configuration says.
        return copy if config is None else _quantization.QuantizeWrapperV2(copy, config, name_prefix="quant_")

    # In float64 as in tfmot's own arithmetic, where 1 − 0.999 is rounded to float32 once.
    decay = tf.Variable(_DECAY, dtype=tf.float64, trainable=False)
    # AutoGraph would read and rewrite the source of every wrapper, which has no Python control flow that needs it.
    copied = tf.autograph.experimental.do_not_convert(tf_keras.models.clone_model)
    quantized = copied(model, clone_function=clone)
    targets = {variable.name: variable for variable in quantized.weights}
    for variable in model.weights:
        targets[f"quant_{variable.name}"].assign(variable)
    return quantized


def _config_for(layer: Any, decay: Any) -> _Quantize | None:
    """Where the int8 graph stores a tensor: after every activation, and after a convolution that has none."""
    kinds = tf_keras.layers
    if isinstance(layer, kinds.InputLayer | kinds.MaxPooling2D | kinds.Add):
        return None
    if layer.name == "pixels":
        return _Quantize(decay, output="unit")
    if layer.name.startswith("heatmap_"):
        clipped = isinstance(layer, kinds.ReLU)
        return _Quantize(decay, output="unit" if clipped else "calibrated")
    if isinstance(layer, kinds.ReLU):
        return _Quantize(decay, output="calibrated")
    if type(layer) is kinds.Conv2D:  # Conv2DTranspose is a subclass
        fused = all(
            isinstance(node.outbound_layer, kinds.ReLU) or node.outbound_layer.name.startswith("heatmap_")
            for node in layer.outbound_nodes
        )
        return _Quantize(decay, kernel=True, output=None if fused else "calibrated")
    raise ConversionError(
        f"layer {layer.name} is a {type(layer).__name__}, which the int8 path does not know; build the network of "
        "Conv2D, ReLU, Add and MaxPooling2D, or convert with --fp16"
    )


def quantized_layers(quantized: tf_keras.Model) -> tuple[str, ...]:
    """Names of the float layers whose outputs need a range from calibration."""
    return tuple(name for name, _, _ in _activation_ranges(quantized) if not _is_fixed(quantized, name))


def assign_ranges(quantized: tf_keras.Model, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Set every quantizer: activations from `ranges`, kernels from their own extremes; fixed ranges stay.

    Args:
        ranges: float layer name → (minimum, maximum) of its output in real units; zero is always included.

    Raises:
        ConversionError: a layer without a range, or with one that is not finite.
    """
    for name, low, high in _activation_ranges(quantized):
        if _is_fixed(quantized, name):
            continue
        if name not in ranges:
            raise ConversionError(f"calibration gave no range for the output of layer {name}")
        minimum, maximum = (float(v) for v in ranges[name])
        if not (np.isfinite(minimum) and np.isfinite(maximum) and minimum <= maximum):
            raise ConversionError(f"the range of layer {name} is [{minimum}, {maximum}]; check the weights for NaN")
        minimum = min(minimum, 0.0)
        low.assign(minimum)
        high.assign(max(maximum, minimum + _SMALLEST_RANGE, 0.0))
    assign_kernel_ranges(quantized)


def assign_kernel_ranges(quantized: tf_keras.Model, bits: Literal[7, 8] = 8) -> None:
    """Set every kernel quantizer to the symmetric extremes of each output channel.

    Args:
        bits: with 7, the codes, which stay int8, go from −64 to 64 only.
    """
    unused = np.float32(_LARGEST_CODE[8] / _LARGEST_CODE[bits])
    variables = {variable.name: variable for variable in quantized.weights}
    for name, variable in variables.items():
        if not name.endswith("/kernel:0"):
            continue
        kernel = variable.numpy()
        extreme = np.maximum(np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))), _SMALLEST_KERNEL)
        variables[f"{name.removesuffix(':0')}_min:0"].assign(-extreme * unused)
        variables[f"{name.removesuffix(':0')}_max:0"].assign(extreme * unused)


def freeze_ranges(quantized: tf_keras.Model, frozen: bool) -> None:
    """Whether the activation ranges stay as they are in training; those of a new network move.

    Kernels are quantized over their own extremes in either case, as `assign_kernel_ranges` leaves them for conversion.
    Nothing of this is saved with the network.
    """
    configs = [layer.quantize_config for layer in quantized.layers if hasattr(layer, "quantize_config")]
    # One variable for all of them.
    configs[0].decay.assign(1.0 if frozen else _DECAY)


def recorded_ranges(quantized: tf_keras.Model) -> dict[str, tuple[float, float]]:
    """The activation ranges as they stand: float layer name → (minimum, maximum)."""
    return {name: (float(low.numpy()), float(high.numpy())) for name, low, high in _activation_ranges(quantized)}


def _activation_ranges(quantized: tf_keras.Model) -> list[tuple[str, Any, Any]]:
    variables = {variable.name: variable for variable in quantized.weights}
    suffix = "/output_min:0"
    return [
        (
            name.removesuffix(suffix).removeprefix("quant_"),
            variable,
            variables[name.removesuffix("_min:0") + "_max:0"],
        )
        for name, variable in variables.items()
        if name.endswith(suffix)
    ]


def _is_fixed(quantized: tf_keras.Model, name: str) -> bool:
    return bool(quantized.get_layer(f"quant_{name}").quantize_config.output == "unit")
