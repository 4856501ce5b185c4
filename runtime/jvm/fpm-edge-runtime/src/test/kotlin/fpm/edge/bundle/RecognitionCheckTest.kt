package fpm.edge.bundle

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

private const val SCHEMA =
    """{"name":"two","landmarks":["a","b"],"flip":[0,1],"categories":{"shirt":[0],"skirt":[1],"none":[0]}}"""

class RecognitionCheckTest {
    private val rule =
        """{"weights":[[1,-1e6],[0,0]],"biases":[0,1e6],"found":1,"nothing_found":0,"garments_lost":0.5}"""
    private val curve = """{"scores":[0,0.5,1],"confidences":[0,0,1],"calibration_error":0.01}"""

    /** Two stages of both. */
    private fun good(): JsonObject =
        JsonParser
            .parseString(
                """{"categories":{"names":["shirt","none"],"stages":[$rule,$rule],"source":"","pictures":0,
                    "nothing_source":"","nothing":0,"folds":0},
                    "confidences":{"stages":[$curve,$curve],"source":"","pictures":0,"points":0}}""",
            ).asJsonObject

    private fun check(content: JsonObject) {
        val manifest = parsed(membersOf(SMALL).getValue(MANIFEST)).asJsonObject
        manifest.addProperty("schema_version", 3)
        manifest.addProperty("stages", 2)
        put(manifest, "landmarks", SCHEMA)
        manifest.add("recognition", content)
        decodeManifest(manifest.toString().toByteArray())
    }

    @Test
    fun `good ones pass, with either part or both`() {
        check(good())
        for (part in listOf("categories", "confidences")) check(good().also { it.remove(part) })
        refused(Regex("^manifest\\.json: recognition is empty; .*; make the bundle again$")) { check(JsonObject()) }
    }

    @TestFactory
    fun `what cannot be used is refused`(): List<DynamicTest> {
        val knots = List(33) { it / 33.0 }
        return listOf(
            Triple("categories.names", "[]", "names is \\[]; expected categories of the schema, once each, and none"),
            Triple("categories.names", """["none"]""", "names is \\[none]"),
            Triple("categories.names", """["none","shirt"]""", "names is \\[none, shirt]"),
            Triple("categories.names", """["shirt","shirt","none"]""", "names is"),
            Triple("categories.names", """["toString","none"]""", "names is"),
            Triple("categories.names", """["none","none"]""", "names none, and the schema has a category of that name"),
            Triple("categories.stages", "[$rule]", "categories\\.stages has 1 entries; expected 2"),
            Triple("categories.pictures", "-1", "counts fewer than no pictures"),
            Triple("categories.folds", "-1", "counts fewer than no pictures"),
            Triple("categories.stages.1.weights", "[[0,0]]", "stage 2: weights has 1 entries; expected 2"),
            Triple("categories.stages.0.biases", "[0,0,0]", "stage 1: biases has 3 entries; expected 2"),
            Triple("categories.stages.0.weights.1", "[1]", "stage 1: weights has 1 entries; expected 2"),
            Triple("categories.stages.0.weights.1.0", "1000000.1", "stage 1 holds 1000000\\.1; .* at most 1000000"),
            Triple("categories.stages.0.biases.0", "-2e6", "stage 1 holds -2000000.0"),
            Triple("categories.stages.0.found", "1.1", "stage 1 holds 1\\.1; expected 0 to 1"),
            Triple("categories.stages.1.nothing_found", "-1", "stage 2 holds -1.0; expected 0 to 1"),
            Triple("categories.stages.1.garments_lost", "2", "stage 2 holds 2.0; expected 0 to 1"),
            Triple("confidences.stages", "[$curve,$curve,$curve]", "confidences\\.stages has 3 entries; expected 2"),
            Triple("confidences.points", "-1", "counts fewer"),
            Triple("confidences.stages.1.scores", "[0,1]", "stage 2 has 2 scores, 3 confidences; expected 1 to 32"),
            Triple("confidences.stages.1", curve.replace(Regex("\\[[^]]*]"), "[]"), "has 0 scores"),
            Triple("confidences.stages.1", curve.replace(Regex("\\[[^]]*]"), "$knots"), "has 33 scores"),
            Triple("confidences.stages.0.scores", "[0,0.5,0.5]", "falls"),
            Triple("confidences.stages.0.confidences", "[0,0.2,0.1]", "falls"),
            Triple("confidences.stages.0.scores", "[-0.1,0.5,1]", "holds -0\\.1; expected 0 to 1"),
            Triple("confidences.stages.0.confidences", "[0,0,1.5]", "holds 1\\.5; expected 0 to 1"),
            Triple("confidences.stages.0.calibration_error", "2", "holds 2"),
        ).map { (path, value, message) ->
            dynamicTest("$path as ${value.take(40)}") {
                val content = good()
                put(content, path, value)
                refused(Regex(message)) { check(content) }
            }
        }
    }
}
