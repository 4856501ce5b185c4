"""Landmarks drawn on pictures: to look at a detection, at two models' answers side by side, or at a whole set."""

import colorsys
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.image import check_image
from fpm_edge_runtime.schema import LandmarkSchema

__all__ = ["FAINT_SCORE", "contact_sheet", "draw_landmarks"]

# Landmarks that score lower than this are drawn hollow and faint: the network is not sure of them.
FAINT_SCORE = 0.25

_Colour = tuple[int, int, int]
_Box = tuple[float, float, float, float]
_Point = tuple[float, float]
_Place = Callable[[float, float], _Point]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WHITE: _Colour = (255, 255, 255)
_INK: _Colour = (22, 24, 30)
_PAPER: _Colour = (246, 246, 244)

# Shapes are drawn this many times larger and reduced, because Pillow draws them without smooth edges.
_SUPERSAMPLING = 4
# The dot's radius is this share of the picture's longer side, within these bounds (pixels).
_RADIUS_SHARE = 1 / 115
_RADIUS_BOUNDS = (2.5, 24.0)
# The reference's ring against the dot's radius.
_RING = 1.75
# Successive hues are the golden ratio of a turn apart: however many groups there are, neighbours differ.
_GOLDEN = 0.61803398875


@dataclass(frozen=True)
class _Style:
    """Sizes in pixels of the picture."""

    radius: float
    line: float
    font_size: float

    @classmethod
    def of(cls, width: int, height: int) -> "_Style":
        radius = min(max(max(width, height) * _RADIUS_SHARE, _RADIUS_BOUNDS[0]), _RADIUS_BOUNDS[1])
        return cls(radius=radius, line=max(0.8, radius * 0.3), font_size=max(9.0, radius * 2.5))


def draw_landmarks(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.floating[Any]],
    *,
    schema: LandmarkSchema,
    scores: NDArray[np.floating[Any]] | None = None,
    keep: NDArray[np.bool_] | None = None,
    reference: NDArray[np.floating[Any]] | None = None,
    labels: bool = True,
) -> Image.Image:
    """A copy of a picture with its landmarks on it, as dots coloured by the schema's groups (or flip pairs).

    Args:
        image: (height, width, 3) uint8 RGB.
        landmarks: (landmarks, 2) x, y in pixels of the picture. What is not finite is not drawn.
        schema: names and groups.
        scores: (landmarks,) 0 to 1; landmarks under `FAINT_SCORE` are drawn hollow. None: all are drawn full.
        keep: (landmarks,) which to draw; None for all.
        reference: (landmarks, 2) a second answer, e.g. the float model's: a white ring, with a line to the dot.
        labels: write the landmarks' names beside them.

    Raises:
        DataError: an array is not of the shape or type above.
    """
    check_image(image)
    count = len(schema.landmarks)
    for name, array, shape in (
        ("landmarks", landmarks, (count, 2)),
        ("scores", scores, (count,)),
        ("keep", keep, (count,)),
        ("reference", reference, (count, 2)),
    ):
        if array is not None and array.shape != shape:
            raise DataError(f"{name} has shape {array.shape}; expected {shape} for schema {schema.name!r}")
    canvas = Image.fromarray(image)
    style = _Style.of(*canvas.size)
    shown = np.isfinite(landmarks).all(axis=1) & (True if keep is None else keep)
    faint = np.zeros(count, np.bool_) if scores is None else ~(scores >= FAINT_SCORE)
    colours = _colours(schema)
    order = np.flatnonzero(shown)
    if reference is not None:
        for i in order:
            if np.isfinite(reference[i]).all():
                _draw_reference(canvas, landmarks[i], reference[i], style)
    for i in order:
        _draw_dot(canvas, landmarks[i], colours[i], style, hollow=bool(faint[i]))
    if labels:
        names = [schema.landmarks[i] for i in order]
        rings = np.empty((0, 2)) if reference is None else reference[order]
        _draw_labels(canvas, landmarks[order], rings, names, faint[order], style)
    if reference is not None:
        _draw_legend(canvas, landmarks[order], style)
    return canvas


def contact_sheet(
    images: Sequence[Image.Image],
    columns: int,
    *,
    titles: Sequence[str] | None = None,
    cell: int = 320,
    gap: int = 12,
) -> Image.Image:
    """Pictures in rows of `columns`, each scaled to fit a square of `cell` pixels, with a title below if given.

    Raises:
        UsageError: no images, fewer than one column, or not one title for each image.
    """
    if not images or columns < 1:
        raise UsageError(f"a contact sheet of {len(images)} images in {columns} columns; expected at least 1 of each")
    if titles is not None and len(titles) != len(images):
        raise UsageError(f"{len(titles)} titles for {len(images)} images; expected one each")
    columns = min(columns, len(images))
    font = _font(max(10.0, cell / 22))
    caption = 0 if titles is None else round(cell / 22 * 1.9)
    thumbs = [_fit(image.convert("RGB"), cell) for image in images]
    rows = [thumbs[start : start + columns] for start in range(0, len(thumbs), columns)]
    heights = [max(thumb.height for thumb in row) for row in rows]
    size = (gap + columns * (cell + gap), gap + sum(heights) + len(rows) * (caption + gap))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    top = gap
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for column, thumb in enumerate(row):
            left = gap + column * (cell + gap)
            sheet.paste(thumb, (left + (cell - thumb.width) // 2, top + (height - thumb.height) // 2))
            if titles is not None:
                text = _shorten(titles[number * columns + column], font, cell)
                draw.text((left + cell / 2, top + height + caption / 2), text, _INK, font, anchor="mm")
        top += height + caption + gap
    return sheet


def _fit(image: Image.Image, cell: int) -> Image.Image:
    scale = cell / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shorten(text: str, font: _Font, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _font(size: float) -> _Font:
    return ImageFont.load_default(size=size)


def _colours(schema: LandmarkSchema) -> list[_Colour]:
    """One colour a landmark: that of its group, or without groups that of its flip pair."""
    group = {i: f"pair {min(i, other)}" for i, other in enumerate(schema.flip)}
    for name, members in schema.groups.items():
        group.update(dict.fromkeys(members, name))
    number = {name: n for n, name in enumerate(dict.fromkeys(group[i] for i in range(len(schema.landmarks))))}
    return [_colour(number[group[i]]) for i in range(len(schema.landmarks))]


def _colour(number: int) -> _Colour:
    hue = (0.97 + number * _GOLDEN) % 1.0
    # Alternating depth tells apart the hues that come close again after a few turns.
    saturation, value = ((0.80, 1.0), (0.90, 0.82), (0.55, 1.0))[number % 3]
    red, green, blue = (round(255 * v) for v in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue


# ---- shapes with smooth edges ----


def _stamp(
    canvas: Image.Image,
    box: _Box,
    colour: _Colour,
    opacity: float,
    shape: Callable[[ImageDraw.ImageDraw, _Place, float], None],
) -> None:
    """Draw `shape` in `colour` inside `box` (edge coordinates of the canvas), with smooth edges, clipped to it."""
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    right, bottom = min(canvas.width, math.ceil(box[2])), min(canvas.height, math.ceil(box[3]))
    if left >= right or top >= bottom:
        return
    zoom = _SUPERSAMPLING
    mask = Image.new("L", ((right - left) * zoom, (bottom - top) * zoom), 0)
    shape(ImageDraw.Draw(mask), lambda x, y: ((x - left) * zoom - 0.5, (y - top) * zoom - 0.5), zoom)
    mask = mask.reduce(zoom)
    if opacity < 1:
        mask = mask.point(lambda value: value * opacity)
    canvas.paste(colour, (left, top, right, bottom), mask)


def _disc(canvas: Image.Image, x: float, y: float, radius: float, colour: _Colour, opacity: float = 1.0) -> None:
    _ring(canvas, x, y, radius, radius, colour, opacity)


def _ring(
    canvas: Image.Image, x: float, y: float, outer: float, width: float, colour: _Colour, opacity: float = 1.0
) -> None:
    """A ring of outer radius `outer`; `width` equal to it makes a disc. x, y in edge coordinates."""

    def shape(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        draw.ellipse((*place(x - outer, y - outer), *place(x + outer, y + outer)), fill=255)
        inner = outer - width
        if inner > 0:
            draw.ellipse((*place(x - inner, y - inner), *place(x + inner, y + inner)), fill=0)

    _stamp(canvas, (x - outer - 1, y - outer - 1, x + outer + 1, y + outer + 1), colour, opacity, shape)


def _line(canvas: Image.Image, start: _Point, end: _Point, width: float, colour: _Colour, opacity: float = 1.0) -> None:
    (x0, y0), (x1, y1) = start, end

    def shape(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        draw.line((*place(x0, y0), *place(x1, y1)), fill=255, width=max(1, round(width * zoom)))

    pad = width + 1
    box = (min(x0, x1) - pad, min(y0, y1) - pad, max(x0, x1) + pad, max(y0, y1) + pad)
    _stamp(canvas, box, colour, opacity, shape)


def _draw_dot(canvas: Image.Image, point: NDArray[Any], colour: _Colour, style: _Style, *, hollow: bool) -> None:
    # Pixel centres are integers in `geometry`, and half-integers in the edge coordinates of drawing.
    x, y = float(point[0]) + 0.5, float(point[1]) + 0.5
    outer = style.radius + style.line
    if hollow:
        _ring(canvas, x, y, outer, style.line * 2.6, _INK, 0.35)
        _ring(canvas, x, y, outer - style.line * 0.5, style.line * 1.6, colour, 0.85)
        return
    _disc(canvas, x, y, outer + max(0.8, style.line * 0.5), _INK, 0.35)
    _disc(canvas, x, y, outer, _WHITE)
    _disc(canvas, x, y, style.radius, colour)


def _draw_reference(canvas: Image.Image, point: NDArray[Any], reference: NDArray[Any], style: _Style) -> None:
    x, y = float(reference[0]) + 0.5, float(reference[1]) + 0.5
    to = (float(point[0]) + 0.5, float(point[1]) + 0.5)
    ring = _RING * style.radius
    distance = math.hypot(to[0] - x, to[1] - y)
    if distance > ring:
        start = (x + (to[0] - x) * ring / distance, y + (to[1] - y) * ring / distance)
        _line(canvas, start, to, style.line * 2.6, _INK, 0.75)
        _line(canvas, start, to, style.line * 1.3, _WHITE)
    _ring(canvas, x, y, ring + style.line * 1.3, style.line * 2.6, _INK, 0.75)
    _ring(canvas, x, y, ring + style.line * 0.65, style.line * 1.3, _WHITE)


# ---- text ----


def _draw_labels(
    canvas: Image.Image,
    points: NDArray[Any],
    rings: NDArray[Any],
    names: Sequence[str],
    faint: NDArray[np.bool_],
    style: _Style,
) -> None:
    """Each name where it covers least: beside its dot, not over dots, rings, other names or the picture's edge."""
    font = _font(style.font_size)
    stroke = max(1, round(style.font_size / 12))
    clear = style.radius + style.line + 1
    taken = _around(points, clear) + _around(rings, _RING * style.radius + style.line)
    draw = ImageDraw.Draw(canvas)
    for (x, y), name, dim in zip(points + 0.5, names, faint, strict=True):
        text = name.replace("_", " ")
        left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
        width, height = right - left, bottom - top
        places = _places(float(x), float(y), width, height, clear + 1)
        best = min(places, key=lambda box: _cost(box, taken, canvas.size))
        taken.append(best)
        ink = (215, 215, 215) if dim else _WHITE
        draw.text((best[0] - left, best[1] - top), text, ink, font, stroke_width=stroke, stroke_fill=_INK)


def _around(points: NDArray[Any], reach: float) -> list[_Box]:
    """Squares around the points that are finite, in edge coordinates."""
    finite = points[np.isfinite(points).all(axis=1)] + 0.5
    return [(float(x) - reach, float(y) - reach, float(x) + reach, float(y) + reach) for x, y in finite]


def _places(x: float, y: float, width: float, height: float, clear: float) -> list[_Box]:
    """Boxes of this size around a dot, the preferred first."""
    boxes = []
    for far in (0.0, 1.2 * height, 2.4 * height):
        right, left = x + clear, x - clear - width
        middle, above, below = y - height / 2, y - clear - height - far, y + clear + far
        beside = [(right + far, middle), (left - far, middle)]
        over = [(x - width / 2, above), (x - width / 2, below)]
        corners = [(a, b) for b in (above + height / 2, below - height / 2) for a in (right, left)]
        boxes += [(a, b, a + width, b + height) for a, b in (*beside, *over, *corners)]
    return boxes


def _cost(box: _Box, taken: Sequence[_Box], size: tuple[int, int]) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - _overlap(box, (0.0, 0.0, float(size[0]), float(size[1])))
    return 10 * outside + sum(_overlap(box, other) for other in taken)


def _overlap(a: _Box, b: _Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _draw_legend(canvas: Image.Image, points: NDArray[Any], style: _Style) -> None:
    """What dot and ring stand for, in the corner with the fewest landmarks."""
    font = _font(style.font_size)
    row = style.font_size * 1.5
    texts = ("landmark", "reference")
    pad = style.font_size * 0.6
    mark = style.radius * 4.5
    width = pad + mark + max(font.getlength(text) for text in texts) + pad
    height = pad * 0.6 + row * len(texts) + pad * 0.6
    gap = style.font_size * 0.5
    corners = [
        (left, top, left + width, top + height)
        for top in (canvas.height - gap - height, gap)
        for left in (gap, canvas.width - gap - width)
    ]
    near = _around(points, mark)
    x0, y0, x1, y1 = min(corners, key=lambda box: sum(_overlap(box, other) for other in near))

    def panel(draw: ImageDraw.ImageDraw, place: _Place, zoom: float) -> None:
        draw.rounded_rectangle((*place(x0, y0), *place(x1, y1)), radius=gap * zoom, fill=255)

    _stamp(canvas, (x0, y0, x1, y1), _INK, 0.62, panel)
    middle = y0 + pad * 0.6 + row / 2
    dot, ring = (np.array([x0 + pad * 0.6 + mark / 2, middle + down]) - 0.5 for down in (0.0, row))
    _draw_dot(canvas, dot, (190, 190, 190), style, hollow=False)
    _draw_reference(canvas, ring, ring, style)
    draw = ImageDraw.Draw(canvas)
    for number, text in enumerate(texts):
        draw.text((x0 + pad + mark, middle + number * row), text, _WHITE, font, anchor="lm")
