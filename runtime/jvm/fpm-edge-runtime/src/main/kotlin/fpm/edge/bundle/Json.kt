package fpm.edge.bundle

import com.google.gson.Strictness
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import java.io.IOException
import java.io.StringReader
import java.math.BigDecimal
import java.math.BigInteger
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/** What is wrong with a JSON text, and where: `… - at $.geometry.stride`. */
internal class JsonException(
    message: String,
    cause: Throwable? = null,
) : RuntimeException(message, cause)

/**
 * Reads one JSON text from its start to its end, as strictly as the Python runtime's reader (msgspec): Gson's stream
 * with what it lets pass refused here: a byte order mark, keys twice in one object, lone surrogates, floats out of
 * range. It hands out one value after the other, so that what is expected at a place is compared before anything is
 * built. All methods throw [JsonException].
 */
internal class Json(
    bytes: ByteArray,
) {
    private val reader = JsonReader(StringReader(textOf(bytes)))

    // What to write behind `$`.
    private val path = ArrayList<String>()

    init {
        reader.strictness = Strictness.STRICT
        reader.nestingLimit = MAX_DEPTH
    }

    /** Refuse the value that was read last. */
    fun fail(why: String): Nothing =
        throw JsonException(if (path.isEmpty()) why else "$why - at `$${path.joinToString("")}`")

    /** The end of the text. */
    fun end() {
        if (peek() != JsonToken.END_DOCUMENT) fail("there is more behind it")
    }

    /** Whether the next value is `null`; if so, it has been read. */
    fun isNull(): Boolean = (peek() == JsonToken.NULL).also { if (it) parsed { reader.nextNull() } }

    fun text(): String {
        expect(JsonToken.STRING, "str")
        return checked(parsed { reader.nextString() })
    }

    /** Written without a point and an exponent; the nearest Long. */
    fun int(): Long {
        val literal = number("int")
        if (literal.any { it == '.' || it == 'e' || it == 'E' }) fail("Expected `int`, got `float`")
        return whole(literal)
    }

    fun float(): Double {
        val literal = number("float")
        return if (literal == "-0") 0.0 else finite(literal) // the integer -0 is 0
    }

    /** Anything: texts, Long, Double, booleans, null, lists and maps of them. Its depth does not use the stack. */
    fun any(): Any? {
        val open = ArrayList<Holder>()
        while (true) {
            val holder = open.lastOrNull()
            val made =
                when {
                    holder != null && !parsed { reader.hasNext() } -> {
                        parsed { if (holder.isObject) reader.endObject() else reader.endArray() }
                        open.removeAt(open.lastIndex)
                        holder.made
                    }
                    else -> {
                        holder?.let(::step)
                        opened()?.also { open += it } ?: scalar()
                    }
                }
            if (made is Holder) continue
            val outer = open.lastOrNull() ?: return made
            outer.add(made)
            path.removeAt(path.lastIndex)
        }
    }

    /** An object or array whose end has not been read. */
    private class Holder(
        val isObject: Boolean,
    ) {
        private val map = if (isObject) LinkedHashMap<String, Any?>() else null
        private val list = if (isObject) null else ArrayList<Any?>()
        private var key = ""
        val made: Any? get() = map ?: list
        val size: Int get() = list?.size ?: 0

        /** Under what the next value belongs; whether that is new. */
        fun name(next: String): Boolean {
            key = next
            return map?.containsKey(next) == false
        }

        fun add(value: Any?) {
            map?.put(key, value)
            list?.add(value)
        }
    }

    /** Go to the next value inside: read its key. */
    private fun step(holder: Holder) {
        if (holder.isObject) {
            val key = checked(parsed { reader.nextName() })
            if (!holder.name(key)) twice(key)
            path += "[...]"
        } else {
            path += "[${holder.size}]"
        }
    }

    private fun opened(): Holder? =
        when (peek()) {
            JsonToken.BEGIN_OBJECT -> Holder(true).also { parsed { reader.beginObject() } }
            JsonToken.BEGIN_ARRAY -> Holder(false).also { parsed { reader.beginArray() } }
            else -> null
        }

    private fun scalar(): Any? =
        when (peek()) {
            JsonToken.STRING -> text()
            JsonToken.BOOLEAN -> parsed { reader.nextBoolean() }
            JsonToken.NULL -> null.also { parsed { reader.nextNull() } }
            else -> {
                val literal = number("float")
                if (literal.any { it == '.' || it == 'e' || it == 'E' }) finite(literal) else whole(literal)
            }
        }

    private fun twice(key: String): Nothing = fail("key '$key' occurs twice in one object")

    /** An array; [item] reads each of its values. */
    fun items(item: () -> Unit) {
        expect(JsonToken.BEGIN_ARRAY, "array")
        parsed { reader.beginArray() }
        var index = 0
        while (parsed { reader.hasNext() }) {
            path += "[${index++}]"
            item()
            path.removeAt(path.lastIndex)
        }
        parsed { reader.endArray() }
    }

    /** An object, no key twice; [entry] reads the value of each key. */
    fun entries(
        part: (String) -> String = { "[...]" },
        entry: (String) -> Unit,
    ) {
        expect(JsonToken.BEGIN_OBJECT, "object")
        parsed { reader.beginObject() }
        val seen = HashSet<String>()
        while (parsed { reader.hasNext() }) {
            val key = checked(parsed { reader.nextName() })
            if (!seen.add(key)) twice(key)
            path += part(key)
            entry(key)
            path.removeAt(path.lastIndex)
        }
        parsed { reader.endObject() }
    }

    private fun number(kind: String): String {
        expect(JsonToken.NUMBER, kind)
        return parsed { reader.nextString() }
    }

    private fun finite(literal: String): Double {
        val value = literal.toDouble()
        if (!value.isFinite()) fail("Number out of range")
        return value
    }

    private fun whole(literal: String): Long = BigInteger(literal).max(LEAST).min(MOST).toLong()

    private fun expect(
        token: JsonToken,
        kind: String,
    ) {
        val found = peek()
        if (found != token) fail("Expected `$kind`, got `${KINDS[found] ?: "nothing"}`")
    }

    private fun peek(): JsonToken = parsed { reader.peek() }

    private inline fun <T> parsed(read: () -> T): T =
        try {
            read()
        } catch (error: IOException) {
            throw JsonException("JSON is malformed at `${reader.path}`", error)
        } catch (error: IllegalStateException) {
            throw JsonException("JSON is malformed at `${reader.path}`", error)
        } catch (error: NumberFormatException) {
            throw JsonException("JSON is malformed at `${reader.path}`", error)
        }

    private fun checked(text: String): String {
        var at = 0
        while (at < text.length) {
            val character = text.codePointAt(at)
            if (character in 0xd800..0xdfff) fail("a text holds half of a surrogate pair")
            at += Character.charCount(character)
        }
        return text
    }

    private companion object {
        // No manifest needs more, and Python's recursion ends near it.
        const val MAX_DEPTH = 900
        val LEAST: BigInteger = BigDecimal(Long.MIN_VALUE).toBigInteger()
        val MOST: BigInteger = BigDecimal(Long.MAX_VALUE).toBigInteger()
        val KINDS =
            mapOf(
                JsonToken.BEGIN_OBJECT to "object",
                JsonToken.BEGIN_ARRAY to "array",
                JsonToken.STRING to "str",
                JsonToken.NUMBER to "number",
                JsonToken.BOOLEAN to "bool",
                JsonToken.NULL to "null",
            )

        fun textOf(bytes: ByteArray): String {
            val decoder =
                Charsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
            val text =
                try {
                    decoder.decode(ByteBuffer.wrap(bytes)).toString()
                } catch (error: CharacterCodingException) {
                    throw JsonException("it is not UTF-8", error)
                }
            if (text.startsWith('\ufeff')) throw JsonException("it starts with a byte order mark")
            return text
        }
    }
}
