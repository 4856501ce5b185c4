package fpm.edge.bundle

import com.google.gson.JsonArray
import com.google.gson.JsonNull
import com.google.gson.JsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals

class WiringTest {
    /** Three stages in both formats: stage_1, context, stage_2, stage_3. */
    private fun good(): JsonObject {
        val content = parsed(membersOf(TINY).getValue(MANIFEST)).asJsonObject
        content.addProperty("schema_version", 4)
        content.add("recognition", JsonNull.INSTANCE)
        return content
    }

    private fun check(content: JsonObject) = checkWiring(decodeManifest(content.toString().toByteArray()))

    @Test
    fun `a good one passes, and says which pieces a stage needs`() {
        check(good())
        val pieces = decodeManifest(good().toString().toByteArray()).pieces.getValue(Format.ONNX)
        val names = { stage: Int -> piecesFor(pieces, stage).map { it.name } }
        assertEquals(listOf("stage_1"), names(1))
        assertEquals(listOf("stage_1", "context", "stage_2"), names(2))
        assertEquals(listOf("stage_1", "context", "stage_2", "stage_3"), names(3))
    }

    @Test
    fun `pieces of other precisions may stand between`() {
        val content = good()
        for (spec in listOf("1.outputs.0", "2.inputs.1", "3.outputs.0")) {
            put(content, "pieces.tflite.$spec.dtype", "\"float32\"")
            put(content, "pieces.tflite.$spec.scale", "null")
            put(content, "pieces.tflite.$spec.zero_point", "null")
        }
        check(content)
    }

    @TestFactory
    fun `what cannot be run is refused`(): List<DynamicTest> {
        val pieces = good()["pieces"].asJsonObject["tflite"].asJsonArray
        val reversed = JsonArray().apply { pieces.reversed().forEach(::add) }
        val twice = JsonArray().apply { (pieces + pieces[1]).forEach(::add) }
        val heatmaps = "from geometry and landmarks"
        return listOf(
            Triple("pieces", "{}", "pieces is empty"),
            Triple("pieces", """{"onnx":[]}""", "pieces is empty"),
            Triple("pieces.onnx", "[]", """pieces\.onnx is none; expected stage_1 to stage_3 in order"""),
            Triple("stages", "0", "stages is 0; expected 1 to 99"),
            Triple("stages", "100", "stages is 100"),
            Triple("stages", "2", "expected stage_1 to stage_2 in order"),
            Triple("geometry.stride", "0", """geometry\.input_height is 64 with stride 0; expected a multiple"""),
            Triple("geometry.stride", "5", "expected a multiple of the stride, at most 8192"),
            Triple("geometry.stride", "1" + "0".repeat(30), "expected a multiple of the stride, at most 8192"),
            Triple("geometry.input_width", "8196", """geometry\.input_width is 8196"""),
            Triple("geometry.input_height", "-64", """geometry\.input_height is -64"""),
            Triple("geometry.input_height", "0", """geometry\.input_height is 0"""),
            Triple("pieces.tflite", "$reversed", "expected stage_1 to stage_3 in order"),
            Triple("pieces.tflite.2", "${pieces[1]}", "expected stage_1 to stage_3 in order"),
            Triple("pieces.tflite", "$twice", "at most one context"),
            Triple("pieces.tflite.0.name", "\"stage_2\"", """pieces\.tflite is stage_2, context, stage_2"""),
            Triple(
                "pieces.tflite.0.member",
                "\"../../etc/passwd\"",
                """stage_1 is in member '\.\./\.\./etc/passwd'; expected stages/1\.tflite""",
            ),
            Triple("pieces.tflite.0.member", "\"stages/1.onnx\"", """expected stages/1\.tflite"""),
            Triple("pieces.tflite.0.inputs", "[]", "without inputs"),
            Triple(
                "pieces.tflite.0.inputs.0.dtype",
                "\"float32\"",
                """image is float32 .*; expected uint8 \(1,64,64,3\)""",
            ),
            Triple("pieces.tflite.0.inputs.0.layout", "\"NCHW\"", """expected uint8 \(1,3,64,64\)"""),
            Triple("pieces.tflite.0.inputs.0.shape.1", "32", """input image is uint8 \(1,32,64,3\)"""),
            Triple(
                "pieces.tflite.1.inputs.0.name",
                "\"heatmap_2\"",
                "input heatmap_2 is no output .*; expected image or heatmap_1 or f",
            ),
            Triple("pieces.tflite.1.outputs.0.name", "\"image\"", "output image is an earlier tensor too"),
            Triple("pieces.tflite.1.outputs.0.name", "\"heatmap_1\"", "output heatmap_1 is an earlier tensor too"),
            Triple(
                "pieces.tflite.2.inputs.0.scale",
                "0.5",
                """input context is int8 .* scale 0\.5, .* as it was made""",
            ),
            Triple("pieces.tflite.2.inputs.0.zero_point", "1", "as it was made"),
            Triple("pieces.tflite.2.inputs.0.shape.3", "8", "as it was made"),
            Triple("pieces.tflite.2.inputs.0.layout", "\"NCHW\"", "as it was made"),
            Triple("pieces.tflite.2.inputs.0.dtype", "\"float32\"", "neither for float32"),
            Triple("pieces.tflite.1.outputs.0.scale", "null", "expected scale and zero point in the range"),
            Triple("pieces.tflite.1.outputs.0.scale", "1e39", "of codes"),
            Triple("pieces.tflite.1.outputs.0.scale", "1.1754943508222874e-38", "of codes"),
            Triple("pieces.tflite.1.outputs.0.scale", "-1", "of codes"),
            Triple("pieces.tflite.1.outputs.0.zero_point", "128", "of codes"),
            Triple("pieces.tflite.1.outputs.0.zero_point", "null", "of codes"),
            Triple("pieces.tflite.1.outputs.0.shape", "[1,16,16]", "expected four sizes"),
            Triple("pieces.tflite.1.outputs.0.shape", "[2,16,16,16]", "expected four sizes"),
            Triple("pieces.tflite.1.outputs.0.shape", "[1,16,0,16]", "expected four sizes"),
            Triple("pieces.tflite.1.outputs.0.shape", "[1,16,16,8193]", "expected four sizes"),
            Triple(
                "pieces.tflite.3.outputs.0.name",
                "\"heatmap_4\"",
                "stage_3 is without heatmaps; expected an output heatmap_3",
            ),
            Triple("pieces.tflite.3.outputs.0.shape", "[1,16,16,24]", """expected \(1,16,16,25\) $heatmaps"""),
            Triple("pieces.tflite.3.outputs.0.layout", "\"NCHW\"", """expected \(1,25,16,16\) $heatmaps"""),
        ).map { (path, value, message) ->
            dynamicTest("$path as ${value.take(40)}") {
                val content = good()
                put(content, path, value)
                refused(Regex("^manifest\\.json: .*$message.*; make the bundle again$")) { check(content) }
            }
        }
    }
}
