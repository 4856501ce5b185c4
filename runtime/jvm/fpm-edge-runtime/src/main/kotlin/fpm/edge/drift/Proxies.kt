@file:JvmName("Proxies")

package fpm.edge.drift

import fpm.edge.bundle.LandmarkSchema
import fpm.edge.pixels.Letterbox
import fpm.edge.pixels.Picture
import fpm.edge.pixels.normalizedError
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detector
import fpm.edge.stages.Trace

/**
 * How far the labelled landmarks moved between the last two stages: mean, NE units of the picture or box.
 *
 * null where only one stage ran, or no garment was found.
 */
internal fun stageMovement(trace: Trace): Double? {
    val count = trace.landmarks.size
    if (count < 2) return null
    return meanError(
        trace.landmarks[count - 1].doubles(),
        trace.landmarks[count - 2].doubles(),
        sizeOf(trace.fit),
        trace.detection.labelled,
    )
}

/**
 * How far the answer for the mirror image is from the mirror image of the answer: mean, NE units.
 *
 * Over the landmarks of the category; of the one found in the picture as it is, where none is given. It costs two
 * detections, so it is done only when asked. Errors are those of [Detector.detect].
 *
 * @param schema of the landmarks that [detector] finds.
 * @param category as of [DetectOptions.category].
 * @return null where no garment was found, or the schema leaves sides unpaired.
 */
@JvmOverloads
public fun flipConsistency(
    detector: Detector,
    schema: LandmarkSchema,
    picture: Picture,
    category: String? = null,
): Double? {
    val options = DetectOptions(category = category)
    val straight = detector.detect(picture, options)
    if (true !in straight.labelled || unpairedSides(schema.landmarks, schema.flip).isNotEmpty()) {
        return null
    }
    val mirrored = detector.detect(Mirror(picture), options).landmarks
    val back =
        DoubleArray(straight.landmarks.size) {
            val at = 2 * schema.flip[it shr 1]
            // Pixel centres: column x of the mirror image is column width − 1 − x.
            if (it and 1 == 0) {
                (picture.width - 1.0 - mirrored[at]).toFloat().toDouble()
            } else {
                mirrored[at + 1].toDouble()
            }
        }
    val size = doubleArrayOf(picture.width.toDouble(), picture.height.toDouble())
    return meanError(back, straight.landmarks.doubles(), size, straight.labelled)
}

/** The mirror image: left is right. */
private class Mirror(
    private val straight: Picture,
) : Picture {
    override val width: Int = straight.width
    override val height: Int = straight.height

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ) {
        straight.readRow(y, width - right, width - left, rgb)
        var first = 0
        var last = 3 * (right - left - 1)
        while (first < last) {
            for (channel in 0 until 3) {
                val value = rgb[first + channel]
                rgb[first + channel] = rgb[last + channel]
                rgb[last + channel] = value
            }
            first += 3
            last -= 3
        }
    }
}

/** Width and height of the picture or box inside the input. */
internal fun sizeOf(fit: Letterbox): DoubleArray = doubleArrayOf(fit.width.toDouble(), fit.height.toDouble())

internal fun FloatArray.doubles(): DoubleArray = DoubleArray(size) { this[it].toDouble() }

/** Mean NE of the landmarks that count; null without any. */
private fun meanError(
    predicted: DoubleArray,
    truth: DoubleArray,
    size: DoubleArray,
    counted: BooleanArray,
): Double? {
    val errors = normalizedError(predicted, truth, size)
    var count = 0
    for (i in errors.indices) {
        if (counted[i]) errors[count++] = errors[i]
    }
    return if (count > 0) pairwiseSum(errors, 0, count) / count else null
}
