package fpm.edge.drift

import fpm.edge.pixels.normalizedError
import fpm.edge.stages.FloatSession
import fpm.edge.stages.Trace

/**
 * Distances from the float model's landmarks: stages that ran × landmarks, NE units of the picture or box.
 *
 * NaN for landmarks that do not count: those that the frame's category does not have. Where the device found the
 * category, those of the category that the float model finds count, as far as the device's has them too; all of them
 * where it has none, so that a device which no longer sees garments is noticed. Where the float model finds no
 * garment, nothing counts. It runs as many stages as the device did. Errors are those of [FloatSession.detectInput].
 */
internal fun disagreementOf(
    trace: Trace,
    reference: FloatSession,
): List<DoubleArray> {
    val stages = trace.landmarks.size
    val labelled = trace.detection.labelled
    val results = reference.detectInput(trace.input, stages)
    val wanted = results[stages - 1]
    var counted = labelled
    if (trace.detection.categoryScore != null && wanted.categoryScore != null) {
        val both = BooleanArray(labelled.size) { labelled[it] && wanted.labelled[it] }
        counted = if (true in both) both else wanted.labelled
    }
    val size = sizeOf(trace.fit)
    return trace.landmarks.mapIndexed { stage, landmarks ->
        val errors = normalizedError(landmarks.doubles(), results[stage].landmarks.doubles(), size)
        for (i in errors.indices) {
            if (!counted[i]) errors[i] = Double.NaN
        }
        errors
    }
}
