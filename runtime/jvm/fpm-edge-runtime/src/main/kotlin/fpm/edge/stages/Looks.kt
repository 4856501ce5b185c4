package fpm.edge.stages

import fpm.edge.UsageException
import fpm.edge.bundle.NOTHING
import fpm.edge.pixels.Box
import fpm.edge.pixels.Letterbox

// Added on every side of the landmarks' box, as a share of its longer side: a hem is wider than its landmarks.
private const val MARGIN = 0.3

// How many times larger the region must be shown than the first look showed it; less is not worth the time.
private const val LEAST_GAIN = 1.1

// Clear landmarks; two may be one garment's or two's.
private const val FEWEST_POINTS = 3
private const val LEAST_PX = 16 // of the picture; a smaller region shows nothing

/** Throws [UsageException] where there cannot be so many. */
internal fun checkLooks(looks: Int) {
    if (looks !in 1..2) {
        throw UsageException("looks is $looks; expected 1, or 2 to look again at the region that the first look found")
    }
}

/** Mean score of the landmarks that count; 0 where there is no garment. What two looks are compared by. */
internal fun clearness(found: Found): Float {
    val labelled = found.recognized.labelled
    val counted = FloatArray(labelled.count { it })
    var to = 0
    for (i in labelled.indices) if (labelled[i]) counted[to++] = found.scores[i]
    return if (to == 0) 0f else sum(counted, 0, to) / to
}

/**
 * The box to look at again, inside what the first look saw; null where too few landmarks are clear, or the box is so
 * small or so large that it would show no more. In float32 where numpy has it.
 *
 * @param found what stage 1 found. Its clear landmarks that count make the box; where it took the picture for one
 *   without a garment, all that are clear do, for a garment may be too small to be known.
 * @param fit where the picture lies in the input, [inputWidth] × [inputHeight] pixels.
 */
internal fun secondRegion(
    found: Found,
    fit: Letterbox,
    inputWidth: Int,
    inputHeight: Int,
): Box? {
    val everything = found.recognized.category == NOTHING
    val points = fit.toPicture(found.landmarks)
    val low = floatArrayOf(Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY)
    val high = floatArrayOf(Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY)
    var counted = 0
    for (i in found.scores.indices) {
        if (found.scores[i] < CLEAR_PEAK || !(everything || found.recognized.labelled[i])) continue
        counted++
        for (axis in 0..1) {
            val edge = points[2 * i + axis] + 0.5f // pixel centres → edges
            low[axis] = minOf(low[axis], edge)
            high[axis] = maxOf(high[axis], edge)
        }
    }
    if (counted < FEWEST_POINTS) return null
    val pad = MARGIN * maxOf(high[0] - low[0], high[1] - low[1])
    val region =
        Box(
            maxOf(low[0] - pad, fit.box.x0),
            maxOf(low[1] - pad, fit.box.y0),
            minOf(high[0] + pad, fit.box.x1),
            minOf(high[1] + pad, fit.box.y1),
        )
    val width = region.x1 - region.x0
    val height = region.y1 - region.y0
    if (minOf(width, height) < LEAST_PX) return null
    val shown = minOf(inputWidth / width, inputHeight / height)
    return region.takeIf { shown / minOf(fit.scaleX, fit.scaleY) >= LEAST_GAIN }
}

/** The sum in float32 in numpy's order: eight sums side by side, halves of what is longer than 128. */
private fun sum(
    values: FloatArray,
    from: Int,
    until: Int,
): Float {
    val count = until - from
    if (count > 128) {
        val half = from + (count shr 4) * 8
        return sum(values, from, half) + sum(values, half, until)
    }
    val parts = FloatArray(8)
    val whole = count - count % 8
    for (i in 0 until whole) parts[i % 8] += values[from + i]
    var width = 8
    while (width > 1) {
        width /= 2
        for (i in 0 until width) parts[i] = parts[2 * i] + parts[2 * i + 1]
    }
    for (i in from + whole until until) parts[0] += values[i]
    return parts[0]
}
