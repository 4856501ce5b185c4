"""How the heatmaps become sharp from stage to stage, on a few pictures: real ones, of the pieces that ship."""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.inspect.edges import Placed, open_edges, place
from fpm_edge.report.answers import Compared
from fpm_edge.report.scene import Frame, Heat, Scene, frame_of, jpeg_bytes
from fpm_edge.report.words import ne
from fpm_edge_runtime import Bundle

__all__ = ["evolution", "heat_png"]

_SIDE = 320
# From transparent to opaque, (value, red, green, blue, opacity): dark violet, magenta, orange, pale yellow.
_RAMP = (
    (0.0, 60, 10, 90, 0),
    (0.08, 80, 15, 120, 90),
    (0.3, 190, 40, 110, 165),
    (0.6, 245, 125, 40, 205),
    (1.0, 255, 245, 170, 230),
)


def evolution(compared: Compared, bundle: Bundle, engine: str) -> Iterator[tuple[Scene, str, bytes]]:
    """A scene for each stage of each chosen picture, with the name and JPEG of the photograph under it.

    Chosen are the pictures with the median NE, with the largest gain from the first stage to the last, and with the
    largest NE. The heatmap is the largest value of all labelled landmarks' maps in each cell; one more row shows the
    map of the single landmark that gained most, in the picture that gained most.
    """
    run = open_edges(bundle, engine)
    last = compared.found.landmarks.shape[1]
    wrong, first = compared.wrong(last), compared.wrong(1)
    known = np.flatnonzero(np.isfinite(wrong))
    order = known[np.argsort(wrong[known], kind="stable")]
    gains = int(known[np.argmax((first - wrong)[known])])
    rows = {
        int(order[len(order) // 2]): "the picture with the median NE",
        gains: "the picture that gains most from later stages",
        int(order[-1]): "the picture with the largest NE",
    }
    for row, title in rows.items():
        record = compared.dataset.records[row]
        frame, placed = frame_of(record, _SIDE), place(record, bundle.manifest.geometry)
        maps = [stage.real()[..., :-1] for stage in run(placed.image)]
        labelled = np.flatnonzero(compared.mask[row])
        choices = [(f"{record.category}: {title}", labelled)]
        if row == gains and last > 1:
            errors = compared.errors(1)[row] - compared.errors(last)[row]
            best = labelled[np.argmax(errors[labelled])]
            name = compared.dataset.schema.landmarks[best].replace("_", " ")
            choices.append((f"{record.category}: one landmark of it, {name}, which gains most", np.array([best])))
        for heading, landmarks in choices:
            for stage, values in enumerate(maps, start=1):
                error = compared.errors(stage)[row, landmarks].mean()
                marks = compared.marks(row, stage, frame, reference=False)
                keep = {compared.dataset.schema.landmarks[i].replace("_", " ") for i in landmarks}
                scene = Scene(
                    kind="stage",
                    row=heading,
                    picture=f"small-{row}",
                    width=frame.picture.width,
                    height=frame.picture.height,
                    identifier=record.identifier,
                    category=record.category,
                    caption=f"stage {stage}: NE {ne(float(error))}",
                    marks=tuple(mark for mark in marks if mark.name in keep),
                    heat=Heat(heat_png(values[..., landmarks].max(axis=-1)), _box(placed, frame)),
                )
                yield scene, f"small-{row}", jpeg_bytes(frame.picture)


def heat_png(values: NDArray[np.float32]) -> bytes:
    """A PNG with alpha of (rows, columns) heatmap values, a pixel for a cell. Values outside 0 to 1 are clipped."""
    at = np.array([step[0] for step in _RAMP])
    colours = np.array([step[1:] for step in _RAMP], np.float64)
    clipped = np.clip(values, 0.0, 1.0)
    pixels = np.stack([np.interp(clipped, at, colours[:, channel]) for channel in range(4)], axis=-1)
    out = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8), "RGBA").save(out, format="PNG", optimize=True)
    return out.getvalue()


def _box(placed: Placed, frame: Frame) -> tuple[float, float, float, float]:
    """Where the network's whole input lies in the frame."""
    fit, (rows, columns) = placed.placement, placed.image.shape[:2]
    left, top = fit.box[0] - fit.left / fit.scale_x, fit.box[1] - fit.top / fit.scale_y
    return frame.place_edges((left, top, left + columns / fit.scale_x, top + rows / fit.scale_y))
