@file:JvmName("Geometries")

package fpm.edge.pixels

import fpm.edge.DataException
import kotlin.math.floor

/*
 * The one map between pictures, network input and heatmap cells.
 *
 * Pixel centres are integers: the centre of the top-left pixel is (0, 0), and pixel i covers [i − 0.5, i + 0.5].
 * Cell i of a stride-s heatmap covers the input around (i + 0.5)·s − 0.5 (the half-pixel rule). Points are x, y, x, y …
 * in one array. Numbers are rounded to float32 where the Python runtime rounds them.
 */

/** Heatmap coordinates in cells → input coordinates in pixels. */
public fun cellsToInput(
    cells: FloatArray,
    stride: Int,
): FloatArray = FloatArray(cells.size) { (cells[it] + 0.5f) * stride - 0.5f }

/** Input coordinates in pixels → heatmap coordinates in cells. Inverse of [cellsToInput]. */
public fun inputToCells(
    points: FloatArray,
    stride: Int,
): FloatArray = FloatArray(points.size) { (points[it] + 0.5f) / stride - 0.5f }

/**
 * The letterbox of a picture, or of a box in it clipped to the picture.
 *
 * @param pictureWidth pixels; likewise [pictureHeight], and the network's input in [inputWidth] and [inputHeight].
 * @param box null for all of the picture.
 * @throws DataException the box does not overlap the picture, or is not four finite numbers.
 */
@JvmOverloads
public fun fitLetterbox(
    pictureWidth: Int,
    pictureHeight: Int,
    inputWidth: Int,
    inputHeight: Int,
    box: Box? = null,
): Letterbox {
    val wanted = box ?: Box(0.0, 0.0, pictureWidth.toDouble(), pictureHeight.toDouble())
    if (!(wanted.x0.isFinite() && wanted.y0.isFinite() && wanted.x1.isFinite() && wanted.y1.isFinite())) {
        throw DataException(
            "box (${wanted.shown()}) is not four finite numbers; expected x0, y0, x1, y1 in pixels of the picture",
        )
    }
    val x0 = maxOf(wanted.x0, 0.0)
    val y0 = maxOf(wanted.y0, 0.0)
    val x1 = minOf(wanted.x1, pictureWidth.toDouble())
    val y1 = minOf(wanted.y1, pictureHeight.toDouble())
    if (x1 - x0 < 1 || y1 - y0 < 1) {
        throw DataException("box (${wanted.shown()}) covers no pixel of a $pictureWidth × $pictureHeight picture")
    }
    val scale = minOf(inputWidth / (x1 - x0), inputHeight / (y1 - y0))
    val width = minOf(inputWidth, maxOf(1, roundHalfEven((x1 - x0) * scale)))
    val height = minOf(inputHeight, maxOf(1, roundHalfEven((y1 - y0) * scale)))
    return Letterbox(
        box = Box(x0, y0, x1, y1),
        width = width,
        height = height,
        left = (inputWidth - width) / 2,
        top = (inputHeight - height) / 2,
        scaleX = width / (x1 - x0),
        scaleY = height / (y1 - y0),
    )
}

/** The nearest whole number; of two, the even one. */
internal fun roundHalfEven(value: Double): Int {
    val below = floor(value)
    val rest = value - below
    return (if (rest > 0.5 || (rest == 0.5 && below % 2 != 0.0)) below + 1 else below).toInt()
}

private fun Box.shown(): String = "$x0, $y0, $x1, $y1"
