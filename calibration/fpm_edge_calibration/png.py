"""Pictures as the bytes of a file."""

from io import BytesIO

from PIL import Image

__all__ = ["png_bytes"]


def png_bytes(image: Image.Image) -> bytes:
    """A picture as a PNG file."""
    out = BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()
