package fpm.edge.drift

import fpm.edge.UsageException
import kotlin.math.max
import kotlin.math.min
import kotlin.random.Random

/** Weight of the newest measurement of a frame's interval and of a comparison's cost. */
private const val NEWEST = 0.1

private const val MINUTE_MS = 60_000.0

/** No comparison is taken for cheaper than this, seconds. */
private const val LEAST_COST = 1e-6

/**
 * Draws frames with probability [rate], or with one that spends a budget of comparing time; exactly one is given.
 *
 * A frame is drawn by a random number and the clock only. Were it drawn by its content, or when the device has time,
 * the mean of the drawn frames would not be that of all. Not for several threads at once.
 *
 * @param budget milliseconds of comparing a minute.
 * @param spacingS seconds between two drawn frames, at least.
 * @param clock seconds, from any beginning.
 * @throws UsageException a number is out of range, or both or neither of rate and budget are given.
 */
internal class Sampler(
    private val rate: Double?,
    private val budget: Double?,
    private val spacingS: Double,
    private val random: Random,
    private val clock: () -> Double = { System.nanoTime() / 1e9 },
) {
    private var lastFrame = Double.NaN
    private var next = Double.NEGATIVE_INFINITY
    private var interval = Double.NaN
    private var cost = Double.NaN

    init {
        if ((rate == null) == (budget == null)) {
            throw UsageException("give a rate or a budget for the shadow comparison, not both and not neither")
        }
        if (rate != null && !(rate >= 0 && rate <= 1)) {
            throw UsageException("rate is $rate; expected the share of frames to compare, 0 to 1")
        }
        if (budget != null && !(budget >= 0 && budget <= MINUTE_MS)) {
            throw UsageException("the budget is $budget ms per minute; expected 0 to 60000")
        }
        if (!(spacingS >= 0)) {
            throw UsageException("spacingS is $spacingS; expected seconds between compared frames, 0 or more")
        }
    }

    /** Whether this frame is compared. Call it once for every frame. */
    fun draw(): Boolean {
        val now = clock()
        if (!lastFrame.isNaN()) {
            interval = smoothed(interval, now - lastFrame)
        }
        lastFrame = now
        val drawn = random.nextDouble() < probability && now >= next
        if (drawn) {
            next = now + spacingS
        }
        return drawn
    }

    /** That the next frame is drawn; under a budget 0 until the interval of frames and the cost are known. */
    val probability: Double
        get() =
            when {
                rate != null -> rate
                budget == null || interval.isNaN() || cost.isNaN() -> 0.0
                // Comparisons each minute that the budget allows, over frames each minute.
                else -> min(1.0, budget / MINUTE_MS * interval / max(cost, LEAST_COST))
            }

    /** Learn what a comparison costs. */
    fun spent(seconds: Double) {
        cost = smoothed(cost, seconds)
    }
}

private fun smoothed(
    before: Double,
    newest: Double,
): Double = if (before.isNaN()) newest else before + NEWEST * (newest - before)
