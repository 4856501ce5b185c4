package fpm.edge.bundle

import fpm.edge.SchemaException
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import kotlin.test.assertContains
import kotlin.test.assertEquals

class SchemaTest {
    private fun schema(
        landmarks: List<String> = listOf("left", "right", "top"),
        flip: List<Int> = listOf(1, 0, 2),
        categories: Map<String, List<Int>> = mapOf("pair" to listOf(0, 1), "all" to listOf(0, 1, 2)),
        normalizers: Map<String, Pair<Int, Int>> = mapOf("all" to (0 to 1)),
        groups: Map<String, List<Int>> = mapOf("tops" to listOf(2)),
    ) = LandmarkSchema("three", landmarks, flip, categories, normalizers, groups)

    @Test
    fun `a good one passes, and says what a category has`() {
        checkSchema(schema())
        assertEquals(listOf(0, 1), landmarksOf(schema(), "pair"))
        val error = assertThrows<SchemaException> { landmarksOf(schema(), "hats") }
        assertEquals("category 'hats' is not in schema 'three'; expected one of: all, pair", error.message)
    }

    @TestFactory
    fun `what contradicts itself is refused`(): List<DynamicTest> =
        listOf(
            schema(landmarks = emptyList(), flip = emptyList()) to "no landmarks",
            schema(landmarks = listOf("left", "left", "top")) to "occurs twice",
            schema(flip = listOf(1, 0)) to "flip must pair",
            schema(flip = listOf(1, 0, 2, 3)) to "flip must pair",
            schema(flip = listOf(1, 2, 0)) to "flip must pair",
            schema(flip = listOf(0, 0, 2)) to "flip must pair",
            schema(flip = listOf(1, 0, 3)) to "flip must pair",
            schema(flip = listOf(1, 0, -1)) to "flip must pair",
            schema(categories = emptyMap(), normalizers = emptyMap()) to "no categories",
            schema(categories = mapOf("all" to emptyList())) to "categories.all must name landmarks of 0..2, each once",
            schema(categories = mapOf("all" to listOf(0, 0))) to "categories.all",
            schema(categories = mapOf("all" to listOf(3))) to "categories.all",
            schema(categories = mapOf("all" to listOf(-1))) to "categories.all",
            schema(normalizers = mapOf("all" to (0 to 0))) to "normalizers.all",
            schema(normalizers = mapOf("hats" to (0 to 1))) to "normalizers for unknown categories hats",
            schema(groups = mapOf("none" to emptyList())) to "groups.none",
        ).map { (schema, message) ->
            dynamicTest(message) {
                val error = assertThrows<SchemaException> { checkSchema(schema) }
                assertContains(error.message.orEmpty(), "schema 'three': ")
                assertContains(error.message.orEmpty(), message)
            }
        }
}
