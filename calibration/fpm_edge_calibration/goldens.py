"""Golden cases: inputs whose right answer (the float model's) travels in the bundle, for the device's self-check."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_calibration.png import png_bytes
from fpm_edge_runtime.bundle.manifest import GoldenCase, GoldenSet
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["FEWEST_GOLDENS", "golden_set"]

FEWEST_GOLDENS = 8

# Another engine, or another CPU's rounding, moves landmarks a little: what was measured when the bundle was made is
# not yet a fault at half as much again. The floor, 0.2 % of the input's side, is below what anyone can see.
_HEADROOM = 1.5
_FLOOR = 0.002


def golden_set(
    inputs: Sequence[NDArray[np.uint8]],
    categories: Sequence[str],
    keep: Sequence[Sequence[int]],
    reference: NDArray[np.float32],
    converted: Sequence[NDArray[np.float32]],
) -> dict[str, bytes]:
    """The members ``golden/…`` of a bundle.

    Args:
        inputs: (height, width, 3) uint8 network inputs, at least `FEWEST_GOLDENS`.
        categories: of each input.
        keep: landmark indices that each input's category has.
        reference: (cases, stages, L, 2) float32, the float model's landmarks in pixels of the input.
        converted: the same of the converted files, one array for each format; they set the healthy limit of every
            stage: half as much again as the worst case.

    Raises:
        DataError: too few inputs, or an answer that is not finite.
    """
    if len(inputs) < FEWEST_GOLDENS:
        raise DataError(
            f"{len(inputs)} golden cases; at least {FEWEST_GOLDENS} are needed, so give at least as many pictures"
        )
    if not all(np.isfinite(answers).all() for answers in (reference, *converted)):
        raise DataError("the model's landmarks on a golden case are not finite; check the weights")
    stages = reference.shape[1]
    sizes = np.array([[inputs[0].shape[1], inputs[0].shape[0]]] * stages)
    disagreement = np.stack(
        [
            normalized_error(answers[case][:, members], reference[case][:, members], sizes).mean(axis=1)
            for answers in converted
            for case, members in enumerate(map(list, keep))
        ]
    )
    limits = tuple(_HEADROOM * float(worst) + _FLOOR for worst in disagreement.max(axis=0))
    cases = tuple(
        GoldenCase(
            member=f"golden/{case}.png",
            category=categories[case],
            landmarks=tuple(
                tuple((float(x), float(y)) for x, y in reference[case, stage].tolist()) for stage in range(stages)
            ),
        )
        for case in range(len(inputs))
    )
    golden = GoldenSet(cases=cases, limits=limits)
    members = {case.member: png_bytes(Image.fromarray(pixels)) for case, pixels in zip(cases, inputs, strict=True)}
    return {**members, "golden/golden.json": msgspec.json.encode(golden)}
