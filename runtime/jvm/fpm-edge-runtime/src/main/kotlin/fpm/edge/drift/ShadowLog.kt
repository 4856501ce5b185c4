package fpm.edge.drift

import fpm.edge.stages.Watchable

/** Samples between two entries of the log, where the verdict stays. */
private const val LOG_EVERY = 50

/** When a [Shadow]'s log has an entry. Used by one thread at a time, but for [add]. */
internal class ShadowLog(
    private val sink: LogSink,
    private val subject: String,
    private val frames: () -> Long,
) {
    // Entries that the log does not have yet.
    private val steps = ArrayDeque<LogEntry>()

    // The last other entry, and what it was about.
    private var logged: MonitorReport? = null
    private var loggedOf: Watched? = null

    /** Have an entry of a step, with the next [writeSteps]. */
    fun add(
        step: StepTaken,
        report: MonitorReport,
    ) {
        val entry = entry(report, step.before, step)
        synchronized(steps) { steps += entry }
    }

    /** Those that wait; one that could not be written is tried again with the next. */
    fun writeSteps() {
        while (true) {
            val entry = synchronized(steps) { steps.firstOrNull() } ?: return
            sink.append(entry)
            synchronized(steps) { steps.removeFirst() }
        }
    }

    /** The next entry, if it is time. */
    fun write(
        watched: Watched,
        isLast: Boolean = false,
    ) {
        writeSteps()
        val before = logged.takeIf { loggedOf === watched }
        val report = watched.monitor.report()
        val isDue =
            before == null || report.verdict != before.verdict || report.samples >= before.samples + LOG_EVERY
        if (isDue || isLast) {
            sink.append(entry(report, watched.answerer, null))
            logged = report
            loggedOf = watched
        }
    }

    fun close(): Unit = sink.close()

    private fun entry(
        report: MonitorReport,
        engine: String,
        step: StepTaken?,
    ): LogEntry = LogEntry(timeNow(), subject, engine, frames(), report, step)
}

/** What answers and what learns from it: what one session answered must not count for another. */
internal class Watched(
    val session: Watchable,
    val monitor: DriftMonitor,
    val fallback: Fallback?,
) {
    /** Of an entry that was not asked for by a step. */
    val answerer: String
        get() = answerer("${session.engine} ${session.engineVersion}", fallback)
}
