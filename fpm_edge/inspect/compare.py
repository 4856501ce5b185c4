"""A bundle against its float model: layer by layer, and every way of running it against every other, by landmark."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.convert.quantized import LoadedModel
from fpm_edge.inspect.edges import EdgeRunner, Maps, open_edges
from fpm_edge.inspect.float_model import weights_of
from fpm_edge_converters import INTEGER, assign_ranges, export, fake_quantized
from fpm_edge_converters.compare import LayerComparison, compare_layers
from fpm_edge_runtime import Bundle, MissingExtraError
from fpm_edge_runtime.check.engine_choice import DEFAULT_ORDER
from fpm_edge_runtime.engines import ENGINES, load_engine
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK

__all__ = ["HALF_PIXEL", "Comparison", "PairComparison", "compare"]

# Farther apart than this, in pixels of the input, two answers are not the same to anyone who looks.
HALF_PIXEL = 0.5
_FLOAT = "float"

_Run = Callable[[NDArray[np.uint8]], list[Maps]]
_Advance = Callable[..., None]


@dataclass(frozen=True)
class PairComparison:
    """Two ways of running a network on the same inputs, all stages together.

    Attributes:
        first, second: ``float`` (the float model in TensorFlow), an engine, or an engine with the whole graph in one
            file (``litert whole``).
        points: landmarks whose peak is clear (0.25 or higher) in at least one of the two (decision 0007).
        largest_px, quantile_px: largest distance between the two answers, and its 99 % quantile; pixels of the input.
        over_half_px: share of the points that are more than half a pixel apart.
        largest_value: largest difference between two heatmap values, real units.
        other_values: share of heatmap values that differ at all.
    """

    first: str
    second: str
    points: int
    largest_px: float
    quantile_px: float
    over_half_px: float
    largest_value: float
    other_values: float


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `layers` has the worst first and is empty without TFLite pieces."""

    bundle: str
    data: str
    pictures: int
    layers: tuple[LayerComparison, ...]
    pairs: tuple[PairComparison, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is infinite (no error at all) is None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def compare(
    bundle: Bundle,
    loaded: LoadedModel,
    inputs: Sequence[NDArray[np.uint8]],
    data: str,
    *,
    engines: Sequence[str] | None = None,
    threads: int = 1,
    progress: Callable[[str, int], _Advance] | None = None,
) -> Comparison:
    """Compare a bundle with the float model that it was made from.

    Args:
        bundle: of any precision.
        loaded: its model, of `load_model_of`.
        inputs: (height, width, 3) uint8 each, at least one.
        data: what they are, for the result.
        engines: names; None for all of `DEFAULT_ORDER` that are installed and read one of the bundle's formats.
        threads: for every engine.
        progress: given a description and a number of steps, returns what is called after each.

    Raises:
        UsageError: an unknown engine, or one that reads none of the bundle's formats.
        MissingExtraError: an engine that was asked for is not installed.
        ConversionError: the bundle has other weights than the model.
        DataError: no inputs.
    """
    steps = progress or (lambda what, count: lambda *_, **__: None)
    notes: list[str] = []
    layers: tuple[LayerComparison, ...] = ()
    pieces = {piece: bundle.read(piece.member) for piece in bundle.manifest.pieces.get("tflite", ())}
    if pieces:
        layers = compare_layers(weights_of(bundle, loaded), pieces, inputs, steps("comparing layers", len(inputs)))
    else:
        notes.append("the bundle has no TFLite pieces, and only their inner tensors can be read: no layers")
    if bundle.manifest.quantization.method == "qat":
        notes.append("layers: against the weights that QAT trained, without quantizers; float: the model before QAT")
    runs: dict[str, _Run] = {_FLOAT: _float_run(loaded.network)}
    runs |= _engine_runs(bundle, engines, threads, notes)
    runs |= _whole_runs(bundle, loaded, list(runs), inputs, threads, notes)
    pairs = _compare_runs(runs, inputs, bundle.manifest.geometry.stride, steps("comparing engines", len(inputs)))
    return Comparison(bundle.manifest.name, data, len(inputs), layers, pairs, tuple(notes))


def _float_run(network: tf_keras.Model) -> _Run:
    def run(image: NDArray[np.uint8]) -> list[Maps]:
        outputs = network(image[np.newaxis].astype(np.float32) / np.float32(255.0), training=False)
        return [Maps(o.numpy()[0]) for o in (outputs if isinstance(outputs, list) else [outputs])]

    return run


def _engine_runs(
    bundle: Bundle, engines: Sequence[str] | None, threads: int, notes: list[str]
) -> dict[str, EdgeRunner]:
    if engines is not None:
        return {engine: open_edges(bundle, engine, threads) for engine in dict.fromkeys(engines)}
    runs = {}
    for engine in DEFAULT_ORDER:
        known = ENGINES[engine]
        if not set(known.formats) & set(bundle.formats):
            continue
        try:
            runs[engine] = open_edges(bundle, engine, threads)
        except MissingExtraError:
            notes.append(f"{engine} is not installed: {known.install}")
    return runs


def _whole_runs(
    bundle: Bundle,
    loaded: LoadedModel,
    engines: Sequence[str],
    inputs: Sequence[NDArray[np.uint8]],
    threads: int,
    notes: list[str],
) -> dict[str, EdgeRunner]:
    """The graphs that the bundle's pieces were cut from, made again; only where they give the same pieces."""
    manifest = bundle.manifest
    network = loaded.network
    if manifest.quantization.precision in INTEGER:
        if manifest.calibration is None:
            notes.append("the bundle does not say its ranges, so its whole graph cannot be made again")
            return {}
        network = fake_quantized(network) if loaded.quantized is None else loaded.quantized
        assign_ranges(network, manifest.calibration.ranges)
    forms = {
        engine: next(form for form in ENGINES[engine].formats if form in bundle.formats)
        for engine in engines
        if engine != _FLOAT
    }
    outputs = [spec.dtype for piece in manifest.pieces.get("tflite", ()) for spec in piece.outputs]
    made = export(
        network,
        manifest.quantization.precision,
        sorted(set(forms.values())),
        inputs[:1],
        edges="uint8" if "uint8" in outputs else "int8",
    )
    runs = {}
    for engine, form in forms.items():
        if any(made.members[piece.member] != bundle.read(piece.member) for piece in manifest.pieces[form]):
            notes.append(
                f"{engine}: the {form} graph, made again, has other bytes than the bundle's pieces (--kernel-bits, "
                "--correct-biases, --fallback or another version of a tool), so there is no whole graph to compare with"
            )
            continue
        piece, data = made.wholes[form]
        runs[f"{engine} whole"] = EdgeRunner([(piece, load_engine(engine).load(piece, data, threads))], bundle.stages)
    return runs


@dataclass
class _PairSums:
    """What is gathered over the pictures for one pair."""

    distances: list[NDArray[np.float64]] = field(default_factory=list)
    largest: float = 0.0
    other: int = 0
    values: int = 0


def _compare_runs(
    runs: Mapping[str, _Run], inputs: Sequence[NDArray[np.uint8]], stride: int, advance: _Advance
) -> tuple[PairComparison, ...]:
    sums = {pair: _PairSums() for pair in itertools.combinations(runs, 2)}
    for image in inputs:
        answers = {name: [(maps.real(), *maps.landmarks(stride)) for maps in run(image)] for name, run in runs.items()}
        for (first, second), total in sums.items():
            for (a, a_points, a_scores), (b, b_points, b_scores) in zip(answers[first], answers[second], strict=True):
                clear = np.maximum(a_scores, b_scores) >= CLEAR_PEAK
                apart = np.linalg.norm(a_points.astype(np.float64) - b_points.astype(np.float64), axis=-1)
                total.distances.append(apart[clear])
                total.largest = max(total.largest, float(np.abs(a - b).max()))
                total.other += int((a != b).sum())
                total.values += a.size
        advance()
    return tuple(_pair(first, second, total) for (first, second), total in sums.items())


def _pair(first: str, second: str, total: _PairSums) -> PairComparison:
    apart = np.concatenate(total.distances)
    some = apart.size > 0
    return PairComparison(
        first=first,
        second=second,
        points=int(apart.size),
        largest_px=float(apart.max()) if some else 0.0,
        quantile_px=float(np.quantile(apart, 0.99)) if some else 0.0,
        over_half_px=float((apart > HALF_PIXEL).mean()) if some else 0.0,
        largest_value=total.largest,
        other_values=total.other / total.values,
    )
