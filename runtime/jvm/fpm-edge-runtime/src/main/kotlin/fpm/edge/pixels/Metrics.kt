@file:JvmName("Metrics")

package fpm.edge.pixels

import fpm.edge.DataException
import kotlin.math.sqrt

/**
 * The paper's NE of every point: the L2 distance in normalised coordinates.
 *
 * NE = ‖(x̂/w, ŷ/h) − (x/w, y/h)‖₂ (FPM paper, section 4, after Liu et al., "Fashion landmark detection in the wild",
 * ECCV 2016).
 *
 * @param predicted pictures × landmarks × (x, y), pixels of the picture, one after the other.
 * @param truth as many numbers.
 * @param sizes pictures × (width, height), pixels. One pair is for all points, so stages need not repeat it.
 * @return pictures × landmarks; infinite where [predicted] is not finite.
 * @throws DataException sizes do not fit, or are not positive.
 */
public fun normalizedError(
    predicted: DoubleArray,
    truth: DoubleArray,
    sizes: DoubleArray,
): DoubleArray {
    val count = predicted.size
    if (count != truth.size || sizes.isEmpty() || sizes.size % 2 != 0 || count % sizes.size != 0) {
        throw DataException(
            "$count predicted, ${truth.size} true numbers, ${sizes.size} sizes; expected x, y of each landmark, a " +
                "picture's size",
        )
    }
    for (size in sizes) {
        if (!(size > 0)) {
            throw DataException("size $size of a picture is not positive; expected width and height in pixels")
        }
    }
    val perPicture = count / sizes.size
    return DoubleArray(count / 2) { point ->
        val size = 2 * (point / perPicture)
        val x = predicted[2 * point]
        val y = predicted[2 * point + 1]
        if (x.isFinite() && y.isFinite()) {
            val across = (x - truth[2 * point]) / sizes[size]
            val down = (y - truth[2 * point + 1]) / sizes[size + 1]
            sqrt(across * across + down * down)
        } else {
            Double.POSITIVE_INFINITY
        }
    }
}
