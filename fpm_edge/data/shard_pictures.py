"""From a record to the encoded picture that goes into a shard, with the landmarks and box that fit it."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.data.record import Box, Record, read_encoded, read_image
from fpm_edge_runtime.errors import ImageError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import decode_image, letterbox

__all__ = ["EncodedRecord", "PictureOptions", "encode_record"]


@dataclass(frozen=True)
class PictureOptions:
    """How pictures are encoded that are not copied.

    Attributes:
        max_side: pictures with a longer side are made smaller, to this, pixels; None to copy all.
        quality: of JPEG, 1 to 100.
        lossless: PNG instead of JPEG.
    """

    max_side: int | None = None
    quality: int = 92
    lossless: bool = False


@dataclass(frozen=True, eq=False)
class EncodedRecord:
    """What goes into a shard.

    Attributes:
        data: the picture file.
        form: "jpeg", "png", ... in lower case.
        landmarks: (L, 2) float32, pixels of this picture; (−1, −1) where not labelled.
        box: in edge coordinates of this picture, or None.
    """

    data: bytes
    form: str
    landmarks: NDArray[np.float32]
    box: Box | None


def encode_record(record: Record, options: PictureOptions) -> EncodedRecord:
    """The record's picture file, byte for byte; a new file where it is drawn, or must become smaller.

    Raises:
        DataError: the picture cannot be read.
    """
    data = read_encoded(record)
    if data is None:
        return _encode(read_image(record), record, options)
    form, side = _header(data, record)
    if options.max_side is None or side <= options.max_side:
        return EncodedRecord(data, form, record.landmarks, record.box)
    return _encode(decode_image(data, record.identifier), record, options)


def _encode(pixels: NDArray[np.uint8], record: Record, options: PictureOptions) -> EncodedRecord:
    size = (pixels.shape[1], pixels.shape[0])
    landmarks, box = record.landmarks, record.box
    if options.max_side is not None and max(size) > options.max_side:
        # The one map of pixels and points, without the border that makes it square.
        fit = replace(Letterbox.fit(size, (options.max_side, options.max_side)), left=0, top=0)
        pixels = letterbox(pixels, fit, (fit.width, fit.height))
        labelled = (record.visibility >= 0)[:, np.newaxis]
        landmarks = np.where(labelled, fit.to_input(landmarks), np.float32(-1.0))
        if box is not None:
            x0, y0, x1, y1 = box
            box = (x0 * fit.scale_x, y0 * fit.scale_y, x1 * fit.scale_x, y1 * fit.scale_y)
    out = io.BytesIO()
    if options.lossless:
        Image.fromarray(pixels).save(out, "PNG")
    else:
        Image.fromarray(pixels).save(out, "JPEG", quality=options.quality)
    return EncodedRecord(out.getvalue(), "png" if options.lossless else "jpeg", landmarks, box)


def _header(data: bytes, record: Record) -> tuple[str, int]:
    """Form and longer side of a picture file."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            # Telephones append a second picture to their JPEG files, which Pillow calls MPO.
            form = "jpeg" if picture.format == "MPO" else (picture.format or "").lower()
            return form, max(picture.size)
    except Exception as error:
        # Headers of damaged files raise nearly anything.
        raise ImageError(
            f"{record.identifier} is no picture, or damaged: {error}; replace it, or leave its row out"
        ) from error
