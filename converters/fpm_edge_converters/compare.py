"""Layer by layer: how far the converted file's tensors are from the float network's.

Every tensor of the converted pieces is read while they run (in LiteRT's own kernels, without XNNPACK, whose inner
tensors cannot be seen), turned into real units, and compared twice:

- with what the float network has there, so errors of all layers before are in it (`sqnr_db`);
- with what the float layer makes of the converted file's own inputs, so that only this layer's kernel and the rounding
  of its output are in it (`own_sqnr_db`). A damaged layer stands out here; those after it, which inherit, do not.

SQNR = 10 · log₁₀(Σ f² / Σ (f − q)²) over all pictures, cells and channels, f float and q converted.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import tf_keras
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layers import ConvertedLayer, match_layers
from fpm_edge_runtime.bundle.conversion import converted
from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.bundle.tensors import arranged
from fpm_edge_runtime.errors import ConversionError, DataError

__all__ = ["LayerComparison", "compare_layers"]

# One code of a uint8 pixel in the network's input range [0, 1].
_PIXEL = 1.0 / 255.0
# Rounding to int8 leaves a kernel's direction as it was (cosine over 0.999 per channel); other weights do not.
_SAME_KERNEL = 0.9


@dataclass(frozen=True)
class LayerComparison:
    """One tensor of the converted file against the float network.

    Attributes:
        name: the layer of the network whose output it is, after the activation.
        kind: TFLite's name of the operator.
        sqnr_db: against the float network; infinite where nothing differs.
        own_sqnr_db: against the float layer on the converted file's own inputs.
        cosine: of the two tensors as vectors, against the float network.
        mean_error: mean of q − f over everything, against the float network, real units.
        bias_share: share of Σ (f − q)² that is a constant offset of a channel, 0 to 1: what a corrected bias would
            take away.
        clipped: share of the values that the float layer, on the converted file's own inputs, puts outside the range
            of the codes by more than half a code; None for float tensors.
        codes: share of the codes of its type (256 or 65,536) that occur; None for float tensors.
        low, high: the range of the codes, real units; None for float tensors.
    """

    name: str
    kind: str
    sqnr_db: float
    own_sqnr_db: float
    cosine: float
    mean_error: float
    bias_share: float
    clipped: float | None
    codes: float | None
    low: float | None
    high: float | None


def compare_layers(
    network: tf_keras.Model,
    pieces: Mapping[Piece, bytes],
    inputs: Sequence[NDArray[np.uint8]],
    advance: Callable[..., None] | None = None,
) -> tuple[LayerComparison, ...]:
    """Compare every layer of the converted pieces with the float network, the worst `own_sqnr_db` first.

    Args:
        network: the float network without batch normalisation whose weights were converted.
        pieces: the TFLite pieces of a bundle, in order of execution.
        inputs: (height, width, 3) uint8 each, at least one.
        advance: called after each input.

    Raises:
        ConversionError: the pieces do not compute this network, or have other weights.
        DataError: no inputs.
    """
    if not inputs:
        raise DataError("nothing to compare layers on; give at least one picture")
    made: dict[str, TensorSpec] = {}
    taps = [_Taps(network, data, made) for data in pieces.values()]
    names = [layer.name for tap in taps for layer in tap.layers]
    floats = tf_keras.Model(network.input, {name: network.get_layer(name).output for name in names})
    sums = {name: _Sums() for name in names}
    for picture in inputs:
        image = picture[np.newaxis]
        expected = floats(image.astype(np.float32) * np.float32(_PIXEL), training=False)
        raw: dict[str, NDArray[Any]] = {"image": image}
        real: dict[str, NDArray[np.float32]] = {"image": image.astype(np.float32) * np.float32(_PIXEL)}
        for tap in taps:
            tap.run(raw, real)
            for layer in tap.layers:
                own = _apply(network, layer, [real[name] for name in layer.inputs])
                sums[layer.name].add(expected[layer.name].numpy(), own, real[layer.name])
                sums[layer.name].add_codes(raw[layer.name], own, tap.specs[layer.name])
        if advance is not None:
            advance()
    results = [sums[layer.name].result(layer, tap.specs[layer.name]) for tap in taps for layer in tap.layers]
    return tuple(sorted(results, key=lambda result: result.own_sqnr_db))


def _apply(network: tf_keras.Model, layer: ConvertedLayer, inputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What the float layers give for these inputs."""
    value: Any = inputs if len(inputs) > 1 else inputs[0]
    for name in layer.layers:
        value = network.get_layer(name)(value)
    return np.asarray(value.numpy(), np.float32)


class _Taps:
    """One piece, run so that all its tensors can be read. `made`: what the pieces before it give, by layer; and then
    what this one gives. Where an edge is uint8 that is what stands behind it."""

    def __init__(self, network: tf_keras.Model, data: bytes, made: dict[str, TensorSpec]) -> None:
        graph = FlatGraph(data)
        self.layers = match_layers(graph, network)
        _check_kernels(graph, self.layers, network)
        self.specs = {layer.name: graph.spec(layer.tensor) for layer in self.layers}
        self._inputs = [(index, graph.spec(index)) for index in graph.inputs]
        self._made = made
        made |= self.specs
        self._interpreter = Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._interpreter.allocate_tensors()

    def run(self, raw: dict[str, NDArray[Any]], real: dict[str, NDArray[np.float32]]) -> None:
        """Run on tensors of `raw`; add every layer's output to `raw` as it is and to `real` in real units."""
        for index, spec in self._inputs:
            self._interpreter.set_tensor(index, arranged(raw[spec.name], self._made.get(spec.name), spec))
        self._interpreter.invoke()
        for layer in self.layers:
            value = self._interpreter.get_tensor(layer.tensor)
            raw[layer.name] = value
            spec = self.specs[layer.name]
            real[layer.name] = converted(value, spec, msgspec.structs.replace(spec, dtype="float32"))


def _check_kernels(graph: FlatGraph, layers: Sequence[ConvertedLayer], network: tf_keras.Model) -> None:
    operators = graph.operators
    for layer in layers:
        if layer.kind != "CONV_2D":
            continue
        index = operators[layer.operator].inputs[1]
        if not graph.is_constant(index):  # a float16 kernel, turned into float32 by the operator before
            index = next(op.inputs[0] for op in operators if index in op.outputs)
        stored = graph.real_constant(index)
        kernel = network.get_layer(layer.layers[0]).kernel.numpy().astype(np.float64).transpose(3, 0, 1, 2)
        length = math.sqrt(float((stored**2).sum()) * float((kernel**2).sum()))
        if length > 0 and float((stored * kernel).sum()) < _SAME_KERNEL * length:
            raise ConversionError(
                f"the kernel of {layer.layers[0]} in the converted file is not that of the model; give the model that "
                "it was made from"
            )


@dataclass
class _Sums:
    """What is summed over the pictures for one layer: f float, g the float layer on converted inputs, q converted."""

    count: int = 0
    f2: float = 0.0
    q2: float = 0.0
    fq: float = 0.0
    error2: float = 0.0
    g2: float = 0.0
    own_error2: float = 0.0
    outside: int = 0
    offsets: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    seen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def add(self, floating: NDArray[Any], own: NDArray[Any], converted: NDArray[Any]) -> None:
        f, g, q = (array.astype(np.float64) for array in (floating, own, converted))
        self.count += f.size
        self.f2 += float((f * f).sum())
        self.q2 += float((q * q).sum())
        self.fq += float((f * q).sum())
        self.error2 += float(((f - q) ** 2).sum())
        self.g2 += float((g * g).sum())
        self.own_error2 += float(((g - q) ** 2).sum())
        self.offsets = self.offsets + (q - f).reshape(-1, f.shape[-1]).sum(axis=0)

    def add_codes(self, codes: NDArray[Any], own: NDArray[Any], spec: TensorSpec) -> None:
        if spec.scale is None:
            return
        low, high = _range(spec, spec.scale)
        half = spec.scale / 2
        self.outside += int(((own < low - half) | (own > high + half)).sum())
        limits = np.iinfo(spec.dtype)
        if not self.seen.size:
            self.seen = np.zeros(limits.max - limits.min + 1, np.bool_)
        self.seen[codes.ravel().astype(np.int64) - limits.min] = True

    def result(self, layer: ConvertedLayer, spec: TensorSpec) -> LayerComparison:
        per_channel = self.count / self.offsets.size
        low, high = (None, None) if spec.scale is None else _range(spec, spec.scale)
        return LayerComparison(
            name=layer.name,
            kind=layer.kind,
            sqnr_db=_decibels(self.f2, self.error2),
            own_sqnr_db=_decibels(self.g2, self.own_error2),
            cosine=self.fq / math.sqrt(self.f2 * self.q2) if self.f2 and self.q2 else float(self.f2 == self.q2),
            mean_error=float(self.offsets.sum()) / self.count,
            bias_share=float((self.offsets**2).sum()) / per_channel / self.error2 if self.error2 else 0.0,
            clipped=None if spec.scale is None else self.outside / self.count,
            codes=None if spec.scale is None else int(self.seen.sum()) / self.seen.size,
            low=low,
            high=high,
        )


def _range(spec: TensorSpec, scale: float) -> tuple[float, float]:
    limits, zero_point = np.iinfo(spec.dtype), spec.zero_point or 0
    return scale * (int(limits.min) - zero_point), scale * (int(limits.max) - zero_point)


def _decibels(signal: float, noise: float) -> float:
    if noise == 0.0:
        return math.inf
    return 10.0 * math.log10(signal / noise) if signal > 0.0 else -math.inf
