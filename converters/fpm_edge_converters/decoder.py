"""The runtime's decoder as a graph of plain operators, to be put behind the last heatmaps of a whole file.

The steps, their order and their constants are those of `fpm_edge_runtime.pixels.decode`, which says why. What a graph
has to do in another way:

- Ties. A plateau is grown from its seed by a fixed number of steps instead of until it stops: each is a product with
  band matrices that spreads a cell to the 5 × 5 around it. As many steps as half the map is wide reach all of a
  plateau, unless it winds.
- Arithmetic is float32. The least squares are solved by modified Gram-Schmidt on the weighted equations instead of
  through the normal equations, whose condition is the square of that (Björck, "Solving linear least squares problems
  by Gram-Schmidt orthogonalization", BIT 7, 1967); their ridge is six more equations.
- Nothing is gathered by an index that depends on data: cells are picked by products with 0 and 1, which every engine
  computes exactly.
"""

import math
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_runtime.bundle.manifest import TensorSpec
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.pixels.peaks import MARGIN
from fpm_edge_runtime.pixels.subpixel import DESIGN, FLAT, RADIUS, REACH, RIDGE, ROUNDNESS, TERMS

__all__ = ["HEATMAPS", "LANDMARKS", "decoder_tflite", "stride_of"]

HEATMAPS = "heatmaps"
"""Name of the decoder's input."""
LANDMARKS = "landmarks"
"""Name of the decoder's output."""

_WINDOW = 2 * RADIUS + 1
_CELLS = _WINDOW**2
# Share of a column's length below which the rest of it counts as rounding: float32 leaves about 5e-7, and the smallest
# code beside a peak 4e-3 or more.
_DEPENDENT = 2e-6


def decoder_tflite(heatmaps: TensorSpec, stride: int) -> FlatGraph:
    """A graph from the heatmaps of one stage to landmarks.

    Args:
        heatmaps: (1, height, width, L + 1) for NHWC, (1, L + 1, height, width) for NCHW, int8, uint8 or int16 with
            scale and zero point, or float32. The last channel is background and is not read.
        stride: pixels of the network's input per cell.

    Returns:
        A graph from `HEATMAPS`, of the type and shape of `heatmaps`, to `LANDMARKS` (L, 3) float32: x and y in pixels
        of the network's input, and the score, 0 to 1. A channel that is flat or not finite has the centre and score 0.
    """
    graph = FlatGraph(_converted(msgspec.structs.replace(heatmaps, name=HEATMAPS), stride))
    graph.rename({graph.inputs[0]: HEATMAPS, graph.outputs[0]: LANDMARKS})
    return graph


@lru_cache(maxsize=8)
def _converted(heatmaps: TensorSpec, stride: int) -> bytes:
    """What the converter makes of it. Stages whose heatmaps are coded alike have the same, in all TFLite files."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec(heatmaps.shape, tf.as_dtype(heatmaps.dtype), name=HEATMAPS)], autograph=False
    )
    def decode(maps: Any) -> Any:
        return {LANDMARKS: _decode(maps, heatmaps, stride)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([decode.get_concrete_function()], decode)
    # What it would add is not kept, and to add it, all is read and written once more in plain Python.
    converter.exclude_conversion_metadata = True
    made: bytes = converter.convert()
    return made


def stride_of(image: TensorSpec, heatmap: TensorSpec) -> int:
    """Pixels of the input per heatmap cell. Raises ConversionError where that is no whole number, or two."""
    size = image.shape[1:3]
    cells = heatmap.shape[1:3] if heatmap.layout == "NHWC" else heatmap.shape[2:4]
    if size[0] * cells[1] != size[1] * cells[0] or size[0] % cells[0]:
        raise ConversionError(f"heatmaps of {cells[1]} × {cells[0]} cells do not divide an input of {size} evenly")
    return size[0] // cells[0]


def _decode(maps: Any, spec: TensorSpec, stride: int) -> Any:
    codes = tf.cast(maps, tf.float32)[0]
    if spec.layout == "NHWC":
        codes = tf.transpose(codes, [2, 0, 1])
    count, height, width = (int(n) for n in codes.shape)
    count -= 1
    codes = codes[:count]
    flat = tf.reshape(codes, [count, height * width])
    peak = tf.reduce_max(flat, axis=1, keepdims=True)
    floor = tf.reduce_min(flat, axis=1, keepdims=True)
    speaks = peak > floor
    if spec.dtype == "float32":
        # NaN compares as false.
        finite = tf.where(tf.abs(flat) <= np.float32(np.finfo(np.float32).max), 1.0, 0.0)
        speaks = tf.logical_and(speaks, tf.reduce_min(finite, axis=1, keepdims=True) > 0.5)

    member = _members(codes, peak, floor)
    column, row, box = _centroid(member)
    at_column, at_row = tf.round(column), tf.round(row)
    bend_x, bend_y, shear, slope_x, slope_y = _fit(codes, peak, tf.reduce_sum(member, [1, 2]), at_column, at_row, spec)
    determinant = 4.0 * bend_x * bend_y - shear * shear
    concave = tf.logical_and(tf.logical_and(bend_x < -FLAT, bend_y < -FLAT), determinant > FLAT**2)
    determinant = tf.where(concave, determinant, 1.0)
    x = tf.where(concave, at_column + (shear * slope_y - 2.0 * bend_y * slope_x) / determinant, column)
    y = tf.where(concave, at_row + (shear * slope_x - 2.0 * bend_x * slope_y) / determinant, row)
    x0, y0, x1, y1 = box
    x = tf.clip_by_value(x, tf.maximum(x0 - MARGIN, -0.5), tf.minimum(x1 + MARGIN, np.float32(width - 0.5)))
    y = tf.clip_by_value(y, tf.maximum(y0 - MARGIN, -0.5), tf.minimum(y1 + MARGIN, np.float32(height - 0.5)))
    scale, zero_point = _quantization(spec)
    score = tf.clip_by_value((peak - zero_point) * scale, 0.0, 1.0)
    x = tf.where(speaks, x, np.float32((width - 1) / 2))
    y = tf.where(speaks, y, np.float32((height - 1) / 2))
    score = tf.where(speaks, score, 0.0)
    # `geometry.cells_to_input`
    points = (tf.concat([x, y], axis=1) + 0.5) * np.float32(stride) - 0.5
    return tf.concat([points, score], axis=1)


def _quantization(spec: TensorSpec) -> tuple[np.float32, np.float32]:
    scale = 1.0 if spec.scale is None else spec.scale
    zero_point = 0 if spec.zero_point is None else spec.zero_point
    return np.float32(scale), np.float32(zero_point)


def _members(codes: Any, peak: Any, floor: Any) -> Any:
    """(L, height, width) of 0 and 1: the cells of the peak, see `fpm_edge_runtime.pixels.peaks`."""
    count, height, width = (int(n) for n in codes.shape)
    across, along = (tf.constant(_band(n)) for n in (width, height))

    def spread(cells: Any) -> Any:
        """The sum over the 5 × 5 cells around each."""
        return tf.matmul(along, tf.matmul(cells, across))

    high, low = peak[:, :, tf.newaxis], floor[:, :, tf.newaxis]
    tied = tf.cast(tf.equal(codes, high), tf.float32)
    # The weight of a cell that is not tied is below every sum.
    weight = tf.reshape(tf.where(tied > 0.5, spread(codes - low), -1.0), [count, height * width])
    order = np.arange(height * width, dtype=np.float32)[np.newaxis]
    heaviest = tf.equal(weight, tf.reduce_max(weight, axis=1, keepdims=True))
    first = tf.reduce_min(tf.where(heaviest, order, np.float32(height * width)), axis=1, keepdims=True)
    member = tf.reshape(tf.cast(tf.equal(order, first), tf.float32), [count, height, width])
    for _ in range(math.ceil(max(height, width) / REACH)):
        member = tied * tf.minimum(spread(member), 1.0)
    return member


def _band(size: int) -> NDArray[np.float32]:
    """(size, size): 1 where two cells are at most two apart, the reach of a plateau and the half of 5 × 5 alike."""
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return (apart <= REACH).astype(np.float32)


def _centroid(member: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """x, y of the members' centroid and x0, y0, x1, y1 of their extent, each (L, 1), cells."""
    _, height, width = (int(n) for n in member.shape)
    columns, rows = tf.reduce_sum(member, axis=1), tf.reduce_sum(member, axis=2)
    count = tf.reduce_sum(columns, axis=1, keepdims=True)
    found = []
    for sums, size in ((columns, width), (rows, height)):
        place = np.arange(size, dtype=np.float32)[np.newaxis]
        occupied = sums > 0.5
        found.append(
            (
                tf.reduce_sum(sums * place, axis=1, keepdims=True) / count,
                tf.reduce_min(tf.where(occupied, place, np.float32(size)), axis=1, keepdims=True),
                tf.reduce_max(tf.where(occupied, place, -1.0), axis=1, keepdims=True),
            )
        )
    (x, x0, x1), (y, y0, y1) = found
    return x, y, (x0, y0, x1, y1)


def _fit(codes: Any, peak: Any, count: Any, column: Any, row: Any, spec: TensorSpec) -> tuple[Any, ...]:
    """The fitted surface, each (L, 1): bend in x and y, shear, slope in x and y; see `pixels.subpixel`."""
    channels, height, width = (int(n) for n in codes.shape)
    offsets = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)[np.newaxis]
    pick_rows = _one_hot(row + offsets, height)
    pick_columns = _one_hot(column + offsets, width)
    around = tf.matmul(tf.matmul(pick_rows, codes), pick_columns, transpose_b=True)
    within = tf.reduce_sum(pick_rows, 2)[:, :, tf.newaxis] * tf.reduce_sum(pick_columns, 2)[:, tf.newaxis, :]
    around, within = (tf.reshape(v, [channels, _CELLS]) for v in (around, within))

    _, zero_point = _quantization(spec)
    positive = peak > zero_point
    share = tf.where(positive, (around - zero_point) * within, 0.0) / tf.where(positive, peak - zero_point, 1.0)
    clipped = tf.logical_and(
        tf.logical_and(tf.equal(around, peak), within > 0.5),
        tf.logical_and(peak >= _limit(spec), count[:, tf.newaxis] > 1.5),
    )
    # The square root of the weight.
    weight = tf.where(clipped, 0.0, tf.maximum(share, 0.0))
    design = DESIGN.astype(np.float32)[np.newaxis]
    target = tf.math.log(tf.maximum(share, 1e-12))
    equations = weight[:, :, tf.newaxis] * tf.concat(
        [tf.tile(design, [channels, 1, 1]), target[:, :, tf.newaxis]], axis=2
    )
    total = tf.reduce_sum(weight * weight, axis=1, keepdims=True)
    ridge = tf.sqrt(total * ROUNDNESS.astype(np.float32)[np.newaxis] + np.float32(RIDGE))
    ridge = ridge[:, :, tf.newaxis] * np.eye(TERMS, TERMS + 1, dtype=np.float32)[np.newaxis]
    _, slope_x, slope_y, bend, stretch, shear = _least_squares(equations, ridge)
    return bend + stretch, bend - stretch, shear, slope_x, slope_y


def _one_hot(index: Any, size: int) -> Any:
    """(L, 5) → (L, 5, size)"""
    return tf.cast(tf.equal(index[:, :, tf.newaxis], np.arange(size, dtype=np.float32)), tf.float32)


def _limit(spec: TensorSpec) -> np.float32:
    """The lowest code, or value, at which a map counts as clipped."""
    if spec.scale is None or spec.zero_point is None:
        return np.float32(1.0)
    limits = np.iinfo(spec.dtype)
    codes = np.arange(limits.min, limits.max + 1)
    clipped = codes[spec.scale * (codes - float(spec.zero_point)) >= 1.0 - spec.scale / 2]
    return np.float32(clipped[0] if clipped.size else limits.max)


def _least_squares(equations: Any, ridge: Any) -> list[Any]:
    """The solution, each unknown (L, 1), of equations (L, n, unknowns + 1) whose last column is the right side.

    Args:
        equations: (L, n, unknowns + 1), each already multiplied by the root of its weight.
        ridge: (L, unknowns, unknowns + 1), more equations that keep every unknown small.

    The first unknown is not solved for: nobody asks how high the surface is. It is 0 in the result.
    """
    unknowns = int(ridge.shape[1])
    lengths = tf.reduce_sum(equations * equations, axis=1, keepdims=True)
    triangle = []
    for unknown in range(unknowns):
        first, equations = equations[:, :, :1], equations[:, :, 1:]
        first_ridge, ridge = ridge[:, :, :1], ridge[:, :, 1:]
        length = tf.reduce_sum(first * first, axis=1, keepdims=True)
        # What the earlier columns leave of one that depends on them is rounding, and larger than the ridge.
        told = length > _DEPENDENT**2 * lengths[:, :, unknown : unknown + 1]
        first = tf.where(told, first, 0.0)
        length = tf.reduce_sum(first * first, axis=1, keepdims=True)
        length += tf.reduce_sum(first_ridge * first_ridge, axis=1, keepdims=True)
        ratio = tf.reduce_sum(first * equations, axis=1, keepdims=True)
        ratio = (ratio + tf.reduce_sum(first_ridge * ridge, axis=1, keepdims=True)) / length
        triangle.append(ratio[:, 0])
        equations -= first * ratio
        ridge -= first_ridge * ratio
    solution = triangle[-1]
    for ratio in reversed(triangle[1:-1]):
        value = ratio[:, -1:] - tf.reduce_sum(ratio[:, :-1] * solution, axis=1, keepdims=True)
        solution = tf.concat([value, solution], axis=1)
    return [tf.zeros_like(solution[:, :1]), *(solution[:, i : i + 1] for i in range(unknowns - 1))]
