package fpm.edge.conformance

import com.google.gson.JsonElement
import com.google.gson.stream.JsonWriter
import java.io.StringWriter

/** A value of maps, lists, arrays, numbers, texts and JSON, in one line; what is not finite is null. */
internal fun json(value: Any?): String {
    val out = StringWriter()
    JsonWriter(out).use { writer ->
        writer.serializeNulls = true
        writer.isHtmlSafe = false
        write(writer, value)
    }
    return out.toString()
}

private fun write(
    writer: JsonWriter,
    value: Any?,
) {
    when (value) {
        null -> writer.nullValue()
        is String -> writer.value(value)
        is Boolean -> writer.value(value)
        is Float -> write(writer, value.toDouble())
        is Double -> if (value.isFinite()) writer.value(value) else writer.nullValue()
        is Number -> writer.value(value)
        is JsonElement -> writer.jsonValue(value.toString())
        is FloatArray -> write(writer, value.asList())
        is DoubleArray -> write(writer, value.asList())
        is BooleanArray -> write(writer, value.asList())
        is Pair<*, *> -> write(writer, value.toList())
        is Iterable<*> -> {
            writer.beginArray()
            for (item in value) write(writer, item)
            writer.endArray()
        }
        is Map<*, *> -> {
            writer.beginObject()
            for ((key, item) in value) {
                writer.name(key as String)
                write(writer, item)
            }
            writer.endObject()
        }
        else -> throw IllegalArgumentException("no JSON: ${value::class}")
    }
}
