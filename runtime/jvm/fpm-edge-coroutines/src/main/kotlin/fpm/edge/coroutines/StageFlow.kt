/** The answer of every stage, as a flow. */
@file:JvmName("StageFlow")

package fpm.edge.coroutines

import fpm.edge.cameras.takenOff
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.StageResult
import fpm.edge.stages.StagedDetector
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext
import java.util.function.LongSupplier

/**
 * The answer of every stage as soon as it is there, from each collection anew.
 *
 * A stage begins when the collector has done with the answer of the one before: a collector that is cancelled or has
 * seen enough (`first { … }`) ends the work there, and the time that it takes counts towards the deadline. Put
 * `buffer()` behind it to run the next stage meanwhile.
 *
 * ```
 * session.stageFlow(picture, DetectOptions(deadlineMs = 80.0)).collect { draw(it.landmarks) }
 * ```
 *
 * @param options of [StagedDetector.stages]. The deadline counts from the begin of the collection; stage 1 runs all the
 *   same.
 * @param dispatcher where stages run; by default as for [awaitDetection]. The collector stays in its own context.
 * @return fails with what `stages` throws.
 */
public fun StagedDetector.stageFlow(
    picture: Picture,
    options: DetectOptions = DetectOptions(),
    dispatcher: CoroutineDispatcher = oneAtATime,
): Flow<StageResult> = stageFlow(picture, options, dispatcher, System::nanoTime)

internal fun StagedDetector.stageFlow(
    picture: Picture,
    options: DetectOptions,
    dispatcher: CoroutineDispatcher,
    clock: LongSupplier,
): Flow<StageResult> =
    flow {
        val since = clock.asLong
        val answers =
            withContext(dispatcher) { stages(picture, options.takenOff(clock.msSince(since))).iterator() }
        while (true) {
            emit(withContext(dispatcher) { if (answers.hasNext()) answers.next() else null } ?: break)
        }
    }
