"""Drawn pictures as files that say who drew them."""

from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fpm_edge.files.file_kinds import DRAWN_BY

__all__ = ["drawn_png"]


def drawn_png(image: Image.Image) -> bytes:
    """A picture as a PNG file that later ones may replace (`file_kinds.DRAWN`)."""
    written_by = PngInfo()
    written_by.add_text(*DRAWN_BY)
    out = BytesIO()
    image.save(out, format="PNG", pnginfo=written_by)
    return out.getvalue()
