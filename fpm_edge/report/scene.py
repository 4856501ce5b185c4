"""A picture of the data set with what models found in it, ready to be drawn in the page."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.data import Record, read_image

__all__ = ["Frame", "Heat", "Mark", "Scene", "frame_of", "jpeg_bytes"]

# A record's region is shown with this share of its size around it.
_MARGIN = 0.06
_JPEG_QUALITY = 80


@dataclass(frozen=True, eq=False)
class Frame:
    """The part of a record's picture that is shown, scaled.

    Attributes:
        picture: of the size that it is shown in.
        left, top: where its corner lies in the record's picture, pixels.
        scale: shown pixels for a pixel of the record's picture.
    """

    picture: Image.Image
    left: int
    top: int
    scale: float

    def place(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(…, 2) pixels of the record's picture → edge coordinates of the frame."""
        # Pixel centres are integers in the record's picture (DESIGN's half-pixel rule).
        return (points.astype(np.float64) + 0.5 - (self.left, self.top)) * self.scale

    def place_edges(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) in edge coordinates of the record's picture → of the frame."""
        x0, y0, x1, y1 = ((v - o) * self.scale for v, o in zip(box, (self.left, self.top) * 2, strict=True))
        return x0, y0, x1, y1


@dataclass(frozen=True)
class Mark:
    """One landmark, in edge coordinates of the frame; None where it is not known or not shown.

    Attributes:
        name: of the landmark.
        found: where the variant puts it.
        sure: whether its score is high enough to be believed.
        reference: where the float model puts it.
        truth: where it is.
        note: distances in words.
    """

    name: str
    found: tuple[float, float]
    sure: bool
    reference: tuple[float, float] | None
    truth: tuple[float, float] | None
    note: str


@dataclass(frozen=True)
class Heat:
    """A heatmap as a small PNG with alpha, and the box it fills, in edge coordinates of the frame."""

    png: bytes
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """One drawing of the page.

    Attributes:
        kind: which gallery it belongs to: ``apart`` (variant and float model), ``wrong`` (variant and truth) or
            ``stage`` (one stage's heatmap).
        row: title of the row of drawings that it belongs to; they show the same picture.
        picture: name of the JPEG, shared by all scenes of one picture.
        width, height: of the frame.
        identifier, category: the record's.
        caption: what it shows, in words.
        marks: the landmarks.
        heat: None for no heatmap.
    """

    kind: str
    row: str
    picture: str
    width: int
    height: int
    identifier: str
    category: str
    caption: str
    marks: tuple[Mark, ...]
    heat: Heat | None = None


def frame_of(record: Record, side: int) -> Frame:
    """The record's region with a margin (all of the picture without one), its longer side `side` pixels long."""
    pixels = read_image(record)
    left, top, right, bottom = _region(record, pixels.shape[1], pixels.shape[0])
    scale = side / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    picture = Image.fromarray(pixels[top:bottom, left:right]).resize(size, Image.Resampling.LANCZOS)
    return Frame(picture, left, top, scale)


def jpeg_bytes(picture: Image.Image) -> bytes:
    """A picture, small enough for the page."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    return out.getvalue()


def _region(record: Record, width: int, height: int) -> tuple[int, int, int, int]:
    """The record's box with a margin, inside the picture; all of it without a box."""
    if record.box is None:
        return 0, 0, width, height
    x0, y0, x1, y1 = record.box
    margin = _MARGIN * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    return left, top, min(width, max(left + 1, round(x1 + margin))), min(height, max(top + 1, round(y1 + margin)))
