"""Pictures of other modes than RGB as such: transparency over black, 16 bits as 8."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["to_rgb"]

_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def to_rgb(picture: Image.Image) -> Image.Image:
    """The picture in RGB. Raises ValueError where its numbers cannot be shown in 8 bits."""
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no defined white; save the picture with 8 or 16 bits")
    if picture.mode in _SIXTEEN_BIT_MODES:
        return _sixteen_bit_to_rgb(picture)
    if "transparency" in picture.info or picture.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        colours = picture.convert("RGBA")
        black = Image.new("RGBA", colours.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, colours).convert("RGB")
    # Converting a picture that is RGB already would copy it.
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _sixteen_bit_to_rgb(picture: Image.Image) -> Image.Image:
    values: NDArray[Any] = np.asarray(picture)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its grey values need more than 16 bits; save the picture with 8 or 16 bits")
    # The high byte, which is also what Pillow keeps of 16-bit colour.
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
