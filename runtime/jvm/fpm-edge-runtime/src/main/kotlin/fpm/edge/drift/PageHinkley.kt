package fpm.edge.drift

import kotlin.math.max

/**
 * Page-Hinkley test for an increase: a quick alarm for abrupt faults. It promises nothing about false alarms;
 * [ChangeAlarm] does.
 *
 * It sums by how much values are over their running mean plus [slack], never below 0, and fires when the sum passes
 * [threshold] (Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971).
 */
internal class PageHinkley(
    private val slack: Double,
    private val threshold: Double,
) {
    private var count = 0L
    private var mean = 0.0
    private var excess = 0.0

    /** Whether it has ever fired. */
    var fired: Boolean = false
        private set

    /** All that it knows. */
    var state: FastState
        get() = FastState(count, mean, excess, fired)
        set(value) {
            count = value.count
            mean = value.mean
            excess = value.excess
            fired = value.fired
        }

    /** Take the next value. */
    fun update(value: Double) {
        if (count > 0) {
            excess = max(0.0, excess + (value - mean - slack))
        }
        count += 1
        mean += (value - mean) / count
        if (excess > threshold) fired = true
    }
}
