package fpm.edge.drift

import fpm.edge.check.Verdict
import fpm.edge.updates.jsonText
import java.util.zip.CRC32

/**
 * What was known at a time.
 *
 * @property time ISO 8601, UTC.
 * @property subject what is watched: the bundle's digest.
 * @property engine what answers, with its version.
 * @property frames that were detected since the shadow was made.
 * @property report what the monitor said.
 * @property step what a drift policy did about it; null for an entry without one.
 */
public class LogEntry(
    public val time: String,
    public val subject: String,
    public val engine: String,
    public val frames: Long,
    public val report: MonitorReport,
    public val step: StepTaken?,
) {
    /** Of the report: what makes two entries differ most. */
    public val verdict: Verdict
        get() = report.verdict

    /**
     * Its line in a log, with the line's end, as `fpm-edge drift-log` reads it: `{"crc": CRC-32 of the entry's bytes,
     * "entry": {...}}`.
     */
    public fun line(): String {
        val entry = json()
        val crc = CRC32().apply { update(entry.toByteArray()) }.value
        return """{"crc":$crc,"entry":$entry}""" + "\n"
    }

    private fun json(): String =
        jsonText {
            beginObject()
            name("time").value(time)
            name("subject").value(subject)
            name("engine").value(engine)
            name("verdict").value(report.verdict.label)
            name("reason").value(report.reason)
            name("frames").value(frames)
            name("samples").value(report.samples)
            name("alpha").value(report.alpha)
            name("evidence").value(report.evidence)
            name("estimate").value(report.estimate)
            name("lower").value(report.lower)
            name("upper").value(report.upper)
            name("limit").value(report.limits.last().value)
            name("fast_alarms").beginArray()
            for (alarm in report.fastAlarms) value(alarm)
            endArray()
            name("failures").value(report.failures)
            name("stages").beginArray()
            for (stage in report.stages) value(stage.mean)
            endArray()
            name("peak_height").value(report.proxies.first().recent)
            step?.let {
                name("step").beginObject()
                name("time").value(it.time)
                name("step").value(it.step.label)
                name("reason").value(it.reason)
                name("before").value(it.before)
                name("after").value(it.after)
                name("note").value(it.note)
                endObject()
            }
            endObject()
        }
}

/** Takes a log's entries, one at a time. What it throws is in the monitor's report, and the entry comes again later. */
public fun interface LogSink : AutoCloseable {
    public fun append(entry: LogEntry)

    /** There are no more. */
    override fun close() {}
}
