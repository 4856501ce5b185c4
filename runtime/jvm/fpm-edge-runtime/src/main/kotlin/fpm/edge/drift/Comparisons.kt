package fpm.edge.drift

import fpm.edge.DataException
import kotlin.math.max
import kotlin.math.min

/** NE units: a landmark a quarter of the picture away is lost, how far does not matter. */
public const val CAP: Double = 0.25

/**
 * One frame's distances from the float model, checked and capped.
 *
 * @property capped stages that ran × landmarks; 0 for those that are not compared.
 * @property isKnown which landmarks are, [count] of them.
 */
internal class Sample private constructor(
    val capped: List<DoubleArray>,
    val isKnown: BooleanArray,
    val count: Int,
) {
    /** At the stage that answered. */
    val answer: DoubleArray
        get() = capped.last()

    /** Mean of the answer's. */
    val mean: Double

    init {
        val compared = DoubleArray(count)
        var at = 0
        for (i in isKnown.indices) {
            if (isKnown[i]) compared[at++] = answer[i]
        }
        mean = pairwiseSum(compared) / count
    }

    internal companion object {
        /**
         * See [DriftMonitor.addShadow].
         *
         * @param stages at most so many.
         * @param landmarks exactly so many.
         */
        fun of(
            disagreement: List<DoubleArray>,
            stages: Int,
            landmarks: Int,
        ): Sample {
            if (disagreement.size !in 1..stages || disagreement.any { it.size != landmarks }) {
                throw DataException(
                    "disagreement has rows of ${disagreement.map { it.size }}; expected 1 to $stages stages × " +
                        "$landmarks landmarks",
                )
            }
            val last = disagreement.last()
            val isKnown = BooleanArray(landmarks) { !last[it].isNaN() }
            val count = isKnown.count { it }
            val fits =
                disagreement.all { row ->
                    row.indices.all { if (isKnown[it]) row[it] >= 0 else row[it].isNaN() }
                }
            if (count == 0 || !fits) {
                throw DataException(
                    "expected a distance of 0 or more for at least one landmark, for the same ones at every stage",
                )
            }
            val capped =
                disagreement.map { row ->
                    DoubleArray(landmarks) { if (isKnown[it]) min(row[it], CAP) else 0.0 }
                }
            return Sample(capped, isKnown, count)
        }
    }
}

/** What all samples say together. Not for several threads at once. */
internal class Comparisons(
    private val limits: List<DriftLimit>,
    landmarks: Int,
    private val alpha: Double,
) {
    val alarm = ChangeAlarm()
    val bounds = MeanBounds(CAP, alpha)

    // Of loads: what is small change, and how much in all is a fault.
    val fast = PageHinkley(slack = 1.0, threshold = 150.0)

    // Sums, then counts, of capped distances: by stage, and by landmark at the stage that answered.
    val byStage = DoubleArray(2 * limits.size)
    val byLandmark = DoubleArray(2 * landmarks)

    /** The most evidence that there ever was. */
    var most = 1.0
        private set

    /** The sample at which the alarm fired. */
    var alarmSample: Long? = null
        private set

    /** The arrays themselves, to be written into. */
    val arrays: Map<String, DoubleArray> =
        mapOf(
            "started" to alarm.started,
            "above" to bounds.above,
            "below" to bounds.below,
            "by_stage" to byStage,
            "by_landmark" to byLandmark,
        )

    fun add(sample: Sample) {
        val load = sample.mean / limits[sample.capped.size - 1].value
        most = max(most, alarm.update(load))
        if (alarmSample == null && most >= 1 / alpha) {
            alarmSample = alarm.count
        }
        bounds.update(sample.mean)
        for ((stage, row) in sample.capped.withIndex()) {
            byStage[stage] += pairwiseSum(row)
            byStage[limits.size + stage] += sample.count.toDouble()
        }
        for (i in sample.isKnown.indices) {
            byLandmark[i] += sample.answer[i]
            if (sample.isKnown[i]) byLandmark[sample.isKnown.size + i] += 1.0
        }
        fast.update(load)
    }

    /** Go on from a state, but for [arrays]. */
    fun take(state: MonitorState) {
        most = state.mostEvidence
        alarmSample = state.alarmSample
        alarm.count = state.samples
        bounds.count = state.samples
        bounds.total = state.total
        fast.state = state.fast[0]
    }
}
