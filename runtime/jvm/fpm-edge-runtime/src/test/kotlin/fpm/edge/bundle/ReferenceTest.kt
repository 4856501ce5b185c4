package fpm.edge.bundle

import com.google.gson.JsonObject
import fpm.edge.stages.Bundle
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull

class ReferenceTest {
    private fun referenceIn(content: ByteArray): Bundle = assertNotNull(opened(content).reference())

    private fun around(inner: ByteArray): ByteArray = sealed(mapOf(REFERENCE to inner))

    @Test
    fun `one that fits, signed or not`() {
        for (inner in listOf(SMALL, signed(signature("good")))) {
            val reference = referenceIn(around(inner))
            assertEquals("colours", reference.manifest.name)
            assertNull(reference.signature)
            reference.check()
        }
    }

    @Test
    fun `the order of keys does not matter`() {
        referenceIn(around(sealed { put(it, "landmarks.categories", """{"warm":[0],"all":[0,1,2]}""") }))
    }

    @TestFactory
    fun `others do not fit`(): List<DynamicTest> =
        mapOf<String, (JsonObject) -> Unit>(
            "names" to { put(it, "landmarks.name", "\"other\"") },
            "categories" to { put(it, "landmarks.categories.cold", "[1]") },
            "indices" to { put(it, "landmarks.categories.warm", "[1]") },
            "strides" to {
                put(it, "geometry.stride", "16")
                put(it, "pieces.onnx.0.outputs.0.shape", "[1,4,2,3]")
            },
        ).map { (name, change) ->
            dynamicTest(name) {
                val content = around(sealed(manifest = change))
                refused(Regex("has other landmarks, geometry or stages")) { referenceIn(content) }
            }
        }

    @Test
    fun `one that is no bundle, or has one of its own`() {
        refused(Regex("^it: reference/float\\.fpm is not a bundle")) { referenceIn(around("PK".toByteArray())) }
        refused(Regex("it: reference/float\\.fpm has a reference of its own")) { referenceIn(around(around(SMALL))) }
    }
}
