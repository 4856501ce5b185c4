"""From a picture file or an array of pixels to the network's input."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fpm_edge_runtime.errors import DataError, ImageError
from fpm_edge_runtime.pixels.geometry import Letterbox

__all__ = ["FORMATS", "MAX_PIXELS", "check_image", "decode_image", "letterbox", "load_image"]

MAX_PIXELS = 40_000_000
"""Largest picture that is decoded. 40 megapixels are 120 MB of RGB: more than any phone's photograph needs."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The formats that are read. Pillow opens some fifty more, one of them by starting Ghostscript."""


def load_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture as it is meant to be seen: upright, RGB, 8 bits; transparency lies over black.

    Args:
        path: a JPEG, PNG, WebP, BMP, GIF (first frame), TIFF or PPM file.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ImageError: the file is missing, is not a picture, is damaged or cut short, or has over 40 megapixels.
    """
    if Path(path).is_dir():
        raise ImageError(f"{path} is a folder; expected the path of one picture")
    return _load(path, str(path))


def decode_image(data: bytes, name: str) -> NDArray[np.uint8]:
    """A picture from the bytes of its file, exactly as `load_image` reads it.

    Args:
        data: content of a JPEG, PNG, WebP, BMP, GIF (first frame), TIFF or PPM file.
        name: what messages call it.

    Raises:
        ImageError: the bytes are not a picture, are damaged or cut short, or have over 40 megapixels.
    """
    return _load(BytesIO(data), name)


def _load(file: str | Path | BytesIO, path: str) -> NDArray[np.uint8]:
    """The picture in `file`, which messages call `path`."""
    try:
        with Image.open(file, formats=FORMATS) as picture:
            _check_pixels(picture.size, path)
            ImageOps.exif_transpose(picture, in_place=True)
            if picture.mode != "RGB" or "transparency" in picture.info:
                # Few photographs are anything else.
                from fpm_edge_runtime.pixels.colours import to_rgb

                return np.array(to_rgb(picture, path), np.uint8)
            return np.array(picture, np.uint8)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file; check the path") from error
    except PermissionError as error:
        raise ImageError(f"{path}: no permission to read it; change its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not a picture that can be read; expected JPEG, PNG, WebP, BMP, GIF, TIFF or PPM"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_large(path, "far")) from error
    except Exception as error:
        # The decoders of damaged files raise nearly anything (struct.error, SyntaxError, zlib.error, ...).
        raise ImageError(f"{path} is damaged or cut short: {error}; replace the file") from error


def check_image(image: object) -> NDArray[np.uint8]:
    """The argument itself, if it is a picture.

    Args:
        image: expected to be (height, width, 3) uint8 RGB.

    Raises:
        DataError: it is no array, or of another type or shape, or empty.
    """
    if not isinstance(image, np.ndarray):
        raise DataError(
            f"the image is a {type(image).__name__}; expected a path or a (height, width, 3) uint8 RGB array"
        )
    if image.dtype != np.uint8:
        raise DataError(f"the image has type {image.dtype}; expected uint8 RGB, 0 to 255 (convert it first)")
    if image.ndim != 3 or image.shape[2] != 3:
        raise DataError(
            f"the image has shape {image.shape}; expected (height, width, 3): RGB, channels last, "
            "without batch dimension or alpha"
        )
    if image.size == 0:
        raise DataError(f"the image has shape {image.shape}: it has no pixels; expected at least one")
    return image


def letterbox(image: NDArray[np.uint8], letterbox: Letterbox, input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize a region of a picture into the network's input, black around it.

    Bilinear, with the kernel widened when shrinking (no aliasing). Training, conversion and the device use this
    one function, so that they see the same pixels.

    Args:
        image: (height, width, 3) uint8 RGB.
        letterbox: where the region lies in the picture and in the input.
        input_size: (width, height) of the network's input, pixels.

    Returns:
        (input height, input width, 3) uint8 RGB, contiguous.
    """
    height, width = image.shape[:2]
    if (letterbox.width, letterbox.height) == input_size == (width, height) and letterbox.box == (0, 0, width, height):
        return image.copy()
    region = Image.fromarray(image).resize(
        (letterbox.width, letterbox.height), Image.Resampling.BILINEAR, box=letterbox.box
    )
    if (letterbox.width, letterbox.height) == input_size:
        return np.array(region, np.uint8)
    canvas = np.zeros((input_size[1], input_size[0], 3), np.uint8)
    rows = slice(letterbox.top, letterbox.top + letterbox.height)
    columns = slice(letterbox.left, letterbox.left + letterbox.width)
    canvas[rows, columns] = np.asarray(region)
    return canvas


def _check_pixels(size: tuple[int, int], path: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise ImageError(_too_large(path, f"{size[0]} × {size[1]} pixels,"))


def _too_large(path: str, what: str) -> str:
    return f"{path} has {what} more than {MAX_PIXELS // 10**6} megapixels; make it smaller first"
