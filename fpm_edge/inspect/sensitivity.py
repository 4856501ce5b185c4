"""Which layer costs accuracy in int8: one layer at a time, with the converted file's own codes (decision 0014).

For every layer a float TFLite file is made in which this layer alone carries what the int8 file stores of it
(`fpm_edge_converters.mixed`), and another in which it alone stays float. Both run in LiteRT, and their landmarks are
compared with those of the float file, in NE units.

A map with two equally high peaks answers with one or the other, and any rounding anywhere in the network may decide
which. Such a jump is as long as a sleeve, says nothing about the layer, and would be most of a mean over some hundred
points. The *cost* of a layer is therefore the mean of min(distance, 0.02): a jump counts, but not by its length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_intervals
from fpm_edge.accuracy.drift import compare_landmarks
from fpm_edge.accuracy.predict import truth_of
from fpm_edge.data import Dataset
from fpm_edge.inspect.edges import EdgeRunner, Maps, Placed, open_edges, place
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.mixed import MixedGraph, read_int8_layers
from fpm_edge_runtime import Bundle, UsageError
from fpm_edge_runtime.bundle.manifest import Interval, Piece
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["MOVED", "LayerSensitivity", "Sensitivity", "StageEffect", "analyse"]

# Farther than this, the strictest threshold of PCK in `fpm_edge.accuracy.evaluate`, a landmark is somewhere else.
MOVED = 0.02
_ENGINE = "litert"
# Files made for a layer: alone, its kernel only, its output only, all but this layer.
_FILES_PER_LAYER = 4


@dataclass(frozen=True)
class StageEffect:
    """One stage against the float file.

    Attributes:
        stage: from 1.
        cost: mean of min(distance, 0.02) between the two landmarks, NE units, with 95 % bounds.
        moved: share of the points that are more than 0.02 apart.
        disagreement: mean distance, as `fpm-edge drift` has it.
        ne_change: NE minus the float file's NE; None without true landmarks.
    """

    stage: int
    cost: Interval
    moved: float
    disagreement: Interval
    ne_change: Interval | None


@dataclass(frozen=True)
class LayerSensitivity:
    """One layer.

    Attributes:
        name: the layer of the network, as in `fpm-edge compare`.
        kind: TFLite's name of the operator.
        bytes: of its kernel and bias in the int8 file.
        macs: multiply-accumulates a picture.
        stages: this layer in int8 and all others in float.
        kernel, output: cost at the last stage of its kernel and bias alone, and of the rounding of its output alone;
            kernel is None where it has none.
        spared: cost at the last stage of all layers in int8 but this one.
    """

    name: str
    kind: str
    bytes: int
    macs: int
    stages: tuple[StageEffect, ...]
    kernel: float | None
    output: float
    spared: float


@dataclass(frozen=True)
class Sensitivity:
    """What `analyse` found.

    Attributes:
        bundle, data, pictures: what was measured on what.
        layers: the largest cost at the last stage first.
        rounded: all layers in int8 codes, sums in float: what `spared` compares with.
        int8: the bundle itself. It differs from `rounded` by the rounding inside int8 operators.
    """

    bundle: str
    data: str
    pictures: int
    layers: tuple[LayerSensitivity, ...]
    rounded: tuple[StageEffect, ...]
    int8: tuple[StageEffect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def analyse(
    bundle: Bundle,
    network: tf_keras.Model,
    dataset: Dataset,
    *,
    threads: int = 1,
    progress: Callable[[int], Callable[..., None]] | None = None,
) -> Sensitivity:
    """Quantize one layer at a time.

    Args:
        bundle: int8, with TFLite pieces.
        network: the float network with the weights that were converted (`float_model.weights_of`).
        dataset: pictures; true landmarks give the change of NE as well.
        threads: for LiteRT.
        progress: given the number of runs over the pictures, returns what is called after each.

    Raises:
        UsageError: the bundle is not int8, or has no TFLite pieces.
        ConversionError: the bundle is not made from this network.
    """
    manifest = bundle.manifest
    if manifest.quantization.precision != "int8" or "tflite" not in bundle.formats:
        raise UsageError(
            f"{manifest.name} is {manifest.quantization.precision} with {', '.join(bundle.formats)}; an int8 bundle "
            "with TFLite pieces is needed"
        )
    layers = read_int8_layers(network, [bundle.read(piece.member) for piece in manifest.pieces["tflite"]])
    mixed = MixedGraph(network, layers)
    advance = (progress or (lambda runs: lambda *_, **__: None))(3 + _FILES_PER_LAYER * len(layers))
    scene = _Scene([place(record, manifest.geometry) for record in dataset.records], manifest.geometry.stride)

    def answers(kernels: Sequence[str], outputs: Sequence[str]) -> NDArray[np.float32]:
        found = scene.answers(_runner(mixed.make(kernels, outputs), bundle.stages, threads))
        advance()
        return found

    judge = _Judge(dataset, scene.sizes, answers([], []))
    names = list(layers)
    rounded = judge.effects(answers(names, names))
    int8 = judge.effects(scene.answers(open_edges(bundle, _ENGINE, threads)))
    advance()
    results = []
    for name, layer in layers.items():
        others = [other for other in names if other != name]
        alone = judge.effects(answers([name], [name]))
        output = judge.last(answers([], [name]))
        kernel = None if layer.kernel is None else judge.last(answers([name], []))
        if kernel is None:
            advance()
        spared = judge.last(answers(others, others))
        results.append(LayerSensitivity(name, layer.kind, layer.bytes, layer.macs, alone, kernel, output, spared))
    results.sort(key=lambda result: -result.stages[-1].cost.estimate)
    return Sensitivity(manifest.name, dataset.name, len(dataset), tuple(results), rounded, int8)


def _runner(data: bytes, stages: int, threads: int) -> EdgeRunner:
    graph = FlatGraph(data)
    piece = Piece(
        name="whole",
        member="whole.tflite",
        inputs=tuple(graph.spec(index) for index in graph.inputs),
        outputs=tuple(graph.spec(index) for index in graph.outputs),
    )
    return EdgeRunner([(piece, load_engine(_ENGINE).load(piece, data, threads))], stages)


class _Scene:
    """The pictures, ready to be answered again and again."""

    def __init__(self, placed: Sequence[Placed], stride: int) -> None:
        self._placed = placed
        self._stride = stride
        self.sizes = np.array([one.picture_size for one in placed], np.float64)

    def answers(self, run: Callable[[NDArray[np.uint8]], list[Maps]]) -> NDArray[np.float32]:
        """(pictures, stages, L, 2) landmarks, pixels of the picture."""
        return np.array(
            [
                [one.placement.to_picture(maps.landmarks(self._stride)[0]) for maps in run(one.image)]
                for one in self._placed
            ],
            np.float32,
        )


class _Judge:
    """Compares with the float file on the landmarks of each picture's category."""

    def __init__(self, dataset: Dataset, sizes: NDArray[np.float64], reference: NDArray[np.float32]) -> None:
        truth = truth_of(dataset)
        of_category = np.zeros(truth.visibility.shape, np.bool_)
        for row, category in enumerate(truth.categories):
            of_category[row, list(dataset.schema.landmarks_of(category))] = True
        labelled = of_category & (truth.visibility >= 0)
        self._schema = dataset.schema
        self._sizes = sizes
        self._reference = reference
        self._truth = truth.landmarks if labelled.any() else None
        self._mask = labelled if labelled.any() else of_category

    def effects(self, found: NDArray[np.float32]) -> tuple[StageEffect, ...]:
        """All stages, with bounds over resampled pictures."""
        report = compare_landmarks(found, self._reference, self._mask, self._sizes, self._truth, self._schema)
        apart = np.stack([self._apart(found, stage) for stage in range(found.shape[1])], axis=-1)
        counts = np.repeat(self._mask.sum(axis=1)[:, np.newaxis], found.shape[1], axis=1)
        costs = bootstrap_intervals(np.minimum(apart, MOVED).sum(axis=1), counts)
        moved = (apart > MOVED).sum(axis=(0, 1)) / self._mask.sum()
        return tuple(
            StageEffect(stage.stage, cost, float(share), stage.disagreement, stage.drift)
            for stage, cost, share in zip(report.stages, costs, moved, strict=True)
        )

    def last(self, found: NDArray[np.float32]) -> float:
        """Cost at the last stage."""
        return float(np.minimum(self._apart(found, -1), MOVED).sum() / self._mask.sum())

    def _apart(self, found: NDArray[np.float32], stage: int) -> NDArray[np.float64]:
        """(pictures, landmarks) distances in NE units, 0 for points that do not count."""
        distance = normalized_error(found[:, stage], self._reference[:, stage], self._sizes)
        return np.where(self._mask, distance, 0.0)
