"""Many pictures in one."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from fpm_edge.pictures.overlay.style import INK, PAPER, Font, font_of
from fpm_edge_runtime.errors import UsageError

__all__ = ["contact_sheet"]


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
    font = font_of(max(10.0, cell / 22))
    caption = 0 if titles is None else round(cell / 22 * 1.9)
    thumbs = [_fit(image.convert("RGB"), cell) for image in images]
    rows = [thumbs[start : start + columns] for start in range(0, len(thumbs), columns)]
    heights = [max(thumb.height for thumb in row) for row in rows]
    size = (gap + columns * (cell + gap), gap + sum(heights) + len(rows) * (caption + gap))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    top = gap
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for column, thumb in enumerate(row):
            left = gap + column * (cell + gap)
            sheet.paste(thumb, (left + (cell - thumb.width) // 2, top + (height - thumb.height) // 2))
            if titles is not None:
                text = _shorten(titles[number * columns + column], font, cell)
                draw.text((left + cell / 2, top + height + caption / 2), text, INK, font, anchor="mm")
        top += height + caption + gap
    return sheet


def _fit(image: Image.Image, cell: int) -> Image.Image:
    scale = cell / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shorten(text: str, font: Font, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
