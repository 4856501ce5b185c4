"""The bundle's manifest: what is in the bundle, how its pieces are wired, and what was measured on it."""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from fpm_edge_runtime.bundle.recognition import Recognition
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import BundleError, SchemaError

__all__ = [
    "READABLE_VERSIONS",
    "CalibrationCard",
    "Convergence",
    "Geometry",
    "GoldenCase",
    "GoldenSet",
    "Interval",
    "Manifest",
    "Measured",
    "Piece",
    "Precision",
    "Quantization",
    "StageMeasurement",
    "TensorSpec",
    "decode_golden",
    "decode_manifest",
    "schema_version_for",
]

Format = Literal["tflite", "onnx"]
Precision = Literal["int8", "int16x8", "dynamic-range", "float16", "float32"]

# Version 2 added int16 tensors, the precisions of _SINCE_2, and `convergence`. A bundle states the lowest version that
# can say what is in it, so that older runtimes read all that they understand and refuse the rest by its version.
# Version 3 added `recognition`, version 4 uint8 heatmaps (other tensors might always be uint8).
READABLE_VERSIONS = (1, 2, 3, 4)
_SINCE_2 = {"int16x8", "dynamic-range"}

_T = TypeVar("_T")


class _Frozen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class TensorSpec(_Frozen, frozen=True):
    """A tensor at the edge of a piece. real = scale · (code − zero_point) where a scale is given."""

    name: str
    dtype: Literal["uint8", "int8", "int16", "float32"]
    shape: tuple[int, ...]
    layout: Literal["NHWC", "NCHW"]
    scale: float | None = None
    zero_point: int | None = None


class Piece(_Frozen, frozen=True):
    """One separately loadable part of the network: ``stage_1``, ``context`` or ``stage_<t>``.

    Inputs and outputs are matched by name: ``image``, ``features`` (only where stage 1 and x' share a stem),
    ``context`` (x'), ``heatmap_<t>``.
    """

    name: str
    member: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Geometry(_Frozen, frozen=True):
    """How a picture becomes the input, and a heatmap cell a point (half-pixel rule, see `geometry`)."""

    input_height: int
    input_width: int
    stride: int
    channels: Literal["RGB"] = "RGB"
    resize: Literal["letterbox"] = "letterbox"


class Quantization(_Frozen, frozen=True):
    """How the numbers are stored, and how their ranges were found.

    `precision`: ``int8`` and ``int16x8`` (int16 activations) are integers throughout, with int8 kernels.
    ``dynamic-range`` has int8 kernels and float32 activations that get a range at each run. ``float16`` stores kernels
    so and computes in float32. `exceptions` maps the names of pieces that are not stored in `precision` to what they
    are stored in.
    """

    precision: Precision
    method: Literal["none", "ptq", "qat"]
    exceptions: dict[str, Literal["int16x8", "float16"]] = {}


class CalibrationCard(_Frozen, frozen=True):
    """Which pictures set the ranges, and which ranges they gave.

    `digest` is the SHA-256 over the calibration inputs (their bytes after pre-processing, in order);
    `ranges` maps a tensor name to (minimum, maximum) in real units.
    """

    strategy: str
    source: str
    seed: int
    samples: tuple[str, ...]
    digest: str
    estimator: str
    ranges: dict[str, tuple[float, float]]


class Interval(_Frozen, frozen=True):
    """An estimate with its two-sided 95 % bootstrap bounds."""

    estimate: float
    lower: float
    upper: float


class StageMeasurement(_Frozen, frozen=True):
    """NE of one stage on the scoring data: float model, converted file, their difference, their disagreement.

    All are the paper's NE (coordinates divided by picture width and height). `relative_drift` is the NE drift over
    the float NE; `disagreement` is the mean distance between the two models' landmarks.
    """

    stage: int
    float_ne: float
    converted_ne: float
    drift: Interval
    relative_drift: Interval
    disagreement: Interval


class Measured(_Frozen, frozen=True):
    """What the converted file scored when it was made, on which data, in which engine."""

    source: str
    pictures: int
    format: Format
    engine: str
    stages: tuple[StageMeasurement, ...]


class Convergence(_Frozen, frozen=True):
    """When to run no further stage: no clear landmark moved by more than `px` since the stage before (`moved_px`).

    `px` is in pixels of the network's input: the largest for which the relative NE lost by stopping so had an upper
    95 % bound of at most `max_ne_loss`, on one half of the scoring data. `ne_loss` and `stages_run`, the mean number of
    stages, were then measured on the other half, of `pictures` pictures.
    """

    px: float
    max_ne_loss: float
    ne_loss: Interval
    stages_run: float
    pictures: int


class GoldenCase(_Frozen, frozen=True):
    """One self-check input: a PNG of exactly the input's size, and the float model's answer for it.

    landmarks: (stages, landmarks, 2) x, y in pixels of the input. category: whose landmarks are compared.
    """

    member: str
    category: str
    landmarks: tuple[tuple[tuple[float, float], ...], ...]


class GoldenSet(_Frozen, frozen=True):
    """All self-check cases, and for every stage the largest mean disagreement that counts as healthy (NE units)."""

    cases: tuple[GoldenCase, ...]
    limits: tuple[float, ...]


class Manifest(_Frozen, frozen=True):
    """Content of ``manifest.json``.

    `max_ne_drift` and `max_part_drift` are the budgets that it was converted under: for the upper 95 % bound of the
    last stage's relative NE drift, over all points and of every landmark and category.
    """

    schema_version: int
    name: str
    created: str
    landmarks: LandmarkSchema
    geometry: Geometry
    quantization: Quantization
    stages: int
    pieces: dict[Format, tuple[Piece, ...]]
    digests: dict[str, str]
    versions: dict[str, str]
    calibration: CalibrationCard | None = None
    measured: Measured | None = None
    max_ne_drift: float | None = None
    max_part_drift: float | None = None
    convergence: Convergence | None = None
    recognition: Recognition | None = None
    model: dict[str, Any] = {}


def schema_version_for(
    quantization: Quantization,
    pieces: Mapping[Format, tuple[Piece, ...]],
    convergence: Convergence | None = None,
    recognition: Recognition | None = None,
) -> int:
    """The lowest schema version that a manifest with this content may state."""
    made = [spec for some in pieces.values() for piece in some for spec in piece.outputs]
    if any(spec.dtype == "uint8" and spec.name.startswith("heatmap_") for spec in made):
        return 4
    if recognition is not None:
        return 3
    if convergence is not None:
        return 2
    kinds = {quantization.precision, *quantization.exceptions.values()}
    specs = (spec for some in pieces.values() for piece in some for spec in (*piece.inputs, *piece.outputs))
    return 2 if kinds & _SINCE_2 or any(spec.dtype == "int16" for spec in specs) else 1


def decode_manifest(data: bytes) -> Manifest:
    """Parse and validate ``manifest.json``. Raises BundleError, naming the first field that is wrong."""
    try:
        version = msgspec.json.decode(data, type=_VersionOnly).schema_version
    except msgspec.DecodeError as error:
        raise BundleError(f"manifest.json is not valid: {error}; make the bundle again") from error
    if version not in READABLE_VERSIONS:
        raise BundleError(
            f"the bundle has schema version {version}, this runtime reads {READABLE_VERSIONS[0]} to "
            f"{READABLE_VERSIONS[-1]}; update fpm-edge, or convert the model again with this version"
        )
    manifest = _decode(data, Manifest, "manifest.json")
    needed = schema_version_for(manifest.quantization, manifest.pieces, manifest.convergence, manifest.recognition)
    if version < needed:
        raise BundleError(
            f"manifest.json states schema version {version} and has content of version {needed} (a type of tensors, a "
            "precision or a field that came with it); make the bundle again"
        )
    if manifest.recognition is not None:
        from fpm_edge_runtime.bundle.recognition_check import check_recognition

        check_recognition(manifest.recognition, manifest.landmarks, manifest.stages)
    return manifest


def decode_golden(data: bytes) -> GoldenSet:
    """Parse and validate ``golden/golden.json``. Raises BundleError."""
    return _decode(data, GoldenSet, "golden/golden.json")


class _VersionOnly(msgspec.Struct):
    schema_version: int


def _decode(data: bytes, kind: type[_T], member: str) -> _T:
    try:
        content = msgspec.json.decode(data, type=kind)
        # Which of two equal keys counts differs from parser to parser, and msgspec does not tell.
        json.loads(data, object_pairs_hook=_refuse_repeated_keys)
    except (msgspec.DecodeError, SchemaError, ValueError) as error:
        raise BundleError(f"{member} is not valid: {error}; make the bundle again") from error
    return content


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"key {key!r} occurs twice in one object")
        seen.add(key)
