"""What the Python runtime makes of pictures, boxes and heatmaps that both runtimes can make: pixels.json.

python runtime/web/test/vectors/make_pixels.py
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.colours import to_rgb
from fpm_edge_runtime.pixels.decode import read_heatmaps
from fpm_edge_runtime.pixels.geometry import Letterbox, cells_to_input, input_to_cells
from fpm_edge_runtime.pixels.image import letterbox
from fpm_edge_runtime.pixels.metrics import normalized_error

HERE = Path(__file__).parent
POINTS = np.array([[0, 0], [-0.5, 17.25], [100.1, 3.7], [1e5, -0.1]], np.float32)


def picture(width: int, height: int, channels: int, seed: int, alpha: str = "opaque") -> NDArray[np.uint8]:
    """Hashed bytes, as `support/picture.ts` makes them."""
    value = np.arange(width * height * channels, dtype=np.uint64) + np.uint64(seed) * np.uint64(7919)
    value = (value * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    value = ((value ^ (value >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    pixels = (value >> np.uint64(24)).astype(np.uint8).reshape(height, width, channels)
    if channels == 4:
        shown = np.arange(width * height).reshape(height, width) % 97 != 5
        pixels[..., 3] = np.where(shown, 255, pixels[..., 3]) if alpha == "some" else 255
    return pixels


def boxed(width: int, height: int, channels: int, size: Any, box: Any = None, alpha: str = "opaque") -> dict[str, Any]:
    seed = width + height + channels
    pixels = picture(width, height, channels, seed, alpha)
    fit = Letterbox.fit((width, height), size, box)
    rgb = pixels if channels == 3 else np.asarray(to_rgb(Image.fromarray(pixels), ""))
    answer = letterbox(rgb, fit, size)
    return {
        "picture": [width, height, channels, seed, alpha],
        "input": size,
        "box": box,
        "fit": [*fit.box, fit.width, fit.height, fit.left, fit.top, fit.scale_x, fit.scale_y],
        "toPicture": fit.to_picture(POINTS).ravel().tolist(),
        "toInput": fit.to_input(POINTS).ravel().tolist(),
        "sha256": hashlib.sha256(answer.tobytes()).hexdigest()[:16],
    }


def letterboxes() -> list[dict[str, Any]]:
    """Shrinking by little, by much and by more than sums can hold; enlarging; columns first; boxes between pixels."""
    return [
        boxed(1, 1, 3, (192, 192)),
        boxed(3, 2, 4, (16, 24)),
        boxed(64, 48, 3, (64, 48)),
        boxed(64, 48, 4, (64, 48), None, "some"),
        boxed(640, 480, 4, (192, 192)),
        boxed(640, 480, 3, (192, 192)),
        boxed(641, 359, 4, (192, 192), None, "some"),
        boxed(640, 360, 4, (64, 64)),
        boxed(97, 700, 3, (32, 64)),
        boxed(97, 700, 4, (32, 64), None, "some"),
        boxed(8000, 10, 3, (192, 192)),
        boxed(10, 8000, 4, (192, 192)),
        boxed(800, 600, 3, (24, 24)),
        boxed(8000, 7, 4, (100, 100)),
        boxed(300, 200, 3, (64, 64), (-20, 10.25, 77.7, 500)),
        boxed(300, 200, 4, (64, 64), (30.5, 20.5, 250.125, 180.9)),
        boxed(300, 200, 4, (64, 64), (100, 50, 164, 114)),
        boxed(300, 200, 3, (48, 32), (10.1, 20.2, 12.3, 21.9)),
        boxed(67, 42, 3, (64, 64), (18, 7, 34, 12)),
        boxed(5, 40, 4, (7, 7), (0.3, 1.7, 4.9, 39.2)),
        boxed(8000, 7, 3, (100, 100), (7000.1, 0.1, 7100.7, 6.9)),
        boxed(224, 640, 3, (64, 64)),
        boxed(200, 100, 3, (64, 63)),
        boxed(1, 8000, 3, (64, 64)),
        boxed(384, 384, 3, (192, 192)),
        boxed(500, 200, 3, (5, 3)),
        boxed(3, 40000, 3, (2, 1), (0, 1, 3, 40000)),
    ]


def refused() -> list[Any]:
    boxes = [(500, 10, 600, 20), (10, 10, 10.5, 50), (50, 50, 20, 20), (-20, 0, -10, 10), (0, 0, 1e-9, 300)]
    for box in boxes:
        try:
            Letterbox.fit((400, 300), (64, 64), box)
        except DataError:
            continue
        raise AssertionError(box)
    return boxes


def heat(height: int, width: int, x: float, y: float, sigma: float = 1.2, top: float = 0.9) -> NDArray[np.float64]:
    rows, columns = np.mgrid[:height, :width]
    return np.asarray(top * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)))


def read(maps: list[NDArray[Any]], layout: str, dtype: str, scale: float | None, zero_point: int | None) -> Any:
    """Reads real maps, or codes, of one size; uint8 as the int8 codes that they stand for."""
    stacked = np.stack([*maps, maps[0]])
    if scale is not None and zero_point is not None and stacked.dtype == np.float64:
        limits = np.iinfo(dtype)
        stacked = np.clip(np.rint(stacked / scale) + zero_point, limits.min, limits.max)
    stacked = stacked.astype(dtype)
    arranged = np.ascontiguousarray(stacked.transpose(1, 2, 0)) if layout == "NHWC" else stacked
    known, zero = arranged, zero_point
    if dtype == "uint8" and zero is not None:
        known, zero = (arranged.astype(int) - 128).astype(np.int8), zero - 128
    reading = read_heatmaps(known, layout=layout, landmarks=len(maps), scale=scale, zero_point=zero)  # type: ignore[arg-type]
    return {
        "maps": base64.b64encode(arranged.tobytes()).decode(),
        "dtype": dtype,
        "layout": layout,
        "size": [*maps[0].shape],
        "landmarks": len(maps),
        "scale": scale,
        "zeroPoint": zero_point,
        "cells": reading.cells.ravel().tolist(),
        "scores": reading.scores.tolist(),
        "doubts": list(reading.doubts.items()),
    }


def heatmaps() -> list[Any]:
    codes = {"int8": (1 / 255, -128), "uint8": (1 / 255, 0), "int16": (1 / 32767, 0), "float32": (None, None)}
    generator = np.random.default_rng(5)
    one = np.zeros((9, 12))
    one[4, 7] = 0.5
    pair = one.copy()
    pair[5, 8] = 0.5
    apart = one.copy()
    apart[0:2, 0:3] = 0.2
    apart[1, 1] = 0.5
    wide = np.full((9, 12), 0.1)
    wide[1:8, 2:9] = 1.3
    line = np.zeros((9, 12))
    line[3, 2:8] = 1.0
    low = np.full((9, 12), 0.1)
    low[2:8, 2:10] = 0.8
    faint = generator.integers(0, 3, (9, 12)) / 255
    chain = np.zeros((9, 12))
    chain[0, [0, 2, 4, 9]] = chain[2, 4] = chain[4, [0, 2, 4]] = chain[8, 11] = 0.6
    maps = [
        heat(9, 12, 4.3, 5.1), heat(9, 12, -0.5, 8.5), heat(9, 12, 11, 0, 0.7), heat(9, 12, 6.2, 4.4, 1.5, 2.4),
        np.zeros((9, 12)), np.full((9, 12), 0.3), one, pair, apart, wide, line, low, faint, chain,
        heat(9, 12, 3, 3) - 0.95, np.clip(heat(9, 12, 5, 4) + generator.normal(0, 0.05, (9, 12)), 0, 1),
    ]  # fmt: skip
    cases = [
        read(maps, layout, dtype, *codes[dtype])
        for dtype, layout in (("int8", "NHWC"), ("uint8", "NCHW"), ("int16", "NHWC"), ("float32", "NCHW"))
    ]
    cases += [
        read(maps[:4], "NCHW", "int8", 0.045, -20),
        read(maps[:10], "NHWC", "uint8", 0.003, 0),
        read(maps[:4], "NHWC", "int8", 0.01, 127),
        read([np.array([[0.4]])], "NHWC", "float32", None, None),
        read([np.array([[0.1, 0.4, 0.3, 0.0, 0.4]]), np.array([[1.0, 1, 1, 1, 0.2]])], "NCHW", "float32", None, None),
        read([generator.integers(-128, 128, (7, 5)).astype(np.int8) for _ in range(6)], "NCHW", "int8", 0.01, -20),
        read([generator.integers(-3, 0, (11, 13)).astype(np.int8) for _ in range(6)], "NHWC", "int8", 1 / 255, -128),
    ]
    holes = [heat(6, 7, 3.3, 2.1) for _ in range(5)]
    holes[0][0, 0], holes[1][5, 6], holes[2][2, 3], holes[3][:] = np.nan, np.inf, -np.inf, np.nan
    return [*cases, read(holes, "NHWC", "float32", None, None)]


def main() -> None:
    generator = np.random.default_rng(1)
    predicted, truth = generator.uniform(0, 300, (2, 3, 4, 2)).astype(np.float32)
    predicted[1, 2, 0], predicted[2, 0, 1] = np.nan, np.inf
    sizes = np.array([[300, 200], [640, 480], [1, 1000]])
    errors = normalized_error(predicted, truth, sizes)
    known = {
        "points": POINTS.ravel().tolist(),
        "letterboxes": letterboxes(),
        "refused": refused(),
        "cells": [[stride, *(move(POINTS, stride).ravel().tolist() for move in (cells_to_input, input_to_cells))]
                  for stride in (1, 3, 4, 8)],
        "heatmaps": heatmaps(),
        "metrics": [np.where(np.isfinite(a), a, None).ravel().tolist() for a in (predicted, truth, sizes, errors)],
    }  # fmt: skip
    (HERE / "pixels.json").write_text(json.dumps(known) + "\n")


if __name__ == "__main__":
    main()
