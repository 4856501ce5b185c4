package fpm.edge.drift

import kotlin.math.log10
import kotlin.math.min
import kotlin.math.pow

private const val MEANS = 96

/** The largest mean on the grid is so many times the smallest, but for one step. */
private const val GRID_RANGE = 2500.0

/**
 * A confidence sequence for the mean of values between 0 and [cap]: with probability 1 − α it holds at all times.
 *
 * For every mean on a grid two bettors bet that it is larger, or smaller (see [ChangeAlarm]'s file). Means against
 * which a bettor reached 2/α are excluded. [update] costs the same for every value, and nothing grows.
 */
internal class MeanBounds(
    private val cap: Double,
    private val alpha: Double,
) {
    /** (means,) ascending; a bound is one of them, 0, or [cap], so at most 8 % from the exact one. */
    private val grid: DoubleArray

    /** (bets × means) capital of the bettors on a larger mean, starting from 1. */
    val above: DoubleArray = DoubleArray(BETS.size * MEANS) { 1.0 }

    /** (bets × means) of those on a smaller one. */
    val below: DoubleArray = DoubleArray(BETS.size * MEANS) { 1.0 }

    /** Of the values. */
    var count: Long = 0
    var total: Double = 0.0

    init {
        // numpy's geomspace(cap / 2500, cap, 97), without its last.
        val smallest = cap / GRID_RANGE
        val first = log10(smallest)
        val step = (log10(cap) - first) / MEANS
        grid = DoubleArray(MEANS) { if (it == 0) smallest else 10.0.pow(it * step + first) }
    }

    /** Take the next value, 0 or more; one over [cap] counts as [cap]. */
    fun update(value: Double) {
        val capped = min(value, cap)
        count += 1
        total += capped
        var at = 0
        for (bet in BETS) {
            for (mean in grid) {
                // On average at most 1, where the mean of the values is at most `mean`; and where it is at least that.
                above[at] = min(above[at] * (1 + bet * (capped / mean - 1)), MOST_CAPITAL)
                below[at] = min(below[at] * (1 + bet * ((mean - capped) / (cap - mean))), MOST_CAPITAL)
                at += 1
            }
        }
    }

    /** Mean of the values; NaN before the first. */
    val estimate: Double
        get() = total / count

    /** The mean is at least this. */
    val lower: Double
        get() = (MEANS - 1 downTo 0).firstOrNull { excludes(above, it) }?.let { grid[it] } ?: 0.0

    /** The mean is at most this. */
    val upper: Double
        get() = (0 until MEANS).firstOrNull { excludes(below, it) }?.let { grid[it] } ?: cap

    private fun excludes(
        capital: DoubleArray,
        mean: Int,
    ): Boolean {
        var sum = 0.0
        for (at in mean until capital.size step MEANS) sum += capital[at]
        return sum / BETS.size >= 2 / alpha
    }
}
