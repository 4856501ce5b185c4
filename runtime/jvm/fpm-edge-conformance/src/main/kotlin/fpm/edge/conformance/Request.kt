package fpm.edge.conformance

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParseException
import com.google.gson.JsonParser
import com.google.gson.Strictness
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import fpm.edge.UsageException
import java.io.IOException
import java.io.StringReader

private typealias Check = (JsonElement) -> Boolean

private val text: Check = { it.isJsonPrimitive && it.asJsonPrimitive.isString }
private val number: Check = { it.isJsonPrimitive && it.asJsonPrimitive.isNumber }
private val whole: Check = { number(it) && it.asDouble % 1.0 == 0.0 }
private val flag: Check = { it.isJsonPrimitive && it.asJsonPrimitive.isBoolean }
private val bytes = Regex("(?:[0-9a-fA-F]{2})*")

private fun list(
    size: Int? = null,
    item: Check,
): Check = { it is JsonArray && (size == null || it.size() == size) && it.all(item) }

private fun table(item: Check): Check = { it is JsonObject && it.asMap().values.all(item) }

private fun one(vararg values: String): Check = { text(it) && it.asString in values }

private val cut: Check = {
    it is JsonArray && it.size() == 3 && whole(it[0]) && (it[1].isJsonNull || whole(it[1])) &&
        text(it[2]) && bytes.matches(it[2].asString)
}
private val picture = mapOf("image" to text, "width" to whole, "height" to whole)
private val trust = mapOf("trusted_keys?" to list(item = text), "now?" to number)
private val asked =
    mapOf("category?" to text, "box?" to list(4, number), "stages?" to whole, "deadline_ms?" to number)

/** Request → field → what it must be; those that end in a question mark may be left out. */
private val requests: Map<String, Map<String, Check>> =
    mapOf(
        "hello" to emptyMap(),
        "open" to trust + mapOf("path" to text, "damage?" to list(item = cut)),
        "judge" to trust + mapOf("path" to text, "damages" to list(item = list(item = cut))),
        "check" to emptyMap(),
        "read" to mapOf("member" to text),
        "close" to emptyMap(),
        "bye" to emptyMap(),
        "letterbox" to
            picture +
            mapOf(
                "input" to list(2, whole),
                "box?" to list(4, number),
                "points?" to list(item = list(2, number)),
                "out?" to text,
            ),
        "decode" to
            mapOf(
                "maps" to text,
                "dtype" to one("int8", "uint8", "int16", "float32"),
                "shape" to list(3, whole),
                "layout" to text,
                "landmarks" to whole,
                "count?" to whole,
                "scale?" to number,
                "zero_point?" to whole,
            ),
        "recognize" to mapOf("stage" to whole, "scores" to list(item = list(item = number)), "category?" to text),
        "load" to
            mapOf(
                "engine?" to text,
                "format?" to one("tflite", "onnx"),
                "threads?" to whole,
                "stages?" to whole,
                "clock?" to table(list(item = number)),
                "answers?" to table(list(item = text)),
            ),
        "detect" to
            picture + asked +
            mapOf("converge_px?" to { number(it) || one("fitted")(it) }, "looks?" to whole),
        "stages" to picture + asked + mapOf("pause_ms?" to number),
        "detect_input" to picture + mapOf("stages?" to whole),
        "runs" to emptyMap(),
        "self_check" to emptyMap(),
        "monitor" to
            mapOf(
                "stream" to list(item = table { true }),
                "checkpoints" to list(item = whole),
                "limits?" to list(item = number),
                "landmarks?" to list(item = text),
                "subject?" to text,
                "alpha?" to number,
                "tolerance?" to number,
                "state?" to text,
                "save?" to flag,
            ),
    )

/** A request whose fields are those of conformance/PROTOCOL.md. Fields that were left out or null are null. */
internal class Request(
    val todo: String,
    private val fields: Map<String, JsonElement>,
) {
    fun element(name: String): JsonElement? = fields[name]

    fun text(name: String): String? = fields[name]?.asString

    fun number(name: String): Double? = fields[name]?.asDouble

    fun int(name: String): Int? = fields[name]?.let(::int)

    fun list(name: String): List<JsonElement>? = fields[name]?.asJsonArray?.toList()

    fun table(name: String): Map<String, JsonElement>? = fields[name]?.asJsonObject?.asMap()
}

/** Whole numbers that fit no Int are as far out of range as the last one that does. */
internal fun int(element: JsonElement): Int =
    element.asDouble.coerceIn(Int.MIN_VALUE.toDouble(), Int.MAX_VALUE.toDouble()).toInt()

/**
 * The request that a line holds; [identified] is told its id first.
 *
 * @throws UsageException it holds none.
 */
internal fun readRequest(
    line: String,
    identified: (JsonElement) -> Unit,
): Request {
    val found = parsed(line) as? JsonObject ?: throw UsageException("the line is no JSON object")
    val id = found.remove("id")
    if (id == null || !(number(id) || text(id))) throw UsageException("id is no number or string")
    identified(id)
    val todo = found.remove("do")
    val name = todo?.takeIf(text)?.asString
    val fields = requests[name] ?: throw UsageException("do is $todo; expected one of: ${requests.keys}")
    val given = HashMap<String, JsonElement>()
    for ((key, check) in fields) {
        val field = key.removeSuffix("?")
        val value = found.remove(field)?.takeUnless(JsonElement::isJsonNull)
        if (value == null) {
            if (field == key) throw UsageException("$name: $field is missing")
        } else {
            if (!check(value)) throw UsageException("$name: $field is not what the protocol says")
            given[field] = value
        }
    }
    if (found.size() > 0) throw UsageException("$name: unknown fields ${found.keySet()}")
    return Request(checkNotNull(name), given)
}

private fun parsed(line: String): JsonElement =
    try {
        val reader = JsonReader(StringReader(line))
        reader.strictness = Strictness.STRICT
        val found = JsonParser.parseReader(reader)
        if (reader.peek() != JsonToken.END_DOCUMENT) throw UsageException("there is more than one value on the line")
        found
    } catch (error: IOException) {
        throw UsageException("the line is no JSON: ${error.message}", error)
    } catch (error: JsonParseException) {
        throw UsageException("the line is no JSON: ${error.message}", error)
    }
