package fpm.edge.drift

import fpm.edge.UsageException
import fpm.edge.bundle.Geometry
import fpm.edge.bundle.LandmarkSchema
import fpm.edge.check.Verdict
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import fpm.edge.stages.FloatSession
import fpm.edge.stages.Trace
import fpm.edge.stages.Watchable
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * The shadow comparison: [detect] as the session does, and a monitor that learns from a sample of the frames, which are
 * also run through the float model.
 *
 * A sampled frame costs the caller a copy of the network's input and decoding the earlier stages. Everything else is
 * done by [executor], for one frame at a time, and a newer frame takes the place of one that waits. What goes wrong
 * there is in the monitor's report, and never thrown by [detect]. Several threads may call it.
 *
 * @param session of the device. It is not closed with this.
 * @property reference the float model's session, such as one of `bundle.reference()` with one thread: that one then has
 *   the priority of [executor]'s; threads of its own would have the normal one. It is not closed with this.
 * @param monitor to feed.
 * @param log where the verdict goes, every 50 samples and when it changes; closed by [close].
 * @param executor what compares; null: one daemon thread of the lowest priority (which not every platform heeds:
 *   Android does), that ends when there was nothing to do for a while.
 * @throws UsageException the two models do not fit, or a number is out of range.
 */
public class Shadow
    @JvmOverloads
    constructor(
        session: Watchable,
        public val reference: FloatSession,
        monitor: DriftMonitor,
        options: ShadowOptions = ShadowOptions(),
        log: LogSink? = null,
        executor: Executor? = null,
    ) : Detector,
        AutoCloseable {
        private val own: ThreadPoolExecutor? = if (executor == null) threadBeside("fpm-edge-shadow") else null
        private val beside: Executor = executor ?: checkNotNull(own)
        private val log: ShadowLog? = log?.let { sink -> ShadowLog(sink, session.digest) { counts.frames } }

        private val lock = ReentrantLock()
        private val changed = lock.newCondition()

        // Behind `lock`, all of these; who only reads the volatile ones need not have it.
        private val sampler: Sampler
        private val movement: Sampler

        @Volatile
        private var watched = Watched(session, monitor, null)

        @Volatile
        private var current: Verdict = monitor.verdict

        private var waiting: Job? = null
        private var isMeasured = options.budgetMsPerMinute == null
        private var isStepUntried = false

        // Whether the executor has been given work that has not ended, whether it is at it, and what `close` did.
        private var isScheduled = false
        private var isBusy = false
        private var isClosed = false
        private var isFinished = false

        private var frames = 0L
        private var sampled = 0L
        private var compared = 0L
        private var replaced = 0L
        private var failed = 0L

        init {
            checkFit(session, reference)
            val rate = options.movementRate
            if (!(rate >= 0 && rate <= 1)) {
                throw UsageException("movementRate is $rate; expected a share of the frames, 0 to 1")
            }
            val budget = options.budgetMsPerMinute
            val share = options.rate ?: if (budget == null) DEFAULT_RATE else null
            sampler = Sampler(share, budget, options.spacingS, options.random)
            movement = Sampler(rate, null, 0.0, options.random)
            wake(lock.withLock { claim() })
        }

        /** [Detector.detect] of the session: its arguments, its answer, its exceptions. */
        override fun detect(
            picture: Picture,
            options: DetectOptions,
        ): Detection {
            lock.lock()
            val watched: Watched
            val isSampled: Boolean
            val isTraced: Boolean
            try {
                watched = this.watched
                isSampled = sampler.draw() && !isClosed && watched.fallback != Fallback.FLOAT
                isTraced = movement.draw() || isSampled
            } finally {
                lock.unlock()
            }
            val asked =
                if (watched.fallback == Fallback.MORE_STAGES) {
                    options.copy(stages = null, deadlineMs = null, converge = null)
                } else {
                    options
                }
            if (!isTraced) {
                return watched.session.detect(picture, asked).also { take(watched, it, null, false) }
            }
            val trace = watched.session.trace(picture, asked)
            take(watched, trace.detection, trace, isSampled)
            return trace.detection
        }

        /** What answers. */
        public val session: Watchable
            get() = watched.session

        /** What is fed. */
        public val monitor: DriftMonitor
            get() = watched.monitor

        /** What [switchTo] put in force. */
        public val fallback: Fallback?
            get() = watched.fallback

        /**
         * Of the monitor after the last comparison: who asks waits for nothing. A self-check that the monitor is told
         * of later counts from the next comparison on.
         */
        public val verdict: Verdict
            get() = current

        /** What became of the frames so far. */
        public val counts: ShadowCounts
            get() = lock.withLock { ShadowCounts(frames, sampled, compared, replaced, failed) }

        /**
         * From the next call of [detect] on, let this session answer and feed this monitor.
         *
         * What the session before it answered goes to the monitor before.
         *
         * @param session of the same landmarks and geometry, with no more stages than the reference.
         * @param monitor that has seen nothing of another session.
         * @param fallback what this is. With `MORE_STAGES` all loaded stages run, and `stages`, `deadlineMs` and
         *   `converge` of a call are not heeded. With `FLOAT` nothing is compared.
         */
        public fun switchTo(
            session: Watchable,
            monitor: DriftMonitor,
            fallback: Fallback?,
        ) {
            val verdict = monitor.verdict
            lock.withLock {
                watched = Watched(session, monitor, fallback)
                current = verdict
            }
        }

        /** Let the log have an entry of this step, and of what the monitor said before it. */
        public fun record(
            step: StepTaken,
            report: MonitorReport,
        ) {
            val log = log ?: return
            wake(
                lock.withLock {
                    if (!isClosed) {
                        log.add(step, report)
                        isStepUntried = true
                    }
                    claim()
                },
            )
        }

        /** Wait until nothing waits to be compared; false if that took longer, or this thread was interrupted. */
        @JvmOverloads
        public fun flush(timeoutMs: Long = Long.MAX_VALUE): Boolean =
            lock.withLock {
                var left = TimeUnit.MILLISECONDS.toNanos(timeoutMs)
                try {
                    while (hasWork || isBusy) {
                        if (left <= 0) return false
                        left = changed.awaitNanos(left)
                    }
                    true
                } catch (_: InterruptedException) {
                    Thread.currentThread().interrupt()
                    false
                }
            }

        /**
         * Wait until the comparison that runs has ended, drop what waits, and write the log's last entry. [detect] goes
         * on without comparing.
         */
        override fun close() {
            lock.withLock {
                val isFirst = !isClosed
                isClosed = true
                waiting = null
                isMeasured = true
                isStepUntried = false
                while (isBusy || (!isFirst && !isFinished)) changed.awaitUninterruptibly()
                if (!isFirst) return
            }
            val watched = watched
            if (log != null) {
                guarded(watched.monitor) {
                    try {
                        log.write(watched, isLast = true)
                    } finally {
                        log.close()
                    }
                }
            }
            own?.shutdown()
            lock.withLock {
                isFinished = true
                changed.signalAll()
            }
        }

        private fun take(
            watched: Watched,
            detection: Detection,
            trace: Trace?,
            isSampled: Boolean,
        ) {
            if (true in detection.labelled) {
                watched.monitor.addFrame(detection.scores, detection.labelled, trace?.let(::stageMovement))
            }
            wake(
                lock.withLock {
                    frames += 1
                    if (isSampled && trace != null && !isClosed) {
                        sampled += 1
                        if (waiting != null) replaced += 1
                        waiting = Job(watched, trace)
                    }
                    claim()
                },
            )
        }

        private val hasWork: Boolean
            get() = waiting != null || !isMeasured || isStepUntried

        /** With the lock held: whether the caller is to [wake] the executor. */
        private fun claim(): Boolean {
            if (isScheduled || !hasWork) return false
            isScheduled = true
            return true
        }

        /** Without the lock, for an executor may do the work at once. */
        private fun wake(isClaimed: Boolean) {
            if (!isClaimed) return
            try {
                beside.execute(::work)
            } catch (error: RejectedExecutionException) {
                val isWanted =
                    lock.withLock {
                        if (waiting != null) failed += 1
                        waiting = null
                        isMeasured = true
                        isStepUntried = false
                        isScheduled = false
                        changed.signalAll()
                        !isClosed
                    }
                if (isWanted) {
                    monitor.addFailure(said(error))
                    current = monitor.verdict
                }
            }
        }

        private fun work() {
            while (true) {
                val job: Job?
                val isToMeasure: Boolean
                val isToTry: Boolean
                lock.lock()
                try {
                    isBusy = hasWork
                    if (!isBusy) {
                        isScheduled = false
                        changed.signalAll()
                        return
                    }
                    job = waiting
                    isToMeasure = !isMeasured
                    isToTry = isStepUntried
                    waiting = null
                    isMeasured = true
                    isStepUntried = false
                } finally {
                    lock.unlock()
                }
                if (isToTry) guarded(monitor) { log?.writeSteps() }
                if (isToMeasure) guarded(monitor, ::measureCost)
                if (job != null) compare(job)
            }
        }

        private fun compare(job: Job) {
            val monitor = job.watched.monitor
            val start = System.nanoTime()
            val hasFailed =
                guarded(monitor) {
                    val disagreement = disagreementOf(job.trace, reference)
                    // A frame in which the float model sees no garment either shows nothing about where landmarks are.
                    if (!disagreement.all { row -> row.all(Double::isNaN) }) monitor.addShadow(disagreement)
                }
            guarded(monitor) { log?.write(watched) }
            val verdict = monitor.verdict
            lock.withLock {
                sampler.spent((System.nanoTime() - start) / 1e9)
                if (hasFailed) failed += 1 else compared += 1
                if (job.watched === watched) current = verdict
            }
        }

        private fun measureCost() {
            val geometry = reference.geometry
            val black = ByteArray(3 * geometry.inputHeight * geometry.inputWidth)
            val start = System.nanoTime()
            reference.detectInput(black, null)
            lock.withLock { sampler.spent((System.nanoTime() - start) / 1e9) }
        }

        /** Do it; whether it failed, which the monitor then knows. */
        private fun guarded(
            monitor: DriftMonitor,
            work: () -> Unit,
        ): Boolean =
            try {
                work()
                false
            } catch (error: Throwable) {
                // Whatever it is: nobody waits for this, and detecting must go on.
                monitor.addFailure(said(error))
                true
            }

        private class Job(
            val watched: Watched,
            val trace: Trace,
        )
    }

private const val DEFAULT_RATE = 0.01

private fun said(error: Throwable): String = "${error.javaClass.simpleName}: ${error.message}"

private fun checkFit(
    session: Watchable,
    reference: FloatSession,
) {
    if (!isSame(session.schema, reference.schema) || !isSame(session.geometry, reference.geometry)) {
        throw UsageException("the reference has other landmarks or geometry; give the float model of this bundle")
    }
    if (reference.stageLimit < session.stageLimit) {
        throw UsageException(
            "the reference has ${reference.stageLimit} stages loaded, the session ${session.stageLimit}; load all",
        )
    }
}

private fun isSame(
    one: LandmarkSchema,
    other: LandmarkSchema,
): Boolean =
    one.name == other.name && one.landmarks == other.landmarks && one.flip == other.flip &&
        one.categories == other.categories && one.normalizers == other.normalizers && one.groups == other.groups

private fun isSame(
    one: Geometry,
    other: Geometry,
): Boolean = one.inputHeight == other.inputHeight && one.inputWidth == other.inputWidth && one.stride == other.stride
