"""Pictures of other modes than RGB as such: transparency over black, 10 to 16 bits as 8."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_runtime.errors import ImageError

__all__ = ["to_rgb"]

_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# Formats whose grey has at most 16 bits and a white; Pillow brings it to 65535 itself. In TIFF, mode I has 32 bits.
_WITH_WHITE = ("PNG", "PPM")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE = 258, 262, 281  # tags of TIFF
_WHITE_IS_ZERO = 0


def to_rgb(picture: Image.Image, path: str) -> Image.Image:
    """The picture, which messages call `path`, in RGB. Raises ImageError where nothing says how bright white is."""
    if picture.mode == "F":
        raise ImageError(f"{path}: floating-point pixels have no defined white; save the picture with 8 or 16 bits")
    if picture.mode in _SIXTEEN_BIT_MODES:
        return _grey_to_rgb(picture, path)
    if "transparency" in picture.info or picture.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        colours = picture.convert("RGBA")
        black = Image.new("RGBA", colours.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, colours).convert("RGB")
    # Converting a picture that is RGB already would copy it.
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _grey_to_rgb(picture: Image.Image, path: str) -> Image.Image:
    """Grey of more than 8 bits by its 8 highest, which is also what Pillow keeps of 16-bit colour."""
    if picture.mode == "I" and picture.format not in _WITH_WHITE:
        raise ImageError(f"{path}: grey values of 32 bits have no defined white; save the picture with 8 or 16 bits")
    values: NDArray[Any] = np.asarray(picture)
    tags: Any = getattr(picture, "tag_v2", {})
    bits = _first(tags.get(_BITS_PER_SAMPLE, 16))
    if _MAX_SAMPLE_VALUE in tags:
        bits = min(bits, int(_first(tags[_MAX_SAMPLE_VALUE])).bit_length())
    brightest = int(values.max())
    if bits == 16 and 0 < brightest < 1 << 12:
        raise ImageError(
            f"{path}: its 16-bit grey values end at {brightest}, and white is 65535: this is data of fewer bits, or "
            "black to the eye; save the picture with 8 bits, or with values up to 65535"
        )
    if brightest >> bits:
        raise ImageError(f"{path}: grey value {brightest} in {bits} bits; save the picture with 8 or 16 bits")
    if _first(tags.get(_PHOTOMETRIC, 1)) == _WHITE_IS_ZERO:  # Pillow turns only 8 bits
        values = (1 << bits) - 1 - values.astype(np.int32)
    grey = values >> (bits - 8) if bits > 8 else values << (8 - bits)
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def _first(value: Any) -> int:
    """Of a tag, which Pillow gives as a number or a tuple of them."""
    return int(value[0] if isinstance(value, tuple) else value)
