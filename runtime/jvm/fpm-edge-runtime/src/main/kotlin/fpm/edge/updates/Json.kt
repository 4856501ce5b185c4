package fpm.edge.updates

import com.google.gson.JsonParseException
import com.google.gson.Strictness
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import com.google.gson.stream.JsonWriter
import com.google.gson.stream.MalformedJsonException
import java.io.EOFException
import java.io.StringReader
import java.io.StringWriter

/**
 * The one value of a JSON text: Map, List, String, Long (a number without point and exponent that fits one), Double,
 * Boolean or null. Of a name that comes twice, the last value counts.
 *
 * @throws IllegalArgumentException it is no JSON.
 */
internal fun parseJson(text: String): Any? =
    try {
        val reader = JsonReader(StringReader(text))
        reader.strictness = Strictness.STRICT
        val value = readValue(reader)
        require(reader.peek() == JsonToken.END_DOCUMENT) { "something follows its value" }
        value
    } catch (error: MalformedJsonException) {
        throw IllegalArgumentException("it is no JSON", error)
    } catch (error: EOFException) {
        throw IllegalArgumentException("it is no whole JSON", error)
    } catch (error: JsonParseException) {
        throw IllegalArgumentException("it is no JSON", error)
    }

/** What [write] writes, on one line. */
internal fun jsonText(write: JsonWriter.() -> Unit): String {
    val text = StringWriter()
    JsonWriter(text).use {
        it.serializeNulls = true
        it.write()
    }
    return text.toString()
}

private fun readValue(reader: JsonReader): Any? =
    when (reader.peek()) {
        JsonToken.BEGIN_OBJECT -> {
            val found = LinkedHashMap<String, Any?>()
            reader.beginObject()
            while (reader.hasNext()) {
                val name = reader.nextName()
                found[name] = readValue(reader)
            }
            reader.endObject()
            found
        }
        JsonToken.BEGIN_ARRAY -> {
            val found = ArrayList<Any?>()
            reader.beginArray()
            while (reader.hasNext()) found += readValue(reader)
            reader.endArray()
            found
        }
        JsonToken.STRING -> reader.nextString()
        JsonToken.NUMBER -> reader.nextString().let { it.toLongOrNull() ?: it.toDouble() }
        JsonToken.BOOLEAN -> reader.nextBoolean()
        JsonToken.NULL -> {
            reader.nextNull()
            null
        }
        else -> throw IllegalArgumentException("it is no JSON")
    }
