"""Texture sheets, made once a process from fixed seeds, from which random windows are taken."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

# A window of 256 px, magnified by up to 1.6 and turned by any angle, fits inside.
SIDE = 640

Sheet = NDArray[np.floating]


def _noise(seed: int, cells_x: int, cells_y: int) -> Sheet:
    """Smooth noise in 0..1 with the given number of random cells across."""
    cells = np.random.default_rng([0xFAB, seed]).random((cells_y, cells_x), dtype=np.float32)
    grown = Image.fromarray(cells).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(grown, dtype=np.float32)


def _fractal(seed: int, cells: int, octaves: int, stretch: float = 1.0) -> Sheet:
    """Sum of noises, each twice as fine and half as strong; standardised."""
    total = np.zeros((SIDE, SIDE), dtype=np.float32)
    for octave in range(octaves):
        across = cells * 2**octave
        total += _noise(seed * 31 + octave, across, max(2, round(across / stretch))) / 2**octave
    standard: Sheet = (total - total.mean()) / total.std()
    return standard


def _to_image(values: Sheet) -> Image.Image:
    """Values of 0..1 as an 8-bit sheet."""
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))


def _wave(position: Sheet, period: float, duty: float = 0.5) -> Sheet:
    """Bands of the given period, with edges about one pixel soft."""
    phase = np.abs((position / period) % 1.0 - 0.5) * 2
    wave: Sheet = np.clip((duty - phase) * period / 2 + 0.5, 0, 1)
    return wave


@lru_cache(maxsize=1)
def patterns() -> dict[str, tuple[Image.Image, ...]]:
    """Fabric patterns, 8-bit: 0 is the ground colour, 255 the figure."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    grain = _fractal(1, 160, 2)
    sheets: dict[str, list[Sheet]] = {
        "plain": [0.5 + 0.03 * grain, 0.5 + 0.04 * _fractal(2, 90, 3), 0.5 + 0.03 * _fractal(3, 6, 5)],
        "stripes": [_wave(x, period, duty) for period, duty in ((9, 0.5), (14, 0.25), (22, 0.5), (36, 0.6))],
        "hoops": [_wave(y, period, duty) for period, duty in ((9, 0.5), (16, 0.3), (26, 0.5))],
        "checks": [(_wave(x, period) + _wave(y, period)) / 2 for period in (12.0, 22.0, 40.0)],
        "dots": [],
        "denim": [],
        "knit": [],
        "floral": [],
        "animal": [],
    }
    for period in (34.0, 60.0):
        lines = 0.45 * (_wave(x, period, 0.5) + _wave(y, period, 0.5)) / 2
        thin = 0.5 * np.maximum(_wave(x + period / 3, period, 0.08), _wave(y + period / 3, period, 0.08))
        sheets["checks"].append(lines + thin)
    for period, radius in ((12, 3.0), (20, 4.0), (34, 10.0)):
        shifted = x + (np.floor(y / period) % 2) * period / 2
        distance = np.hypot(shifted % period - period / 2, y % period - period / 2)
        sheets["dots"].append(np.clip(radius - distance + 0.5, 0, 1))
    for seed in (4, 5):
        twill = 0.05 * np.sin((x + y) * 2.1) + 0.07 * _fractal(seed, 200, 1, 0.3)
        sheets["denim"].append(0.5 + twill + 0.1 * _fractal(seed + 20, 5, 4))
    for row in (7.0, 12.0):
        stitch = np.sin(2 * np.pi * (x / row + 0.25 * np.abs((y / row) % 2 - 1)))
        sheets["knit"].append(0.5 + 0.16 * stitch + 0.08 * np.sin(2 * np.pi * y / row) + 0.03 * grain)
        sheets["knit"].append(0.5 + 0.2 * np.sin(2 * np.pi * x / row) + 0.04 * grain)
    for seed, cells in ((6, 18), (7, 30), (8, 50), (9, 75)):
        field = _fractal(seed, cells, 2)
        sheets["floral"].append(np.clip(np.round((field - 0.1) * 1.6) / 3, 0, 1))
        sheets["animal"].append(np.clip((0.3 - np.abs(_fractal(seed + 40, cells, 1) - 0.2)) * 6, 0, 1))
    return {name: tuple(_to_image(sheet) for sheet in group) for name, group in sheets.items()}


@lru_cache(maxsize=1)
def folds() -> tuple[Image.Image, ...]:
    """Shading of cloth, 8-bit, lengthwise along y: 255 is fully lit. First drapes, then crumples."""
    sheets = []
    for seed, cells, stretch, depth in ((10, 8, 5.0, 0.09), (11, 14, 7.0, 0.12), (12, 28, 12.0, 0.12)):
        bend = _fractal(seed, cells, 2, stretch)
        sheets.append(0.8 + depth * bend)
    for seed, cells in ((13, 7), (14, 12)):
        ridge = np.abs(_fractal(seed, cells, 2, 2.5))
        sheets.append(0.88 - 0.07 * ridge + 0.06 * _fractal(seed + 9, 4, 2))
    return tuple(_to_image(sheet) for sheet in sheets)


@lru_cache(maxsize=64)
def creased(kind: str, pattern: int, fold: int) -> Image.Image:
    """A pattern with folds in it: for cloth of one colour, one sheet does for both."""
    return ImageChops.multiply(patterns()[kind][pattern], folds()[fold])


@lru_cache(maxsize=160)
def indexed(kind: str, pattern: int, fold: int) -> Image.Image:
    """Pattern and folds as one sheet of palette indices: 16 × the level of the pattern + that of the light.

    For cloth of several colours: a palette of 16 colours in 16 shades then costs no more than one colour.
    """
    figure = np.asarray(patterns()[kind][pattern]) // 16
    # Folds are between half and fully lit.
    lit = np.clip((np.asarray(folds()[fold]).astype(np.int16) - 128) // 8, 0, 15).astype(np.uint8)
    return Image.fromarray(figure * 16 + lit)


@lru_cache(maxsize=1)
def clouds() -> tuple[Image.Image, ...]:
    """Natural-looking noise for backgrounds, 8-bit: from broad clouds to foliage and gravel."""
    sheets = [
        0.5 + 0.2 * _fractal(50, 3, 6),
        0.5 + 0.2 * _fractal(51, 8, 6),
        0.5 + 0.22 * _fractal(52, 24, 4),
        0.5 + 0.22 * _fractal(53, 70, 3),
        0.5 + 0.2 * _fractal(54, 6, 6, 4.0),
        np.clip(0.55 + 0.5 * (np.abs(_fractal(55, 40, 2)) - 0.8), 0, 1),
    ]
    return tuple(_to_image(sheet) for sheet in sheets)


@lru_cache(maxsize=1)
def sensor_noise() -> tuple[Image.Image, ...]:
    """RGB noise around 128 of rising strength, partly shared by the three channels as in a photograph."""
    generator = np.random.default_rng([0xFAB, 99])
    noise = generator.normal(0, 1, (SIDE, SIDE, 1)) + generator.normal(0, 0.5, (SIDE, SIDE, 3))
    sheets = (np.clip(128 + strength * noise, 0, 255).astype(np.uint8) for strength in (2.5, 4.5, 9.0))
    return tuple(Image.fromarray(sheet) for sheet in sheets)


@lru_cache(maxsize=1)
def light() -> Image.Image:
    """Broad light and shade over a whole scene, 8-bit; 255 is fully lit."""
    return _to_image(0.86 + 0.1 * _fractal(60, 3, 3))


def window(
    sheet: Image.Image, width: int, height: int, *, x: float, y: float, cosine: float, sine: float
) -> Image.Image:
    """A `width` × `height` window of `sheet`, turned and scaled by (cosine, sine), centred on (x, y)."""
    # Nearest, not bilinear: an eighth of the time, and the sheets are smooth enough.
    half_width, half_height = width / 2, height / 2
    matrix = (
        cosine,
        -sine,
        x - cosine * half_width + sine * half_height,
        sine,
        cosine,
        y - sine * half_width - cosine * half_height,
    )
    return sheet.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)
