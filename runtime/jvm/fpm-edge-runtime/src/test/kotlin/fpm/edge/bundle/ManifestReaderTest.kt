package fpm.edge.bundle

import com.google.gson.FieldNamingPolicy
import com.google.gson.Gson
import com.google.gson.GsonBuilder
import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonNull
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.google.gson.JsonPrimitive
import com.google.gson.JsonSerializer
import com.google.gson.stream.JsonReader
import fpm.edge.pixels.Dtype
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.StringReader
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals

private const val CURVE = """{"scores":[0.5],"confidences":[0.5],"calibration_error":0}"""

class ManifestReaderTest {
    private val raw = String(membersOf(SMALL).getValue(MANIFEST))

    /** What was read, as the JSON that it was read from, with what was left out. */
    private fun asJson(manifest: Manifest): JsonElement {
        val made = GSON.toJsonTree(manifest).asJsonObject
        val geometry = made["geometry"].asJsonObject
        geometry.addProperty("channels", "RGB")
        geometry.addProperty("resize", "letterbox")
        return made
    }

    /** By a reader that goes as deep as ours. */
    private fun tree(json: String): JsonElement =
        JsonParser.parseReader(JsonReader(StringReader(json)).apply { setNestingLimit(1000) })

    private fun filled(json: String): JsonElement {
        val content = tree(json).asJsonObject
        for (key in listOf("convergence", "recognition", "calibration")) {
            if (!content.has(key)) content.add(key, JsonNull.INSTANCE)
        }
        return content
    }

    /** Where a message says that it is; that of an unknown key names its object there, and the key itself here. */
    private fun placeOf(message: String): String =
        Regex("""`(\$[^`]*)`""")
            .find(message)
            ?.groupValues
            ?.get(1)
            .orEmpty()

    @TestFactory
    fun `a changed manifest is what it is in the Python runtime`(): List<DynamicTest> =
        rows("manifests").map { (place, size, text, wrong) ->
            val start = place.asInt
            val end = start + size.asInt
            val changed = raw.replaceRange(start, end, text.asString)
            dynamicTest("${raw.substring(start, end)} as ${text.asString.take(60)}") {
                if (wrong.isJsonNull) {
                    assertEquals(filled(changed), asJson(decodeManifest(changed.toByteArray())))
                } else {
                    val error =
                        refused(Regex("(?s); (make the bundle again|update fpm-edge, or .*)$")) {
                            decodeManifest(changed.toByteArray())
                        }
                    compare(error.message.orEmpty(), wrong.asString)
                }
            }
        }

    private fun compare(
        message: String,
        wrong: String,
    ) {
        if (Regex("malformed|recursion|truncated|trailing").containsMatchIn(wrong)) return
        if (!Regex("unknown field|occurs twice|Invalid enum value 'caffe'").containsMatchIn(wrong)) {
            assertEquals(placeOf(wrong), placeOf(message))
        }
        val kind =
            Regex(
                """unknown field|occurs twice|missing required field|got `(?!int)\w+`|schema version \d|names? [^;]*""",
            )
        assertContains(message, kind.find(wrong)?.value.orEmpty())
    }

    @Test
    fun `fields that may be left out have their defaults`() {
        val content = JsonParser.parseString(raw).asJsonObject
        val optional = listOf("calibration", "measured", "max_ne_drift", "max_part_drift", "convergence", "model")
        for (key in optional) content.remove(key)
        for (key in listOf("normalizers", "groups")) content["landmarks"].asJsonObject.remove(key)
        for (key in listOf("channels", "resize")) content["geometry"].asJsonObject.remove(key)
        content["quantization"].asJsonObject.remove("exceptions")
        val made = decodeManifest(content.toString().toByteArray())
        val expected = filled(raw).asJsonObject
        expected.add("model", JsonObject())
        assertEquals(expected, asJson(made))
    }

    @Test
    fun `what is said about recognition is checked`() {
        val changed = raw.replace("\"schema_version\": 1", "\"schema_version\": 3, \"recognition\": {}")
        refused(Regex("recognition is empty")) { decodeManifest(changed.toByteArray()) }
    }

    @Test
    fun `what a real manifest says is all there`() {
        val real = membersOf(TINY).getValue(MANIFEST)
        assertEquals(filled(String(real)), asJson(decodeManifest(real)))
    }

    @TestFactory
    fun `the lowest version that can say it`(): List<DynamicTest> {
        val interval = """{"estimate":0,"lower":0,"upper":0}"""
        val still = """{"px":1,"max_ne_loss":0.1,"ne_loss":$interval,"stages_run":2,"pictures":1}"""
        val recognition = """{"confidences":{"stages":[$CURVE],"source":"","pictures":0,"points":0}}"""
        return listOf(
            1 to mapOf("quantization.precision" to "\"float16\""),
            2 to mapOf("quantization.precision" to "\"dynamic-range\""),
            2 to mapOf("quantization.exceptions" to """{"stage_1":"int16x8"}"""),
            2 to mapOf("convergence" to still),
            2 to mapOf("pieces.onnx.0.outputs.0.dtype" to "\"int16\""),
            3 to mapOf("convergence" to still, "recognition" to recognition),
            4 to mapOf("recognition" to recognition, "pieces.onnx.0.outputs.0.dtype" to "\"uint8\""),
            1 to mapOf("pieces.onnx.0.outputs.0.dtype" to "\"uint8\"", "pieces.onnx.0.outputs.0.name" to "\"context\""),
        ).map { (lowest, changes) ->
            dynamicTest("$lowest: ${changes.keys}") {
                val content = tree(raw).asJsonObject
                for ((path, json) in changes) put(content, path, json)
                for (stated in 1..4) {
                    content.addProperty("schema_version", stated)
                    val read = { decodeManifest(content.toString().toByteArray()) }
                    if (stated >= lowest) {
                        read()
                    } else {
                        refused(Regex("states schema version $stated and has content of version $lowest")) { read() }
                    }
                }
            }
        }
    }

    @Test
    fun `golden cases`() {
        val good =
            """{"cases":[{"member":"golden/0.png","category":"all","landmarks":[[[1,2.5],[3,4]]]}],"limits":[0.5]}"""
        val golden = decodeGolden(good.toByteArray())
        assertEquals(listOf(0.5), golden.limits)
        val case = golden.cases.single()
        assertEquals("golden/0.png all", "${case.member} ${case.category}")
        assertContentEquals(doubleArrayOf(1.0, 2.5, 3.0, 4.0), case.landmarks.single())
        val place = """at `\$\.cases\[0]\.landmarks\[0]\[0]`"""
        for ((from, to, message) in listOf(
            Triple("[1,2.5]", "[1]", """^golden/golden\.json is not valid: Expected `array` of length 2 - $place"""),
            Triple("[1,2.5]", "[1,2,3]", "Expected `array` of length 2 - $place"),
            Triple("[1,2.5]", "[]", "Expected `array` of length 2 - $place"),
            Triple(
                "[1,2.5]",
                "[1,\"2\"]",
                """Expected `float`, got `str` - at `\$\.cases\[0]\.landmarks\[0]\[0]\[1]`""",
            ),
            Triple("[0.5]", "[1e999]", """Number out of range - at `\$\.limits\[0]`"""),
            Triple("[0.5]", "[NaN]", "malformed"),
            Triple("\"limits\"", "\"limit\"", """unknown field - at `\$\.limit`"""),
        )) {
            refused(Regex(message)) { decodeGolden(good.replace(from, to).toByteArray()) }
        }
    }

    private companion object {
        val GSON: Gson =
            GsonBuilder()
                .serializeNulls()
                .enableComplexMapKeySerialization()
                .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
                .registerTypeAdapter(Format::class.java, JsonSerializer<Format> { it, _, _ -> JsonPrimitive(it.label) })
                .registerTypeAdapter(Dtype::class.java, JsonSerializer<Dtype> { it, _, _ -> JsonPrimitive(it.label) })
                .registerTypeAdapter(
                    Pair::class.java,
                    JsonSerializer<Pair<Number, Number>> { it, _, _ ->
                        JsonArray().apply {
                            add(it.first)
                            add(it.second)
                        }
                    },
                ).create()
    }
}
