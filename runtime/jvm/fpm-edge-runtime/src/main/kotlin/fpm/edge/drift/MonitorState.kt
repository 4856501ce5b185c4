package fpm.edge.drift

import com.google.gson.stream.JsonWriter
import fpm.edge.DataException
import fpm.edge.check.Verdict
import fpm.edge.updates.jsonText
import fpm.edge.updates.parseJson
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64

/** Of a [PageHinkley]. */
internal class FastState(
    val count: Long,
    val mean: Double,
    val excess: Double,
    val fired: Boolean,
)

/** A running mean, and one in which the newest value has more weight. */
internal class Means(
    val count: Long,
    val mean: Double,
    val recent: Double,
)

/**
 * What a [DriftMonitor] keeps over restarts: the JSON of the Python runtime, field for field, so either reads it.
 *
 * @property arrays name → base64 of its float64 numbers, little-endian.
 */
internal class MonitorState(
    val version: Long,
    val subject: String,
    val limits: List<Double>,
    val landmarks: List<String>,
    val alpha: Double,
    val golden: Verdict?,
    val alarmSample: Long?,
    val mostEvidence: Double,
    val samples: Long,
    val total: Double,
    val fast: List<FastState>,
    val proxies: Map<String, Means>,
    val arrays: Map<String, String>,
) {
    fun encode(): String =
        jsonText {
            beginObject()
            name("version").value(version)
            name("subject").value(subject)
            name("limits").list(limits) { value(it) }
            name("landmarks").list(landmarks) { value(it) }
            name("alpha").value(alpha)
            name("golden").value(golden?.label)
            name("alarm_sample").value(alarmSample)
            name("most_evidence").value(mostEvidence)
            name("samples").value(samples)
            name("total").value(total)
            name("fast").list(fast) {
                beginArray()
                    .value(it.count)
                    .value(it.mean)
                    .value(it.excess)
                    .value(it.fired)
                    .endArray()
            }
            name("proxies").beginObject()
            for ((name, it) in proxies) {
                name(name)
                    .beginArray()
                    .value(it.count)
                    .value(it.mean)
                    .value(it.recent)
                    .endArray()
            }
            endObject()
            name("arrays").beginObject()
            for ((name, text) in arrays) name(name).value(text)
            endObject()
            endObject()
        }

    internal companion object {
        /**
         * Read a state.
         *
         * @param where said in errors.
         * @throws DataException it is no state.
         */
        fun decode(
            content: String,
            where: String,
        ): MonitorState {
            val found =
                try {
                    parseJson(content) as? Map<*, *>
                } catch (_: IllegalArgumentException) {
                    null
                }
            val wrong =
                if (found == null) {
                    listOf("JSON")
                } else {
                    FIELDS.filter { (name, fits) -> name !in found || !fits(found[name]) }.keys +
                        found.keys.map { "$it" }.filter { it !in FIELDS }
                }
            if (found == null || wrong.isNotEmpty()) {
                throw DataException(
                    "$where is no state of a drift monitor: wrong ${wrong.joinToString()}; remove it to start anew",
                )
            }
            return of(found)
        }

        /** Of what was found to fit. */
        private fun of(found: Map<*, *>): MonitorState =
            MonitorState(
                version = long(found["version"]),
                subject = found["subject"] as String,
                limits = (found["limits"] as List<*>).map(::double),
                landmarks = (found["landmarks"] as List<*>).map { it as String },
                alpha = double(found["alpha"]),
                golden = found["golden"]?.let { label -> Verdict.entries.first { it.label == label } },
                alarmSample = found["alarm_sample"]?.let(::long),
                mostEvidence = double(found["most_evidence"]),
                samples = long(found["samples"]),
                total = double(found["total"]),
                fast =
                    (found["fast"] as List<*>).map {
                        val (count, mean, excess, fired) = it as List<*>
                        FastState(long(count), double(mean), double(excess), fired as Boolean)
                    },
                proxies =
                    (found["proxies"] as Map<*, *>).entries.associate { (name, it) ->
                        val (count, mean, recent) = it as List<*>
                        name as String to Means(long(count), double(mean), double(recent))
                    },
                arrays = (found["arrays"] as Map<*, *>).entries.associate { it.key as String to it.value as String },
            )
    }
}

/** Base64 of the numbers' bytes. */
internal fun encodeNumbers(numbers: DoubleArray): String {
    val bytes = ByteBuffer.allocate(Double.SIZE_BYTES * numbers.size).order(ByteOrder.LITTLE_ENDIAN)
    bytes.asDoubleBuffer().put(numbers)
    return Base64.getEncoder().encodeToString(bytes.array())
}

/** The numbers again, exactly [count]; null where the text does not hold them. */
internal fun decodeNumbers(
    text: String?,
    count: Int,
): DoubleArray? {
    val bytes =
        try {
            Base64.getDecoder().decode(text.orEmpty())
        } catch (_: IllegalArgumentException) {
            return null
        }
    if (bytes.size != Double.SIZE_BYTES * count) return null
    val numbers = DoubleArray(count)
    ByteBuffer
        .wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asDoubleBuffer()
        .get(numbers)
    return numbers
}

private val FIELDS: Map<String, (Any?) -> Boolean> =
    mapOf(
        "version" to ::isInteger,
        "subject" to ::isText,
        "limits" to { it is List<*> && it.all(::isNumber) },
        "landmarks" to { it is List<*> && it.all(::isText) },
        "alpha" to ::isNumber,
        "golden" to { value -> value == null || Verdict.entries.any { it.label == value } },
        "alarm_sample" to { it == null || isInteger(it) },
        "most_evidence" to ::isNumber,
        "samples" to ::isInteger,
        "total" to ::isNumber,
        "fast" to { it is List<*> && it.size == 2 && it.all(::isFast) },
        "proxies" to { it is Map<*, *> && it.values.all(::areMeans) },
        "arrays" to { it is Map<*, *> && it.values.all(::isText) },
    )

private fun isFast(value: Any?): Boolean =
    value is List<*> && value.size == 4 && areMeans(value.subList(0, 3)) && value[3] is Boolean

private fun areMeans(value: Any?): Boolean =
    value is List<*> && value.size == 3 && isInteger(value[0]) && isNumber(value[1]) && isNumber(value[2])

private fun isInteger(value: Any?): Boolean = value is Long

private fun isNumber(value: Any?): Boolean = value is Long || (value is Double && value.isFinite())

private fun isText(value: Any?): Boolean = value is String

private fun long(value: Any?): Long = value as Long

private fun double(value: Any?): Double = (value as Number).toDouble()

private fun <T> JsonWriter.list(
    values: List<T>,
    write: JsonWriter.(T) -> Unit,
) {
    beginArray()
    for (value in values) write(value)
    endArray()
}
