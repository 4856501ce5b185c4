package fpm.edge.fuzz

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonNull
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.google.gson.JsonPrimitive

/*
 * Changes to JSON that stays JSON: they get behind the syntax, to what the values mean together.
 */

private const val MOST_EDITS = 8

// Edges of types and of the rules; each as it may stand in a text.
private val VALUES =
    listOf(
        "null", "true", "0", "-1", "1", "2", "3", "4", "5", "32", "99", "100", "256", "8192", "8193", "65536",
        "2147483647", "-2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-0", "0.5", "-0.0",
        "1.0", "1e308", "-1e308", "5e-324", "1e999", "1.1754943508222875e-38", "1e39", "\"\"", "\"none\"", "\"any\"",
        "\"image\"", "\"context\"", "\"heatmap_1\"", "\"stage_1\"", "\"stages/1.onnx\"", "\"golden/0.png\"",
        "\"float32\"", "\"int8\"", "\"int16\"", "\"uint8\"", "\"NCHW\"", "\"NHWC\"", "\"int16x8\"", "\"RGB\"", "[]",
        "{}", "[[]]", "[0]", "[0,0]", "[1,1,1,1]", "[1,8192,8192,8192]", "[null]", "{\"\":null}",
    ).map(JsonParser::parseString)

/** A copy of it with some places changed. */
internal fun edited(
    content: JsonObject,
    choices: Choices,
): JsonObject {
    val copy = content.deepCopy()
    repeat(1 + choices.below(MOST_EDITS)) { if (!choices.isAtEnd) edit(copy, choices) }
    return copy
}

private fun edit(
    content: JsonObject,
    choices: Choices,
) {
    var inside: JsonElement = content
    while (true) {
        val size = sizeOf(inside)
        // Only here, or as far down as it goes.
        if (size == 0) return change(inside, 0, choices)
        val place = choices.below(size)
        val next = at(inside, place)
        if (next.isJsonPrimitive || next.isJsonNull || choices.below(4) == 3) return change(inside, place, choices)
        inside = next
    }
}

private fun change(
    holder: JsonElement,
    place: Int,
    choices: Choices,
) {
    val kind = choices.below(6)
    val value = if (kind < 3 || sizeOf(holder) == 0) valueOf(choices) else at(holder, choices.below(sizeOf(holder)))
    if (holder is JsonArray) {
        when {
            place >= holder.size() || kind == 1 -> holder.add(value.deepCopy())
            kind == 5 -> holder.remove(place)
            else -> holder.set(place, value.deepCopy())
        }
    } else if (holder is JsonObject) {
        val key = holder.keySet().elementAtOrNull(place)
        when {
            key == null || kind == 1 -> holder.add(choices.text(6), value.deepCopy())
            kind == 5 -> holder.remove(key)
            else -> holder.add(key, value.deepCopy())
        }
    }
}

private fun valueOf(choices: Choices): JsonElement =
    when (choices.below(8)) {
        0 -> JsonPrimitive(choices.long())
        1 -> Double.fromBits(choices.long()).let { if (it.isFinite()) JsonPrimitive(it) else JsonNull.INSTANCE }
        2 -> JsonPrimitive(choices.text(20))
        3 -> JsonPrimitive(choices.byte())
        else -> choices.of(VALUES)
    }

private fun sizeOf(element: JsonElement): Int =
    when (element) {
        is JsonArray -> element.size()
        is JsonObject -> element.size()
        else -> 0
    }

private fun at(
    element: JsonElement,
    place: Int,
): JsonElement = if (element is JsonArray) element[place] else element.asJsonObject.entrySet().elementAt(place).value
