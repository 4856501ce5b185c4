package fpm.edge.drift

import kotlin.math.max

/** Weight of the newest frame in a recent mean. */
private const val RECENT = 0.01

/** The mean of a proxy, over all frames and over about the last hundred. */
internal class RunningMean(
    val name: String,
) {
    private var count = 0L
    private var mean = 0.0
    private var recent = 0.0

    /** Take the next value. */
    fun add(value: Double) {
        count += 1
        mean += (value - mean) / count
        recent += (value - recent) * max(1.0 / count, RECENT)
    }

    /** For a report. */
    val proxy: Proxy
        get() = Proxy(name, mean.takeIf { count > 0 }, recent.takeIf { count > 0 }, count)

    /** All that it knows. */
    var state: Means
        get() = Means(count, mean, recent)
        set(value) {
            count = value.count
            mean = value.mean
            recent = value.recent
        }
}
