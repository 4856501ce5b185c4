/** Live cameras as flows: the newest frame is detected next, and older ones that wait are dropped. */
@file:JvmName("LiveFlow")

package fpm.edge.coroutines

import fpm.edge.cameras.Frame
import fpm.edge.cameras.Tracked
import fpm.edge.cameras.Tracker
import fpm.edge.cameras.takenOff
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.consumeEach
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.util.function.LongSupplier

/**
 * Detects the frames of a live camera one at a time; of those that come meanwhile only the newest waits.
 *
 * So the answer is never about an old frame, however slow the device or the collector, and answers come in the order of
 * the frames. Every frame that this flow takes is closed once: when it was answered, before the collector sees the
 * answer, or when it failed, was dropped, or the collector ended. The frames' flow is never made to wait.
 *
 * From a camera's callback to frames, none of them lost on the way:
 *
 * ```
 * val frames = Channel<Frame>(Channel.CONFLATED) { it.close() }
 * analysis.setAnalyzer(executor) { image ->
 *     val frame = Frame(pictureOf(image, degrees), image.timestamp) { image.close() }
 *     frames.trySend(frame).onFailure { frame.close() }
 * }
 * frames.consumeAsFlow().landmarks(session, DetectOptions(deadlineMs = 50.0)).collect { draw(it) }
 * ```
 *
 * @param options of `detect`. The deadline counts from when a frame comes, so what it waited is taken off; stage 1 runs
 *   all the same.
 * @param dispatcher where detection runs; by default as for [awaitDetection]. The collector and the frames' flow stay
 *   in their own context.
 * @return fails with what `detect` or the frames' flow throws, and ends the frames' flow then: what comes after a frame
 *   that failed is for `retry`, or a [fpm.edge.cameras.Live], which goes on.
 */
public fun Flow<Frame>.landmarks(
    detector: Detector,
    options: DetectOptions = DetectOptions(),
    dispatcher: CoroutineDispatcher = oneAtATime,
): Flow<Detection> = landmarks(detector, options, dispatcher, System::nanoTime)

internal fun Flow<Frame>.landmarks(
    detector: Detector,
    options: DetectOptions,
    dispatcher: CoroutineDispatcher,
    clock: LongSupplier,
): Flow<Detection> =
    newest(dispatcher, clock) { frame, waitedMs -> detector.detect(frame.picture, options.takenOff(waitedMs)) }

/**
 * As [landmarks], smoothed over time: the frames' [Frame.timeNs] tell how much, and grow from frame to frame.
 *
 * @param tracker for one collection at a time.
 * @param options of [Tracker.detect].
 */
public fun Flow<Frame>.tracked(
    tracker: Tracker,
    options: DetectOptions = DetectOptions(),
    dispatcher: CoroutineDispatcher = oneAtATime,
): Flow<Tracked> =
    newest(dispatcher, System::nanoTime) { frame, waitedMs ->
        tracker.detect(frame.picture, frame.timeS, options.takenOff(waitedMs))
    }

private class Arrived(
    val frame: Frame,
    val sinceNs: Long,
)

private fun <T> Flow<Frame>.newest(
    dispatcher: CoroutineDispatcher,
    clock: LongSupplier,
    answer: (Frame, Double) -> T,
): Flow<T> =
    flow {
        coroutineScope {
            // Not conflate(): it forgets what it drops, and a camera would wait for its buffers.
            val waiting = Channel<Arrived>(Channel.CONFLATED) { it.frame.close() }
            launch {
                collect { waiting.send(Arrived(it, clock.asLong)) }
                waiting.close()
            }
            waiting.consumeEach { arrived ->
                // Closed as soon as its pixels are not needed, and also where its turn never comes.
                val answered =
                    arrived.frame.use { frame ->
                        withContext(dispatcher) { frame.use { answer(it, clock.msSince(arrived.sinceNs)) } }
                    }
                emit(answered)
            }
        }
    }
