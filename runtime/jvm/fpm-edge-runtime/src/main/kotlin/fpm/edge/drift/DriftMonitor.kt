package fpm.edge.drift

import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.bundle.LimitedBundle
import fpm.edge.check.Verdict
import java.math.BigDecimal
import java.math.RoundingMode
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/** Evidence that would be reached by chance this many times as often as the alarm is worth a warning. */
private const val WARNING_SHARE = 10

private const val VERSION = 1L

/**
 * Has this device drifted from the float model? A verdict whose false alarms are promised to be rare, without labels.
 *
 * What it watches is the *disagreement* of a frame: the distance between the device's and the float model's landmarks
 * at the stage that answered, each capped at [CAP], averaged over the frame's landmarks. What it promises (α =
 * [alpha]):
 *
 * - *Alarm.* If, for every stage, the mean disagreement of the next frame, whatever came before, is at most that
 *   stage's limit, the probability that the verdict *ever* becomes `DRIFTED` is at most α. This one test is the
 *   guarantee; means by stage and landmark, proxies and the fast alarms are descriptions.
 * - *Certificate.* With probability 1 − α, at all times: NE lies within [MonitorReport.upper] of the float model's, if
 *   an error over [CAP] counts as [CAP]. For | min(|q−g|, c) − min(|f−g|, c) | ≤ min(|q−f|, c). It speaks of one mean,
 *   so of a device and pictures that stay what they are, and says nothing any more once the verdict is `DRIFTED`.
 *
 * Frames of a scene that does not change are not new evidence: see docs/drift.md.
 *
 * It is fed by golden self-checks, shadow samples and frames, by any thread, and does not grow, however many there are.
 *
 * @param limits largest healthy mean disagreement of every stage, NE units.
 * @property landmarks their names.
 * @property subject what is watched, such as a bundle's digest; a saved state of another subject is refused.
 * @property alpha promised false-alarm probability.
 * @throws UsageException a limit or alpha is out of range.
 */
public class DriftMonitor
    @JvmOverloads
    constructor(
        limits: List<DriftLimit>,
        landmarks: List<String>,
        public val subject: String = "",
        public val alpha: Double = 0.01,
    ) {
        /** By stage. */
        public val limits: List<DriftLimit> = limits.toList()
        public val landmarks: List<String> = landmarks.toList()

        // `frameLock` is of what every frame changes. A shadow's thread has a low priority, and may be made to wait
        // while it holds the other one; frames must not wait for it. Who needs both takes `lock` first.
        private val lock = ReentrantLock()
        private val frameLock = ReentrantLock()

        // Behind `lock`.
        private var golden: Verdict? = null
        private var failures = 0L
        private var failing: String? = null
        private var comparisons = Comparisons(limits, landmarks.size, alpha)

        // Behind `frameLock`.
        private var fastPeak = peakAlarm()
        private val proxies = listOf(RunningMean("peak height"), RunningMean("stage movement"), RunningMean("flip"))

        init {
            if (!(alpha > 0 && alpha < 1)) {
                throw UsageException("alpha is $alpha; expected a probability between 0 and 1, such as 0.01")
            }
            val values = limits.map { it.value }
            if (values.isEmpty() || !values.all { it > 0 && it < CAP }) {
                throw UsageException(
                    "limits are $values; expected one for each stage, NE units over 0 and below $CAP",
                )
            }
        }

        /** With limits of your own. */
        @JvmOverloads
        public constructor(
            limits: DoubleArray,
            landmarks: List<String>,
            subject: String = "",
            alpha: Double = 0.01,
        ) : this(limits.map { DriftLimit(it, LimitSource.GIVEN) }, landmarks, subject, alpha)

        /** Forget everything, for example after the cause was repaired. The promise starts anew as well. */
        public fun reset(): Unit =
            bothLocks {
                golden = null
                failures = 0
                failing = null
                comparisons = Comparisons(limits, landmarks.size, alpha)
                fastPeak = peakAlarm()
                proxies.forEach { it.state = Means(0, 0.0, 0.0) }
            }

        /** Another one of the same limits, names, subject and alpha that knows nothing yet but, if given, [golden]. */
        @JvmOverloads
        public fun anew(golden: Verdict? = null): DriftMonitor =
            DriftMonitor(limits, landmarks, subject, alpha).also { it.golden = golden }

        /** Take the outcome of a self-check. */
        public fun addGolden(verdict: Verdict): Unit = lock.withLock { golden = verdict }

        /**
         * Take one frame's distances from the float model.
         *
         * @param disagreement stages that ran × landmarks, NE units, 0 or more; NaN for landmarks that the frame's
         *   garment does not have, the same at every stage. The last row is the stage that answered.
         * @throws DataException the shape does not fit, no landmark is compared, or a distance is negative.
         */
        public fun addShadow(disagreement: List<DoubleArray>) {
            val sample = Sample.of(disagreement, limits.size, landmarks.size)
            lock.withLock {
                failing = null
                comparisons.add(sample)
            }
        }

        /**
         * Take what any frame shows without a float model.
         *
         * @param scores (at least one landmark,) peak heights, 0 to 1, of the landmarks that count.
         * @param movement mean distance between the last two stages' landmarks, NE units, if both are known.
         * @throws DataException there is no score, or a number is not finite.
         */
        @JvmOverloads
        public fun addFrame(
            scores: FloatArray,
            movement: Double? = null,
        ) {
            var height = 0.0
            for (score in scores) height += score
            addFrame(height / scores.size, movement)
        }

        /** As the other one; of [scores] those count that are [labelled], at least one. */
        internal fun addFrame(
            scores: FloatArray,
            labelled: BooleanArray,
            movement: Double?,
        ) {
            var height = 0.0
            var count = 0
            for (i in scores.indices) {
                if (labelled[i]) {
                    height += scores[i]
                    count += 1
                }
            }
            addFrame(height / count, movement)
        }

        private fun addFrame(
            height: Double,
            movement: Double?,
        ) {
            checkFinite(height, "mean score of at least one landmark")
            if (movement != null) checkFinite(movement, "movement")
            frameLock.withLock {
                proxies[PEAK_HEIGHT].add(height)
                fastPeak.update(-height)
                if (movement != null) proxies[MOVEMENT].add(movement)
            }
        }

        /**
         * Take a frame's mean distance between its landmarks and those of its mirror image ([flipConsistency]).
         *
         * @throws DataException it is not finite.
         */
        public fun addFlip(distance: Double) {
            checkFinite(distance, "distance")
            frameLock.withLock { proxies[FLIP].add(distance) }
        }

        /** Take note that a frame could not be compared, or not logged. One that sees nothing must not say `OK`. */
        public fun addFailure(message: String): Unit =
            lock.withLock {
                failures += 1
                failing = message
            }

        /** That of [report], for every frame: it costs next to nothing. */
        public val verdict: Verdict
            get() = bothLocks { judge().first }

        /** Everything that is known now. */
        public fun report(): MonitorReport =
            bothLocks {
                val (verdict, reason) = judge()
                val isKnown = comparisons.bounds.count > 0
                MonitorReport(
                    verdict = verdict,
                    reason = reason,
                    samples = comparisons.bounds.count,
                    alpha = alpha,
                    evidence = comparisons.alarm.evidence(),
                    mostEvidence = comparisons.most,
                    alarmSample = comparisons.alarmSample,
                    estimate = if (isKnown) comparisons.bounds.estimate else null,
                    lower = comparisons.bounds.lower,
                    upper = comparisons.bounds.upper,
                    certified = if (isKnown && verdict != Verdict.DRIFTED) comparisons.bounds.upper else null,
                    limits = limits,
                    golden = golden,
                    fastAlarms = fastAlarms(),
                    failures = failures,
                    stages = partMeans(limits.indices.map { "${it + 1}" }, comparisons.byStage),
                    landmarks = partMeans(landmarks, comparisons.byLandmark),
                    proxies = proxies.map(RunningMean::proxy),
                )
            }

        /** Keep all that is known, under the subject, so that evidence survives a restart. Throws what the store throws. */
        public fun save(store: StateStore): Unit = store.save(key, state())

        /**
         * Go on from what [save] kept. A promise that begins anew at every restart is one for each restart.
         *
         * @return whether anything was kept.
         * @throws DataException it is no state, or that of other limits or alpha; nothing has changed then.
         */
        public fun load(store: StateStore): Boolean {
            val content = store.load(key) ?: return false
            restore(content, key)
            return true
        }

        /** What [save] keeps, JSON; the Python runtime's `DriftMonitor.load` reads it too. */
        public fun state(): String = bothLocks { current().encode() }

        /**
         * Go on from what [state] gave, here or in another runtime.
         *
         * @param where said in errors.
         * @throws DataException as of [load].
         */
        @JvmOverloads
        public fun restore(
            content: String,
            where: String = "the text",
        ) {
            val state = MonitorState.decode(content, where)
            bothLocks {
                if (!isOfThis(state)) {
                    throw DataException(
                        "$where is the state of another version, bundle, limits or alpha; remove it to start anew",
                    )
                }
                val arrays = comparisons.arrays
                val found = arrays.mapValues { (name, array) -> decodeNumbers(state.arrays[name], array.size) }
                val isWhole =
                    state.arrays.keys == arrays.keys && state.proxies.keys == proxies.map { it.name }.toSet() &&
                        found.values.all { it != null }
                if (!isWhole) {
                    throw DataException("$where is no whole state of a drift monitor; remove it to start anew")
                }
                for ((name, array) in arrays) found.getValue(name)?.copyInto(array)
                take(state)
            }
        }

        private fun isOfThis(state: MonitorState): Boolean =
            state.version == VERSION && state.subject == subject && state.alpha == alpha &&
                state.limits == limits.map { it.value } && state.landmarks == landmarks

        private fun take(state: MonitorState) {
            golden = state.golden
            comparisons.take(state)
            fastPeak.state = state.fast[1]
            proxies.forEach { it.state = state.proxies.getValue(it.name) }
        }

        private val key: String
            get() = "drift monitor $subject"

        private fun current(): MonitorState =
            MonitorState(
                version = VERSION,
                subject = subject,
                limits = limits.map { it.value },
                landmarks = landmarks,
                alpha = alpha,
                golden = golden,
                alarmSample = comparisons.alarmSample,
                mostEvidence = comparisons.most,
                samples = comparisons.bounds.count,
                total = comparisons.bounds.total,
                fast = listOf(comparisons.fast.state, fastPeak.state),
                proxies = proxies.associate { it.name to it.state },
                arrays = comparisons.arrays.mapValues { encodeNumbers(it.value) },
            )

        private fun judge(): Pair<Verdict, String> {
            val evidence = comparisons.alarm.evidence()
            val failing = failing
            return when {
                comparisons.alarmSample != null ->
                    Verdict.DRIFTED to
                        "the mean disagreement with the float model is over its limit: the evidence reached " +
                        "${rounded(1 / alpha, 0)} at sample ${comparisons.alarmSample}"
                golden == Verdict.DRIFTED ->
                    Verdict.DRIFTED to "a golden case disagrees with the float model more than its limit"
                evidence >= 1 / (WARNING_SHARE * alpha) ->
                    Verdict.WARNING to
                        "evidence ${rounded(evidence, 1)} of the ${rounded(1 / alpha, 0)} that would be an alarm"
                golden == Verdict.WARNING -> Verdict.WARNING to "a golden case is near its limit"
                failing != null ->
                    Verdict.WARNING to "the last comparison or its log entry failed ($failures in all): $failing"
                comparisons.fast.fired || fastPeak.fired ->
                    Verdict.WARNING to "fast alarm (promises nothing): ${fastAlarms().joinToString()}"
                else -> Verdict.OK to ""
            }
        }

        private fun fastAlarms(): List<String> =
            listOfNotNull("disagreement".takeIf { comparisons.fast.fired }, "peak height".takeIf { fastPeak.fired })

        private inline fun <T> bothLocks(work: () -> T): T = lock.withLock { frameLock.withLock(work) }

        public companion object {
            /**
             * With the limits of [driftLimits], which may be wider by a [tolerance] of yours. Throws as that does.
             *
             * @param alpha promised false-alarm probability.
             */
            @JvmStatic
            @JvmOverloads
            public fun of(
                bundle: LimitedBundle,
                tolerance: Double = TOLERANCE,
                alpha: Double = 0.01,
            ): DriftMonitor =
                DriftMonitor(driftLimits(bundle, tolerance), bundle.manifest.landmarks.landmarks, bundle.digest, alpha)
        }
    }

private const val PEAK_HEIGHT = 0
private const val MOVEMENT = 1
private const val FLIP = 2

// Of values from 0 to 1: what is small change, and how much in all is a fault.
private fun peakAlarm() = PageHinkley(slack = 0.05, threshold = 5.0)

/** One that is not would stay in a mean for ever. */
private fun checkFinite(
    value: Double,
    name: String,
) {
    if (!value.isFinite()) throw DataException("a $name is expected that is finite, not $value")
}

/** Of sums, then counts. */
private fun partMeans(
    names: List<String>,
    sums: DoubleArray,
): List<PartMean> =
    names.mapIndexed { i, name ->
        val count = sums[names.size + i]
        PartMean(name, if (count > 0) sums[i] / count else null, count.toLong())
    }

/** As Python's format has it: halves to even. */
private fun rounded(
    value: Double,
    digits: Int,
): String = BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString()
