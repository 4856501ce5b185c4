package fpm.edge.cameras

import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import java.util.concurrent.Executor
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.locks.ReentrantLock
import java.util.function.LongSupplier
import kotlin.concurrent.withLock

/**
 * Detects the frames of a live camera one at a time; of those that come meanwhile only the newest waits.
 *
 * So the answer is never about an old frame, however slow the device. Several threads may use one object. What a
 * listener or a frame's release throws is thrown on the thread that called it, as by any task of an executor; the
 * frames after it are detected all the same.
 *
 * @param detector stays the caller's: [close] does not close it.
 * @param executor runs one task a frame, never two at a time, so that several cameras may share it; null: a thread of
 *   its own, a daemon that ends with [close].
 */
public class Live internal constructor(
    private val detector: Detector,
    private val listener: LiveListener,
    executor: Executor?,
    private val clock: LongSupplier,
) : AutoCloseable {
    private class Job(
        val frame: Frame,
        val options: DetectOptions,
        val since: Long,
    )

    private val own: ExecutorService? = if (executor == null) Executors.newSingleThreadExecutor(::daemon) else null
    private val executor: Executor = executor ?: own!!

    private val lock = ReentrantLock()
    private val idle = lock.newCondition()
    private var waiting: Job? = null
    private var scheduled = false // a task is with the executor, waiting or running
    private var worker: Thread? = null // detects a frame now
    private var closed = false
    private var tally = LiveCounts()
    private var newest: Detection? = null

    @JvmOverloads
    public constructor(
        detector: Detector,
        listener: LiveListener,
        executor: Executor? = null,
    ) : this(detector, listener, executor, System::nanoTime)

    /** The newest answer; null before the first. */
    public val latest: Detection?
        get() = lock.withLock { newest }

    /** What became of the frames so far. */
    public val counts: LiveCounts
        get() = lock.withLock { tally }

    /**
     * Detect this frame next, in place of one that waits; never waits itself, if the executor's `execute` does not.
     *
     * @param frame offered once. It is not copied, and is closed when it was answered, failed or was dropped.
     * @param options of `detect`. The deadline counts from this call, so what a frame waited is taken off; stage 1 runs
     *   all the same. What `detect` says against the options the listener hears.
     * @return false where the frame was dropped at once: this object is closed, or its executor takes no more tasks.
     */
    @JvmOverloads
    public fun offer(
        frame: Frame,
        options: DetectOptions = DetectOptions(),
    ): Boolean {
        val job = Job(frame, options, clock.asLong)
        var start = false
        val dropped =
            lock.withLock {
                val before = if (closed) job else waiting
                if (!closed) {
                    waiting = job
                    start = !scheduled
                    scheduled = true
                }
                tally =
                    tally.copy(
                        offered = tally.offered + 1,
                        dropped = tally.dropped + if (before == null) 0 else 1,
                    )
                before
            }
        val taken = dropped !== job && (!start || schedule())
        dropped?.frame?.close()
        return taken
    }

    /**
     * Drop the frame that waits, and finish the one that is in work. Frames that are offered later are dropped.
     *
     * Waits until the detector is no longer in use and the listener has returned; called by the listener, without
     * waiting.
     */
    override fun close() {
        val dropped =
            lock.withLock {
                closed = true
                dropWaiting()
            }
        own?.shutdown()
        try {
            dropped?.frame?.close()
        } finally {
            lock.withLock {
                while (worker != null && worker !== Thread.currentThread()) {
                    idle.awaitUninterruptibly()
                }
            }
        }
    }

    /** Takes the frame that waits off the queue and counts it; under the lock. */
    private fun dropWaiting(): Job? {
        val job = waiting ?: return null
        waiting = null
        tally = tally.copy(dropped = tally.dropped + 1)
        return job
    }

    private fun schedule(): Boolean =
        try {
            executor.execute(::work)
            true
        } catch (_: RejectedExecutionException) {
            val dropped =
                lock.withLock {
                    scheduled = false
                    dropWaiting()
                }
            dropped?.frame?.close()
            false
        }

    /** One frame a task: an executor that several cameras share serves them in turn. */
    private fun work() {
        val job = begin() ?: return
        try {
            job.frame.use { detect(job) }
        } finally {
            if (end()) {
                schedule()
            }
        }
    }

    private fun begin(): Job? =
        lock.withLock {
            val job = waiting
            waiting = null
            if (job == null) scheduled = false else worker = Thread.currentThread()
            job
        }

    /** Whether another frame waits. */
    private fun end(): Boolean =
        lock.withLock {
            worker = null
            idle.signalAll()
            scheduled = waiting != null
            scheduled
        }

    private fun detect(job: Job) {
        val found =
            try {
                val waitedMs = (clock.asLong - job.since) / 1e6
                detector.detect(job.frame.picture, job.options.takenOff(waitedMs))
            } catch (error: Throwable) {
                // Whatever it is, it is the caller's, and the next frame may be better.
                lock.withLock { tally = tally.copy(failed = tally.failed + 1) }
                listener.onFailure(job.frame, error)
                return
            }
        lock.withLock {
            tally = tally.copy(done = tally.done + 1)
            newest = found
        }
        listener.onDetection(job.frame, found)
    }
}

private fun daemon(task: Runnable): Thread = Thread(task, "fpm-edge-live").apply { isDaemon = true }
