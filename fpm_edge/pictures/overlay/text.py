"""Text on a picture: names beside dots, a legend, a caption; each where it covers least."""

from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

from fpm_edge.pictures.overlay.marks import RING, draw_dot, draw_reference
from fpm_edge.pictures.overlay.shapes import Box, Point, overlap, panel
from fpm_edge.pictures.overlay.style import FAINT_INK, INK, WHITE, Style, font_of

__all__ = ["draw_caption", "draw_labels", "draw_legend"]

_PANEL_OPACITY = 0.62
# A caption takes this share of the picture's width at most, and is left out where its letters would be lower than this.
_CAPTION_SHARE = 0.6
_LEGIBLE = 6.5


def draw_labels(
    canvas: Image.Image,
    points: Sequence[Point],
    rings: Sequence[Point],
    names: Sequence[str],
    faint: Sequence[bool],
    style: Style,
) -> None:
    """Each name where it covers least: beside its dot, not over dots, rings, other names or the picture's edge."""
    font = font_of(style.font_size)
    stroke = max(1, round(style.font_size / 12))
    clear = style.radius + style.line + 1
    taken = _around(points, clear) + _around(rings, RING * style.radius + style.line)
    draw = ImageDraw.Draw(canvas)
    for (x, y), name, dim in zip(points, names, faint, strict=True):
        text = name.replace("_", " ")
        left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
        places = _places(x, y, right - left, bottom - top, clear + 1)
        best = min(places, key=lambda box: _cost(box, taken, canvas.size))
        taken.append(best)
        ink = FAINT_INK if dim else WHITE
        draw.text((best[0] - left, best[1] - top), text, ink, font, stroke_width=stroke, stroke_fill=INK)


def draw_legend(canvas: Image.Image, points: Sequence[Point], style: Style) -> None:
    """What dot and ring stand for, in the corner with the fewest landmarks."""
    font = font_of(style.font_size)
    row = style.font_size * 1.5
    texts = ("landmark", "reference")
    pad = style.font_size * 0.6
    mark = style.radius * 4.5
    width = pad + mark + max(font.getlength(text) for text in texts) + pad
    height = pad * 0.6 + row * len(texts) + pad * 0.6
    gap = style.font_size * 0.5
    x0, y0, x1, y1 = _corner(canvas.size, (width, height), gap, _around(points, mark), ("bottom", "top"))
    panel(canvas, (x0, y0, x1, y1), gap, INK, _PANEL_OPACITY)
    middle = y0 + pad * 0.6 + row / 2
    dot, ring = ((x0 + pad * 0.6 + mark / 2, middle + down) for down in (0.0, row))
    draw_dot(canvas, dot, (190, 190, 190), style, hollow=False)
    draw_reference(canvas, ring, ring, style)
    draw = ImageDraw.Draw(canvas)
    for number, text in enumerate(texts):
        draw.text((x0 + pad + mark, middle + number * row), text, WHITE, font, anchor="lm")


def draw_caption(canvas: Image.Image, text: str, points: Sequence[Point], style: Style) -> None:
    """A line of text on a dark panel, in the corner with the fewest landmarks; smaller where the picture is narrow."""
    size = style.font_size * 1.2
    gap = size * 0.5
    room = _CAPTION_SHARE * canvas.width - 2 * gap
    length = font_of(size).getlength(text)
    size *= min(1.0, room / length)
    if size < _LEGIBLE:
        return
    font = font_of(size)
    width, height = font.getlength(text) + 2 * gap, size * 1.2 + gap
    box = _corner(canvas.size, (width, height), gap, _around(points, style.radius * 2), ("top", "bottom"))
    panel(canvas, box, gap * 0.8, INK, _PANEL_OPACITY)
    ImageDraw.Draw(canvas).text((box[0] + gap, (box[1] + box[3]) / 2), text, WHITE, font, anchor="lm")


def _corner(
    canvas: tuple[int, int], size: tuple[float, float], gap: float, near: Sequence[Box], order: Iterable[str]
) -> Box:
    """A box of this size in the corner where it covers least of what is near; the first where that is equal."""
    width, height = size
    across, down = canvas[0] - gap - width, {"top": gap, "bottom": canvas[1] - gap - height}
    corners = [(left, down[side], left + width, down[side] + height) for side in order for left in (gap, across)]
    return min(corners, key=lambda box: sum(overlap(box, other) for other in near))


def _around(points: Sequence[Point], reach: float) -> list[Box]:
    return [(x - reach, y - reach, x + reach, y + reach) for x, y in points]


def _places(x: float, y: float, width: float, height: float, clear: float) -> list[Box]:
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


def _cost(box: Box, taken: Sequence[Box], size: tuple[int, int]) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - overlap(box, (0.0, 0.0, float(size[0]), float(size[1])))
    return 10 * outside + sum(overlap(box, other) for other in taken)
