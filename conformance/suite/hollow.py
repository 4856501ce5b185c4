"""Bundles that are right in everything but that their models are a few bytes of text: for the engine ``given``."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from fpm_edge_runtime import LandmarkSchema, Manifest
from fpm_edge_runtime.bundle.manifest import (
    Convergence,
    Geometry,
    GoldenCase,
    GoldenSet,
    Interval,
    Measured,
    Piece,
    Quantization,
    StageMeasurement,
    TensorSpec,
    schema_version_for,
)
from fpm_edge_runtime.bundle.recognition import (
    CategoryRule,
    CategoryRules,
    ConfidenceCurve,
    Confidences,
    Recognition,
)
from fpm_edge_runtime.stages.pack import bundle_bytes

__all__ = ["COLUMNS", "HEIGHT", "RECOGNITION", "ROWS", "STILL", "STRIDE", "WIDTH", "hollow", "peaks"]

HEIGHT, WIDTH, STRIDE = 32, 48, 8
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE

SCHEMA = LandmarkSchema(
    name="colours",
    landmarks=("red", "green", "blue"),
    flip=(0, 1, 2),
    categories={"all": (0, 1, 2), "warm": (0,)},
)

# Scale and zero point of each type; the odd ones so that a client that takes them for granted is found out.
_AFFINE: Mapping[str, tuple[float | None, int | None]] = {
    "float32": (None, None),
    "int8": (1 / 255, -128),
    "uint8": (1 / 255, 0),
    "int16": (1 / 32767, 0),
}
_OF_CONTEXT: Mapping[str, tuple[float | None, int | None]] = {
    "float32": (None, None),
    "int8": (0.0561027005314827, 28),
    "uint8": (0.0561027005314827, 156),
    "int16": (0.000217, 0),
}

STILL = Convergence(px=1.0, max_ne_loss=0.01, ne_loss=Interval(0.0, -0.01, 0.005), stages_run=2.5, pictures=20)


def recognition(stages: int) -> Recognition:
    """ "warm" has red only, "all" has red, green and blue: green and blue tell them apart, and silence is nothing."""
    rule = CategoryRule(((2.0, 6.0, 6.0), (8.0, -6.0, -6.0), (-8.0, -8.0, -8.0)), (-1.0, -1.0, 3.0), 0.9, 0.95, 0.01)
    curve = ConfidenceCurve((0.2, 0.6, 0.9), (0.1, 0.5, 0.9), 0.03)
    return Recognition(
        CategoryRules(("all", "warm", "none"), (rule,) * stages, "garments", 100, "walls", 50, 5),
        Confidences((curve,) * stages, "garments", 100, 300),
    )


RECOGNITION = recognition(2)


def hollow(
    *,
    types: Sequence[str] = ("float32", "float32"),
    context: Sequence[str] | None = ("float32",),
    layout: str = "NHWC",
    convergence: Convergence | None = None,
    recognize: Recognition | None = None,
    limits: Sequence[float] | None = None,
    measured: Sequence[float] | None = None,
    name: str = "hollow",
) -> bytes:
    """A bundle.

    Args:
        types: of the stages' heatmaps, one a stage; a stage takes the maps before it in its own type.
        context: type in which it is made; None for a network without one. Every stage takes it in its own type.
        layout: of everything; NHWC makes a bundle of TFLite, NCHW one of ONNX.
        limits: of a golden case, by stage; None for a bundle without.
        measured: upper bounds of the disagreement, by stage.
    """
    form = "tflite" if layout == "NHWC" else "onnx"
    image = TensorSpec("image", "uint8", _shape(3, HEIGHT, WIDTH, layout), layout)
    pieces = []
    for stage, kind in enumerate(types, 1):
        inputs = [image]
        if stage > 1:
            inputs = [_spec(f"heatmap_{stage - 1}", kind, 4, layout)]
            if context is not None:
                inputs.insert(0, _spec("context", kind, 5, layout, _OF_CONTEXT))
        outputs = (_spec(f"heatmap_{stage}", kind, 4, layout),)
        pieces.append(Piece(f"stage_{stage}", f"stages/{stage}.{form}", tuple(inputs), outputs))
    if context is not None:
        made = (_spec("context", context[0], 5, layout, _OF_CONTEXT),)
        pieces.insert(1, Piece("context", f"stages/context.{form}", (image,), made))
    mixed = len({*types, *(context or ())}) > 1
    quantization = Quantization("int8", "ptq", {"stage_2": "int16x8"} if mixed and "int16" in types else {})
    of_form: dict[Any, tuple[Piece, ...]] = {form: tuple(pieces)}
    manifest = Manifest(
        schema_version=schema_version_for(quantization, of_form, convergence, recognize),
        name=name,
        created="2026-01-01T00:00:00Z",
        landmarks=SCHEMA,
        geometry=Geometry(HEIGHT, WIDTH, STRIDE),
        quantization=quantization,
        stages=len(types),
        pieces=of_form,
        digests={},
        versions={},
        convergence=convergence,
        recognition=recognize,
        measured=None if measured is None else _measured(measured, form),
    )
    members = {piece.member: _model(piece.name, form) for piece in pieces}
    if limits is not None:
        members |= _golden(limits)
    return bundle_bytes(manifest, members)


def peaks(*cells: tuple[float, float], heights: Sequence[float] = (0.9, 0.9, 0.9), kind: str = "float32") -> Any:
    """(1, rows, columns, 4) maps with a peak around each cell (x, y), of this height, and a little beside it."""
    maps = np.zeros((1, ROWS, COLUMNS, 4), np.float32)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    for landmark, ((x, y), height) in enumerate(zip(cells, heights, strict=True)):
        maps[0, ..., landmark] = height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 0.6)
    return as_codes(maps, kind)


def as_codes(values: Any, kind: str) -> Any:
    """Real numbers as heatmaps of this type hold them."""
    scale, zero_point = _AFFINE[kind]
    if scale is None or zero_point is None:
        return values.astype(np.float32)
    limits = np.iinfo(kind)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(kind)


def _shape(channels: int, height: int, width: int, layout: str) -> tuple[int, ...]:
    return (1, height, width, channels) if layout == "NHWC" else (1, channels, height, width)


def _spec(name: str, kind: Any, channels: int, layout: Any, affine: Any = _AFFINE) -> TensorSpec:
    return TensorSpec(name, kind, _shape(channels, ROWS, COLUMNS, layout), layout, *affine[kind])


def _model(name: str, form: str) -> bytes:
    if form == "tflite":
        return name.encode()
    # Of ONNX, what is no model is refused before an engine sees it.
    from small_bundle import colour_model

    content: bytes = colour_model().SerializeToString()
    return content


def _golden(limits: Sequence[float]) -> dict[str, bytes]:
    picture = BytesIO()
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 7, np.uint8)).save(picture, "PNG")
    points: Any = (((11.5, 11.5), (19.5, 19.5), (35.5, 11.5)),) * len(limits)
    golden = GoldenSet((GoldenCase("golden/0.png", "all", points),), tuple(limits))
    return {"golden/0.png": picture.getvalue(), "golden/golden.json": msgspec.json.encode(golden)}


def _measured(bounds: Sequence[float], form: Any) -> Measured:
    nothing = Interval(0.0, 0.0, 0.0)
    stages = tuple(
        StageMeasurement(stage, 0.03, 0.031, nothing, nothing, Interval(bound / 2, 0.0, bound))
        for stage, bound in enumerate(bounds, 1)
    )
    return Measured("garments", 100, form, "litert", stages)
