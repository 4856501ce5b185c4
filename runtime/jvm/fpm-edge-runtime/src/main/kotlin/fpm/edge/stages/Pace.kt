package fpm.edge.stages

import kotlin.math.ceil

/** How long a piece of work takes on this device, learnt from having done it: a cautious prediction from its last times. */
internal class Pace {
    private val times = DoubleArray(MEMORY)
    private val sorted = DoubleArray(MEMORY)
    private var count = 0
    private var next = 0

    /** Remember one measurement, in seconds; only the last 64 count. */
    fun record(seconds: Double) {
        times[next] = seconds
        next = (next + 1) % MEMORY
        count = minOf(count + 1, MEMORY)
    }

    /** The 95 % quantile of the remembered times (nearest rank), seconds; 0 if there are none. */
    fun predict(): Double {
        if (count == 0) return 0.0
        times.copyInto(sorted, 0, 0, count)
        sorted.sort(0, count)
        return sorted[ceil(QUANTILE * count).toInt() - 1]
    }

    /** Forget everything. */
    fun clear() {
        count = 0
        next = 0
    }

    private companion object {
        const val MEMORY = 64
        const val QUANTILE = 0.95
    }
}
