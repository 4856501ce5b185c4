"""Pieces of different precision in one bundle."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from fpm_edge_runtime import Bundle, open_bundle
from fpm_edge_runtime.bundle.conversion import converted
from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.bundle.tensors import is_convertible
from fpm_edge_runtime.stages.pack import bundle_bytes

CODES = TensorSpec("context", "int8", (1, 2, 2, 1), "NHWC", 0.5, -10)
REAL = TensorSpec("context", "float32", (1, 2, 2, 1), "NHWC")
SHIFTED = TensorSpec("context", "uint8", (1, 2, 2, 1), "NHWC", 0.5, 118)
FINE = TensorSpec("context", "int16", (1, 2, 2, 1), "NHWC", 0.002, 0)


def test_codes_become_real_numbers_and_come_back() -> None:
    codes = np.array([-128, -10, 0, 127], np.int8).reshape(CODES.shape)
    real = converted(codes, CODES, REAL)
    assert real.dtype == np.float32
    assert real.ravel().tolist() == [-59.0, 0.0, 5.0, 68.5]
    back = converted(real, REAL, CODES)
    assert back.dtype == np.int8
    assert np.array_equal(back, codes)


def test_what_no_code_can_hold_saturates() -> None:
    real = np.array([-1e9, 1e9, 0.2, 0.3], np.float32).reshape(REAL.shape)
    assert converted(real, REAL, CODES).ravel().tolist() == [-128, 127, -10, -9]


def test_a_tensor_that_fits_is_passed_on_untouched() -> None:
    codes = np.zeros(CODES.shape, np.int8)
    assert converted(codes, CODES, CODES) is codes


def test_codes_of_one_kind_become_codes_of_the_other() -> None:
    codes = np.array([-128, -10, 0, 121], np.int8).reshape(CODES.shape)
    fine = converted(codes, CODES, FINE)
    assert fine.dtype == np.int16
    assert fine.ravel().tolist() == [-29500, 0, 2500, 32750]
    assert np.array_equal(converted(fine, FINE, CODES), codes)
    # What the coarse codes cannot hold saturates, and what lies between two of them is rounded.
    wide = np.array([-32768, 32767, 499, 501], np.int16).reshape(FINE.shape)
    assert converted(wide, FINE, CODES).ravel().tolist() == [-128, 121, -8, -8]
    assert np.array_equal(codes, np.array([-128, -10, 0, 121], np.int8).reshape(CODES.shape))


@pytest.mark.parametrize("scale", [0.5, 1 / 255, 0.0561027005314827, 1e-30, 1e30])
def test_uint8_codes_are_int8_codes_and_128(scale: float) -> None:
    signed, unsigned = (msgspec.structs.replace(spec, shape=(1, 16, 16, 1), scale=scale) for spec in (CODES, SHIFTED))
    codes = np.arange(-128, 128).astype(np.int8).reshape(signed.shape)
    moved = converted(codes, signed, unsigned)
    assert moved.dtype == np.uint8
    assert np.array_equal(moved, codes.astype(np.int16) + 128)
    assert np.array_equal(converted(moved, unsigned, signed), codes)
    real = msgspec.structs.replace(REAL, shape=signed.shape)
    assert np.array_equal(converted(moved, unsigned, real), converted(codes, signed, real))
    # What lies between codes, or beyond them, becomes the same one.
    values = np.linspace(-200 * scale, 200 * scale, 256, dtype=np.float32).reshape(signed.shape)
    assert np.array_equal(converted(values, real, unsigned), converted(values, real, signed).astype(np.int16) + 128)


def test_what_fits() -> None:
    change = msgspec.structs.replace
    assert is_convertible(CODES, FINE)
    assert is_convertible(CODES, SHIFTED)
    assert is_convertible(SHIFTED, REAL)
    assert is_convertible(FINE, CODES)
    assert not is_convertible(FINE, change(FINE, scale=0.001))
    assert is_convertible(CODES, CODES)
    assert is_convertible(CODES, REAL)
    assert is_convertible(REAL, CODES)
    assert not is_convertible(CODES, change(CODES, scale=0.25))
    assert not is_convertible(CODES, change(REAL, shape=(1, 2, 1, 2)))
    assert not is_convertible(CODES, change(REAL, layout="NCHW"))


def mixed(codes: Bundle, real: Bundle, real_pieces: set[str]) -> Bundle:
    """The TFLite pieces of an int8 bundle, some of them from the float bundle of the same network."""
    pieces: list[Piece] = []
    members = {}
    for quantized, floating in zip(codes.manifest.pieces["tflite"], real.manifest.pieces["tflite"], strict=True):
        source, piece = (real, floating) if quantized.name in real_pieces else (codes, quantized)
        pieces.append(piece)
        members[piece.member] = source.read(piece.member)
    manifest = msgspec.structs.replace(codes.manifest, pieces={"tflite": tuple(pieces)})
    return open_bundle(bundle_bytes(manifest, members))


@pytest.mark.parametrize("real_pieces", [{"stage_3"}, {"stage_2", "stage_3"}, {"stage_1"}, {"context"}, {"stage_2"}])
@pytest.mark.parametrize("engine", ["litert", "openvino"])
def test_stages_of_both_precisions_run_together(
    real_pieces: set[str], engine: str, tiny_bundle: Path, tiny_float_bundle: Path
) -> None:
    codes, real = open_bundle(tiny_bundle), open_bundle(tiny_float_bundle)
    case = codes.golden_input(codes.golden().cases[0])  # type: ignore[union-attr]
    results = mixed(codes, real, real_pieces).session(engine).detect_input(case)
    quantized, floating = (bundle.session(engine).detect_input(case) for bundle in (codes, real))
    assert len(results) == 3
    first = floating if "stage_1" in real_pieces else quantized
    assert np.array_equal(results[0].landmarks, first[0].landmarks)
    # Peaks are as high as in both pure bundles.
    for pure in (quantized, floating):
        np.testing.assert_allclose(results[-1].scores, pure[-1].scores, atol=0.03)
    assert results[-1].scores.max() > 0.1
