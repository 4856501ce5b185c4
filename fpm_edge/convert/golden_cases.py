"""The golden cases of a conversion: some of the calibration inputs, with the float model's answers for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fpm_edge.convert.formats import ENGINE_OF
from fpm_edge.data import Dataset
from fpm_edge_calibration import golden_set
from fpm_edge_calibration.goldens import FEWEST_GOLDENS
from fpm_edge_converters import check_same_landmarks
from fpm_edge_runtime import Bundle
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK

__all__ = ["golden_members"]


def golden_members(
    draft: Bundle,
    reference: Bundle,
    dataset: Dataset,
    chosen: Sequence[int],
    inputs: Sequence[NDArray[np.uint8]],
    same_px: float,
) -> dict[str, bytes]:
    """The golden members; on the way, TFLite and ONNX are held to the same landmarks.

    Args:
        draft: the converted stages.
        reference: the float32 TFLite stages.
        dataset, chosen, inputs: indices of the calibration pictures, and the network's inputs made of them.
        same_px: how far apart clear landmarks of the two formats may be, pixels of the input.

    Raises:
        ConversionError: they are farther apart.
    """
    spread = np.linspace(0, len(inputs) - 1, FEWEST_GOLDENS).round().astype(int)
    cases = [inputs[i] for i in spread]
    categories = [dataset.records[chosen[i]].category for i in spread]
    answers = {form: _answers(draft, ENGINE_OF[form], cases) for form in draft.formats}
    if len(answers) == 2:
        (first, first_scores), (second, second_scores) = answers["tflite"], answers["onnx"]
        clear = np.maximum(first_scores, second_scores) >= CLEAR_PEAK
        check_same_landmarks(first, second, clear, same_px, "TFLite against ONNX")
    return golden_set(
        cases,
        categories,
        [dataset.schema.landmarks_of(category) for category in categories],
        _answers(reference, ENGINE_OF["tflite"], cases)[0],
        [landmarks for landmarks, _ in answers.values()],
    )


def _answers(
    bundle: Bundle, engine: str, cases: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Landmarks (cases, stages, L, 2) in pixels of the input, and scores (cases, stages, L)."""
    session = bundle.session(engine)
    results = [session.detect_input(case) for case in cases]
    return (
        np.array([[stage.landmarks for stage in case] for case in results], np.float32),
        np.array([[stage.scores for stage in case] for case in results], np.float32),
    )
