package fpm.edge.stages

import fpm.edge.UsageException
import fpm.edge.bundle.Convergence
import kotlin.math.sqrt

/** A heatmap this high at its peak is clear about where its landmark is (decision 0007). */
internal const val CLEAR_PEAK: Float = 0.25f

/**
 * The largest distance between the landmarks of two stages, over those that count: when a further one would change
 * nothing. In float32, as numpy has it.
 *
 * @param before x and y of each landmark in turn, of the earlier stage; [after] of the later one.
 * @param scores heights of the later stage's peaks.
 * @param labelled those of the garment's category.
 * @return in the unit of the landmarks; infinite where no landmark of the category has a clear peak, for then nothing
 *   is settled.
 */
internal fun movedPx(
    before: FloatArray,
    after: FloatArray,
    scores: FloatArray,
    labelled: BooleanArray,
): Double {
    var most = -1f
    for (i in scores.indices) {
        if (labelled[i] && scores[i] >= CLEAR_PEAK) {
            val x = after[2 * i] - before[2 * i]
            val y = after[2 * i + 1] - before[2 * i + 1]
            most = maxOf(most, x * x + y * y)
        }
    }
    return if (most < 0) Double.POSITIVE_INFINITY else sqrt(most.toDouble())
}

/**
 * Pixels of the input within which landmarks count as still.
 *
 * @param fitted `Manifest.convergence`.
 * @throws UsageException it is negative or no number, or nothing was fitted.
 */
internal fun stillPx(
    converge: Converge,
    fitted: Convergence?,
): Double =
    when (converge) {
        is Converge.Fitted ->
            fitted?.px ?: throw UsageException(
                "converge is Fitted, and the bundle has no such value; give pixels of the input: Converge.Px",
            )
        is Converge.Px ->
            if (converge.px >= 0) {
                converge.px
            } else {
                throw UsageException("converge is ${converge.px} px; expected pixels of the input, 0 or more, or Fitted")
            }
    }
