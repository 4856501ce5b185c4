package fpm.edge.support

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.File

/** What the Python runtime answers: the vectors that the web runtime is tested with too. */
internal object Vectors {
    fun load(name: String): JsonObject =
        File("../../web/test/vectors", "$name.json").reader().use { JsonParser.parseReader(it).asJsonObject }
}

internal fun JsonElement.objects(): List<JsonObject> = asJsonArray.map { it.asJsonObject }

internal fun JsonElement.ints(): List<Int> = asJsonArray.map { it.asInt }

internal fun JsonElement.doubles(): List<Double> = asJsonArray.map { it.asDouble }

internal fun JsonElement.floats(): FloatArray = FloatArray(asJsonArray.size()) { asJsonArray[it].asFloat }

internal fun JsonElement.orNull(): JsonElement? = takeUnless { isJsonNull }
