/** Detection that suspends instead of keeping its caller's thread. */
@file:JvmName("Detecting")

package fpm.edge.coroutines

import fpm.edge.cameras.takenOff
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.util.function.LongSupplier

/**
 * Where detection runs if nothing else is said: one call at a time, of all detectors together.
 *
 * A session runs one piece at a time anyway, and an engine has threads of its own.
 */
internal val oneAtATime: CoroutineDispatcher = Dispatchers.Default.limitedParallelism(1)

/**
 * [Detector.detect], without keeping the caller's thread.
 *
 * Cancelled before its turn comes, the call is not begun. One that has begun runs to its end, since an engine cannot be
 * interrupted; only then is the cancellation thrown. So when this returns or throws, the picture is no longer read.
 *
 * @param options of `detect`. The deadline counts from this call: what it waited for [dispatcher] is taken off. Stage 1
 *   runs all the same.
 * @param dispatcher where it runs; by default, one call at a time of all detectors together, on a thread of
 *   [Dispatchers.Default].
 * @throws fpm.edge.FpmEdgeException as `detect`.
 */
public suspend fun Detector.awaitDetection(
    picture: Picture,
    options: DetectOptions = DetectOptions(),
    dispatcher: CoroutineDispatcher = oneAtATime,
): Detection = awaitDetection(picture, options, dispatcher, System::nanoTime)

internal suspend fun Detector.awaitDetection(
    picture: Picture,
    options: DetectOptions,
    dispatcher: CoroutineDispatcher,
    clock: LongSupplier,
): Detection {
    val since = clock.asLong
    return withContext(dispatcher) { detect(picture, options.takenOff(clock.msSince(since))) }
}

internal fun LongSupplier.msSince(startNs: Long): Double = (asLong - startNs) / 1e6
