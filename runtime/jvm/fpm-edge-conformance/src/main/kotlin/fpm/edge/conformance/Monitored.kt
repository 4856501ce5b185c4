package fpm.edge.conformance

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import fpm.edge.UsageException
import fpm.edge.check.Verdict
import fpm.edge.drift.DriftMonitor
import fpm.edge.drift.MonitorReport
import fpm.edge.drift.TOLERANCE
import fpm.edge.stages.Bundle

/** A stream of steps through a drift monitor. */
internal fun monitored(
    request: Request,
    bundle: Bundle?,
): Map<String, Any?> {
    val monitor = monitorOf(request, bundle)
    request.text("state")?.let { monitor.restore(it, "the state") }
    val stream = request.list("stream")!!
    val checkpoints = request.list("checkpoints")!!.map(::int)
    val reports = ArrayList<Any>()
    var next = 0
    for (number in 0..stream.size) {
        if (number > 0) take(monitor, stream[number - 1].asJsonObject)
        while (next < checkpoints.size && checkpoints[next] == number) {
            reports += plain(monitor.report())
            next++
        }
    }
    if (next < checkpoints.size) throw UsageException("checkpoints $checkpoints are not in the stream, or not ascending")
    val answer = mapOf("reports" to reports)
    return if (request.element("save")?.asBoolean == true) answer + ("state" to monitor.state()) else answer
}

private fun monitorOf(
    request: Request,
    bundle: Bundle?,
): DriftMonitor {
    val alpha = request.number("alpha") ?: 0.01
    val names = request.list("landmarks")?.map(JsonElement::getAsString)
    val limits = request.list("limits")?.map(JsonElement::getAsDouble)
    val tolerance = request.number("tolerance")
    if (limits == null) {
        if (bundle == null || names != null || request.text("subject") != null) {
            throw UsageException("without limits there must be an open bundle, and no landmarks or subject")
        }
        return DriftMonitor.of(bundle, tolerance ?: TOLERANCE, alpha)
    }
    if (names == null || tolerance != null) throw UsageException("limits need landmarks, and no tolerance")
    return DriftMonitor(limits.toDoubleArray(), names, request.text("subject").orEmpty(), alpha)
}

private fun take(
    monitor: DriftMonitor,
    step: JsonObject,
) {
    val (name, value) =
        step.entrySet().singleOrNull() ?: throw UsageException("a step of the stream has not one key")
    when (name) {
        "shadow" ->
            monitor.addShadow(
                value.asJsonArray.map { row ->
                    row.asJsonArray.map { if (it.isJsonNull) Double.NaN else it.asDouble }.toDoubleArray()
                },
            )
        "frame" -> {
            val frame = value.asJsonObject
            val scores = frame["scores"].asJsonArray.map { it.asDouble.toFloat() }.toFloatArray()
            monitor.addFrame(scores, frame["movement"]?.takeUnless(JsonElement::isJsonNull)?.asDouble)
        }
        "flip" -> monitor.addFlip(value.asDouble)
        "failure" -> monitor.addFailure(value.asString)
        "golden" ->
            monitor.addGolden(
                Verdict.entries.find { it.label == value.asString }
                    ?: throw UsageException("golden is $value; expected ok, warning or drifted"),
            )
        "reset" -> monitor.reset()
        else -> throw UsageException("a step of the stream is unknown: $name")
    }
}

private fun plain(report: MonitorReport): Map<String, Any?> =
    mapOf(
        "verdict" to report.verdict.label,
        "reason" to report.reason,
        "samples" to report.samples,
        "alpha" to report.alpha,
        "evidence" to report.evidence,
        "most_evidence" to report.mostEvidence,
        "alarm_sample" to report.alarmSample,
        "estimate" to report.estimate,
        "lower" to report.lower,
        "upper" to report.upper,
        "certified" to report.certified,
        "limits" to report.limits.map { mapOf("value" to it.value, "source" to it.source.label) },
        "golden" to report.golden?.label,
        "fast_alarms" to report.fastAlarms,
        "failures" to report.failures,
        "stages" to report.stages.map { mapOf("name" to it.name, "mean" to it.mean, "count" to it.count) },
        "landmarks" to report.landmarks.map { mapOf("name" to it.name, "mean" to it.mean, "count" to it.count) },
        "proxies" to
            report.proxies.map {
                mapOf("name" to it.name, "mean" to it.mean, "recent" to it.recent, "count" to it.count)
            },
    )
