package kiosk

import com.google.gson.stream.JsonWriter
import fpm.edge.DataException
import fpm.edge.FpmEdgeException
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import java.io.PrintStream
import java.io.StringWriter
import kotlin.system.exitProcess

/** Prints a line of JSON for each picture, and at the end what is known of drift; exit codes are those of `fpm-edge`. */
fun main(words: Array<String>) {
    exitProcess(run(words.toList(), PrintStream(System.out, true, "UTF-8"), System.err))
}

internal fun run(
    words: List<String>,
    out: PrintStream,
    err: PrintStream,
): Int =
    try {
        show(Arguments.of(words), out, err)
    } catch (error: FpmEdgeException) {
        err.println("kiosk: ${error.message}")
        error.exitCode
    }

private fun show(
    asked: Arguments,
    out: PrintStream,
    err: PrintStream,
): Int {
    val bundle = Bundle.open(asked.bundle)
    val names = bundle.manifest.landmarks.landmarks
    val options = DetectOptions(category = asked.category, deadlineMs = asked.deadlineMs)
    val isVideo = !asked.source.isDirectory
    var unread = 0
    val reference = asked.reference?.let { Bundle.open(it) }
    Watch(bundle, reference, asked.log, isVideo).use { watch ->
        for (shown in shown(asked.source)) {
            try {
                out.println(line(shown.name, watch.detect(shown.picture(), options), names))
                if (!isVideo) watch.settle()
            } catch (error: DataException) {
                err.println("kiosk: ${shown.name}: ${error.message}")
                unread++
            }
        }
        val report = watch.monitor?.report()
        if (report == null) {
            err.println("drift: not watched; there is no float model in ONNX: give one (convert --fp32) with --reference")
        } else {
            val mean = report.estimate?.let { "%.4f".format(it) } ?: "unknown"
            err.println("drift: ${report.verdict.label} after ${report.samples} comparisons, mean disagreement $mean NE")
        }
    }
    return if (unread > 0) 1 else 0
}

/** Only the landmarks that the garment has and whose place is known. */
private fun line(
    name: String,
    detection: Detection,
    names: List<String>,
): String {
    val text = StringWriter()
    JsonWriter(text).use { json ->
        json.beginObject()
        json.name("image").value(name)
        json.name("category").value(detection.category)
        json.name("stages").value(detection.stagesRun.toLong())
        json.name("stopped").value(detection.stopReason.label)
        json.name("ms").value(Math.round(detection.timings.totalMs * 100) / 100.0)
        json.name("landmarks").beginObject()
        for (i in names.indices) {
            if (!detection.labelled[i] || names[i] in detection.doubts) continue
            json.name(names[i]).beginArray()
            for (value in listOf(detection.landmarks[2 * i], detection.landmarks[2 * i + 1], detection.scores[i])) {
                json.value(Math.round(value * 1000.0) / 1000.0)
            }
            json.endArray()
        }
        json.endObject()
        json.endObject()
    }
    return text.toString()
}
