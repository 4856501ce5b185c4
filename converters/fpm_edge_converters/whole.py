"""Files for apps that run none of our code, and the proof that they find what the runtime finds.

`whole_tflite.py` and `whole_onnx.py` make them; here is what is asserted on their graphs, and the
comparison with the bundle's own session.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_converters.checks import check_builtin_tflite, check_plain_onnx
from fpm_edge_converters.decoder import HEATMAPS, LANDMARKS
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_codes import unsigned_weights
from fpm_edge_converters.whole_onnx import whole_onnx
from fpm_edge_converters.whole_tflite import stages_tflite, whole_tflite
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.bundle import Bundle
from fpm_edge_runtime.stages.results import Detection, StageResult

__all__ = ["TOLERANCE_PX", "check_whole", "whole_onnx_members", "whole_tflite_members"]

TOLERANCE_PX = 0.1
"""How far a landmark may be from the runtime's, pixels of the network's input."""

# Below this a map has no peak whose place could be compared.
_CLEAR_PEAK = 0.1
_TOLERANCE_SCORE = 1e-3
# Other sizes than the input's that whole.onnx is tried on: factors of its width and height. None is taller than twice
# its width, where Pillow 13 resizes along the columns first and earlier versions do not.
_STRETCHES = ((1.0, 1.0), (1.37, 0.83), (0.61, 0.95), (2.3, 3.1))

_Values = Mapping[str, NDArray[Any]]


def whole_tflite_members(network: bytes, pieces: Mapping[Piece, bytes], stages: int) -> dict[str, bytes]:
    """``whole.tflite`` and ``stages.tflite``. Raises ConversionError where an operator is none of TFLite's own.

    Args:
        network: TFLite file from ``image`` to ``heatmap_1..T``.
        pieces: the same, cut.
        stages: T.
    """
    whole = whole_tflite(network, stages)
    check_builtin_tflite(FlatGraph(whole), "whole.tflite")
    return {"whole.tflite": whole, "stages.tflite": stages_tflite(pieces)}


def whole_onnx_members(network: onnx.ModelProto, stages: int) -> dict[str, bytes]:
    """``whole.onnx``. Raises ConversionError where it has other versions or operators than stated, or outside data.

    Its kernels are uint8, for nobody sets the options that exact products of int8 kernels need (`onnx_codes`).
    """
    whole = whole_onnx(unsigned_weights(network), stages)
    check_plain_onnx(whole, "whole.onnx")
    return {"whole.onnx": whole.SerializeToString(deterministic=True)}


def check_whole(bundle: Bundle, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """Compare the `WHOLE_MEMBERS` that a bundle has with what its own stages find.

    Args:
        bundle: with those files as members.
        inputs: (input height, input width, 3) uint8; whole.onnx also gets them stretched to other sizes.

    Raises:
        ConversionError: a landmark with a clear peak is more than `TOLERANCE_PX` away from the runtime's, or a
            signature of stages.tflite gives other numbers than its piece.
    """
    if "whole.tflite" in bundle.members:
        session = bundle.session("litert")
        run = _litert(bundle.read("whole.tflite"))
        for image in inputs:
            expected = session.detect_input(image)[-1]
            found = run({"image": image[np.newaxis]})[LANDMARKS]
            _check_landmarks(found, expected.landmarks, expected, bundle.schema, "whole.tflite")
    if "stages.tflite" in bundle.members:
        _check_stages(bundle, inputs)
    if "whole.onnx" in bundle.members:
        _check_any_size(bundle, inputs)


def _check_stages(bundle: Bundle, inputs: Sequence[NDArray[np.uint8]]) -> None:
    session = bundle.session("litert")
    data = bundle.read("stages.tflite")
    pieces = bundle.manifest.pieces["tflite"]
    apart = {piece.name: _litert(bundle.read(piece.member)) for piece in pieces}
    joined = {piece.name: _litert(data, piece.name) for piece in pieces}
    decode = {t: _litert(data, f"landmarks_{t}") for t in range(1, bundle.stages + 1)}
    for image in inputs:
        tensors: dict[str, NDArray[Any]] = {"image": image[np.newaxis]}
        for piece in pieces:
            given = {spec.name: tensors[spec.name] for spec in piece.inputs}
            expected, found = apart[piece.name](given), joined[piece.name](given)
            if any(not np.array_equal(expected[spec.name], found[spec.name]) for spec in piece.outputs):
                raise ConversionError(
                    f"signature {piece.name} of stages.tflite gives other numbers than {piece.member}"
                )
            tensors |= found
        for stage, result in enumerate(session.detect_input(image), start=1):
            landmarks = decode[stage]({HEATMAPS: tensors[f"heatmap_{stage}"]})[LANDMARKS]
            _check_landmarks(landmarks, result.landmarks, result, bundle.schema, f"stages.tflite, stage {stage}")


def _check_any_size(bundle: Bundle, inputs: Sequence[NDArray[np.uint8]]) -> None:
    session = bundle.session("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    whole = onnxruntime.InferenceSession(bundle.read("whole.onnx"), options, providers=["CPUExecutionProvider"])
    size = (bundle.manifest.geometry.input_width, bundle.manifest.geometry.input_height)
    for number, image in enumerate(inputs):
        across, along = _STRETCHES[number % len(_STRETCHES)]
        picture = Image.fromarray(image).resize((round(size[0] * across), round(size[1] * along)))
        expected = session.detect(np.asarray(picture))
        (found,) = whole.run([LANDMARKS], {"image": np.asarray(picture)[np.newaxis]})
        # Compared in pixels of the input, which is what the promise is about.
        fit = Letterbox.fit(picture.size, size)
        moved = np.concatenate([fit.to_input(found[:, :2]), found[:, 2:]], axis=1)
        _check_landmarks(
            moved, fit.to_input(expected.landmarks), expected, bundle.schema, f"whole.onnx at {picture.size}"
        )


def _check_landmarks(
    found: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    runtime: Detection | StageResult,
    schema: LandmarkSchema,
    what: str,
) -> None:
    scores = runtime.scores
    clear = scores >= _CLEAR_PEAK
    apart = np.linalg.norm(found[:, :2].astype(np.float64) - landmarks, axis=1)[clear]
    if not (apart <= TOLERANCE_PX).all():
        raise ConversionError(
            f"{what} finds a landmark {apart.max():.2f} px of the input away from the runtime; allowed {TOLERANCE_PX}"
        )
    # These files know no doubts: of a saturated map they give the height.
    sure = [name not in runtime.doubts for name in schema.landmarks]
    if not (np.abs(found[:, 2] - scores)[sure] <= _TOLERANCE_SCORE).all():
        raise ConversionError(f"{what} gives other scores than the runtime")


def _litert(data: bytes, signature: str | None = None) -> Callable[[_Values], dict[str, NDArray[Any]]]:
    runner = Interpreter(model_content=data).get_signature_runner(signature)

    def run(values: _Values) -> dict[str, NDArray[Any]]:
        return {name: np.array(value) for name, value in runner(**values).items()}

    return run
