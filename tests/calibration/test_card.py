"""The record of a calibration."""

import hashlib
from typing import Any

import msgspec
import numpy as np

from fpm_edge_calibration import calibration_card
from fpm_edge_runtime.bundle.manifest import CalibrationCard

INPUTS = [np.random.default_rng(i).integers(0, 256, (4, 6, 3), np.uint8) for i in range(3)]


def card(**changes: Any) -> CalibrationCard:
    plain: dict[str, Any] = {
        "strategy": "stratified",
        "source": "rendered-3-0-64",
        "seed": 5,
        "identifiers": ["a", "b", "c"],
        "inputs": INPUTS,
        "estimator": "min-max",
        "ranges": {"stage_1": (np.float32(-1.5), np.float32(2.0)), "context": (0.0, 6.0)},
    }
    return calibration_card(**(plain | changes))


def test_it_holds_what_it_was_given() -> None:
    made = card()
    assert made == CalibrationCard(
        strategy="stratified",
        source="rendered-3-0-64",
        seed=5,
        samples=("a", "b", "c"),
        digest=hashlib.sha256(b"".join(array.tobytes() for array in INPUTS)).hexdigest(),
        estimator="min-max",
        ranges={"context": (0.0, 6.0), "stage_1": (-1.5, 2.0)},
    )
    assert list(made.ranges) == ["context", "stage_1"]
    assert msgspec.json.decode(msgspec.json.encode(made), type=CalibrationCard) == made


def test_the_digest_is_of_the_pixels_in_their_order() -> None:
    assert card().digest == card(seed=6, identifiers=["x", "y", "z"]).digest
    # The same pixels in another memory layout are the same pixels.
    assert card().digest == card(inputs=[np.asfortranarray(array) for array in INPUTS]).digest
    assert card().digest != card(inputs=INPUTS[::-1]).digest
    changed = [array.copy() for array in INPUTS]
    changed[2][3, 5, 2] ^= 1
    assert card().digest != card(inputs=changed).digest
