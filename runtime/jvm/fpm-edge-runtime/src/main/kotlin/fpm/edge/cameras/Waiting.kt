/** What a call waited before `detect` counts towards its deadline. */
@file:JvmName("Waiting")

package fpm.edge.cameras

import fpm.edge.stages.DetectOptions

/**
 * These options after [waitedMs] of waiting, with the deadline from now; where nothing is left, it is 0. One that
 * `detect` refuses stays as it is.
 */
public fun DetectOptions.takenOff(waitedMs: Double): DetectOptions {
    val deadline = deadlineMs
    if (deadline == null || !(deadline > 0)) {
        return this
    }
    return copy(deadlineMs = maxOf(0.0, deadline - maxOf(0.0, waitedMs)))
}
