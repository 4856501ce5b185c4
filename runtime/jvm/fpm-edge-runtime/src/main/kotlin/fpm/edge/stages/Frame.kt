package fpm.edge.stages

import fpm.edge.UsageException
import fpm.edge.pixels.Doubt
import fpm.edge.pixels.Letterbox

/** What one stage found: as [StageResult] has it, but with landmarks in pixels of the input. */
internal class Found(
    val landmarks: FloatArray,
    val scores: FloatArray,
    val doubts: Map<String, Doubt>,
    val recognized: Recognized,
)

/**
 * One look at a picture. Times in seconds, on the session's clock.
 *
 * @property limit how many stages may run.
 * @property deadline infinite for none.
 * @property category as asked for.
 * @property look 1, or 2 for that at a region which the first one found.
 * @param pieces how many pieces the session has.
 */
internal class Frame(
    val start: Double,
    val limit: Int,
    val deadline: Double,
    val category: String?,
    pieces: Int,
    val look: Int = 1,
) {
    /** Where the picture lies in the input; null for a ready-made input. */
    var fit: Letterbox? = null

    /** Stage − 1 → what it found, of those that were decoded. */
    val found = arrayOfNulls<Found>(limit)

    /** Of each piece its time; negative for one that has not run. */
    val seconds = DoubleArray(pieces) { -1.0 }

    /** The pieces that ran, in that order. */
    val order = IntArray(pieces)
    var ran = 0
        private set

    var preprocess = 0.0

    /** Time that making the input of pixels took; part of [preprocess]. */
    var fitting = 0.0
    var decode = 0.0
    var stopReason = StopReason.ALL_STAGES

    /** The other look at the same picture, whose time counts too. */
    var other: Frame? = null

    /** The second look, once there is one, whichever of the two answers. */
    var second: Frame? = null

    /** Its tensors, while another frame has its place in the session: the input's, and those of [order]. */
    var kept: List<ByteArray>? = null

    fun ran(
        piece: Int,
        time: Double,
    ) {
        seconds[piece] = time
        order[ran++] = piece
    }

    fun hasRun(piece: Int): Boolean = seconds[piece] >= 0

    /** A second look at the same picture, in what is left of the time. */
    fun again(): Frame {
        val again = Frame(start, limit, deadline, category, seconds.size, look = 2)
        again.other = this
        second = again
        return again
    }

    /** What [StageResult] and [Detection] both say of a stage that was decoded. */
    fun answer(stage: Int): Answer {
        val found = checkNotNull(found[stage - 1])
        // Of a ready-made input, pixels of the input are what is asked for.
        return Said(found, fit?.toPicture(found.landmarks) ?: found.landmarks)
    }

    /** Where the time went, until [now]. */
    fun timings(
        now: Double,
        names: List<String>,
    ): Timings {
        val pieces = LinkedHashMap<String, Double>(2 * ran)
        var preprocess = 0.0
        var decode = 0.0
        // The look that answered first: it ran all that the other one did.
        var frame: Frame? = this
        while (frame != null) {
            preprocess += frame.preprocess
            decode += frame.decode
            for (i in 0 until frame.ran) {
                val piece = frame.order[i]
                pieces[names[piece]] = (pieces[names[piece]] ?: 0.0) + frame.seconds[piece] * 1e3
            }
            frame = if (frame === this) other else null
        }
        return Timings(preprocess * 1e3, pieces, decode * 1e3, (now - start) * 1e3)
    }
}

private class Said(
    found: Found,
    override val landmarks: FloatArray,
) : Answer {
    override val scores = found.scores
    override val labelled = found.recognized.labelled
    override val doubts = found.doubts
    override val category = found.recognized.category
    override val categoryScore = found.recognized.score
    override val confidences = found.recognized.confidences
}

/** How many stages may run. Throws [UsageException] where that is not 1 to [limit], which is what [owner] has. */
internal fun checkStages(
    stages: Int?,
    limit: Int,
    owner: String,
): Int {
    if (stages != null && stages !in 1..limit) {
        throw UsageException("stages is $stages; $owner has $limit: expected 1 to $limit, or null for all")
    }
    return stages ?: limit
}

/** When the time is up, in seconds on the clock that said [now]. */
internal fun deadlineOf(
    now: Double,
    deadlineMs: Double?,
): Double {
    if (deadlineMs == null) return Double.POSITIVE_INFINITY
    if (!(deadlineMs >= 0 && deadlineMs.isFinite())) {
        throw UsageException("deadlineMs is $deadlineMs; expected milliseconds from the call, 0 or more")
    }
    return now + deadlineMs / 1e3
}
