package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.SchemaException

/** What may stand at a place of a JSON text: reads a value, or refuses it. */
internal typealias Field<T> = (Json) -> T

/** The values of an object by their keys, each as its field read it. */
internal class Record(
    private val values: Map<String, Any?>,
) {
    @Suppress("UNCHECKED_CAST") // the table beside which this stands says what each is
    operator fun <T> get(key: String): T = values[key] as T

    /** Whole numbers that fit no Int are as far out of range as the last one that does. */
    fun int(key: String): Int = clamped(get<Long>(key))
}

/**
 * A member of a bundle that is JSON.
 *
 * @param remedy what to do about one that is not valid.
 * @throws BundleException it is not what [field] reads; the message names the first place that is wrong.
 */
internal fun <T> decode(
    bytes: ByteArray,
    field: Field<T>,
    member: String,
    remedy: String,
): T {
    fun invalid(error: Exception) = BundleException("$member is not valid: ${error.message}; $remedy", error)
    return try {
        val json = Json(bytes)
        field(json).also { json.end() }
    } catch (error: JsonException) {
        throw invalid(error)
    } catch (error: SchemaException) {
        throw invalid(error)
    }
}

internal val text: Field<String> = { it.text() }
internal val int: Field<Long> = { it.int() }
internal val float: Field<Double> = { it.float() }
internal val any: Field<Any?> = { it.any() }

internal fun matching(pattern: Regex): Field<String> =
    { json ->
        val value = json.text()
        if (pattern.matches(value)) value else json.fail("Expected `str` matching ${pattern.pattern}")
    }

internal fun upTo(most: Long): Field<Long> =
    { json ->
        val value = json.int()
        if (value in 0..most) value else json.fail("Expected `int` from 0 to $most")
    }

/** One of some values, by the name that stands in the text. */
internal fun <T> oneOf(
    values: Iterable<T>,
    name: (T) -> String,
): Field<T> =
    { json ->
        val value = json.text()
        values.firstOrNull { name(it) == value }
            ?: json.fail("Invalid enum value '$value'; expected ${values.joinToString(", ", transform = name)}")
    }

internal fun oneOf(vararg names: String): Field<String> = oneOf(names.asList()) { it }

internal fun <T : Any> nullable(field: Field<T>): Field<T?> = { if (it.isNull()) null else field(it) }

internal fun <T> list(item: Field<T>): Field<List<T>> =
    { json -> ArrayList<T>().also { made -> json.items { made += item(json) } } }

/** Exactly two. */
internal fun <T> pair(item: Field<T>): Field<Pair<T, T>> =
    { json ->
        val made = list(item)(json)
        if (made.size == 2) made[0] to made[1] else json.fail("Expected `array` of length 2")
    }

internal fun <T> dict(value: Field<T>): Field<Map<String, T>> =
    { json -> LinkedHashMap<String, T>().also { made -> json.entries { made[it] = value(json) } } }

/** An object with these keys and no others; those in [defaults] may be left out. [make] may throw SchemaException. */
internal fun <T> struct(
    fields: Map<String, Field<*>>,
    defaults: Map<String, Any?> = emptyMap(),
    make: (Record) -> T,
): Field<T> =
    { json ->
        val made = HashMap(defaults)
        json.entries({ ".$it" }) { key ->
            val field = fields[key] ?: json.fail("Object contains unknown field")
            made[key] = field(json)
        }
        for (key in fields.keys) if (key !in made) json.fail("Object missing required field `$key`")
        make(Record(made))
    }

internal fun clamped(value: Long): Int = value.coerceIn(Int.MIN_VALUE.toLong(), Int.MAX_VALUE.toLong()).toInt()

internal fun clamped(values: List<Long>): List<Int> = values.map(::clamped)
