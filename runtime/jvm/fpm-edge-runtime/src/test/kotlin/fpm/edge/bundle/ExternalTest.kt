package fpm.edge.bundle

import fpm.edge.BundleException
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class ExternalTest {
    private fun scan(model: ByteArray) = isOnnxExternal(ByteBuffer.wrap(model))

    @TestFactory
    fun `models are what they are in the Python runtime`(): List<DynamicTest> =
        rows("models").mapIndexed { i, (member, content, wrong) ->
            dynamicTest("model $i, ${member.asString}") {
                val check = { refuseExternalData(member.asString, ByteBuffer.wrap(unpacked(content.asString))) }
                when {
                    wrong.isJsonNull -> check()
                    "index out of range" in wrong.asString ->
                        refused(Regex("is not an ONNX model: it ends in a number")) { check() }
                    else -> assertEquals(wrong.asString, assertThrows<BundleException> { check() }.message)
                }
            }
        }

    @Test
    fun `any bytes are passed or refused`() {
        val model = unpacked(VECTORS["models"].asJsonArray[1].asJsonArray[1].asString)
        val random = Random(1)
        for (round in 0 until 3000) {
            val mutant = if (round % 3 == 0) model.copyOf(1 + round % (model.size - 1)) else model.copyOf()
            repeat(3) { mutant[random.nextInt(mutant.size)] = random.nextInt().toByte() }
            for (member in listOf("stages/1.onnx", "stages/1.tflite")) {
                try {
                    refuseExternalData(member, ByteBuffer.wrap(mutant))
                } catch (_: BundleException) {
                    // either is as well
                }
            }
        }
    }

    /** A field of bytes, of fewer than 128. */
    private fun field(
        number: Int,
        content: ByteArray,
    ): ByteArray {
        val tag = (number shl 3) or 2
        val letters =
            if (tag <
                128
            ) {
                byteArrayOf(tag.toByte())
            } else {
                byteArrayOf((tag or 128).toByte(), (tag shr 7).toByte())
            }
        return letters + content.size.toByte() + content
    }

    /** By which fields a tensor is reached: graphs, nodes, attributes, functions, training, sparse tensors. */
    @TestFactory
    fun `every tensor is looked at`(): List<DynamicTest> =
        listOf(
            "7.5",
            "7.15.1",
            "7.15.2",
            "7.1.5.5",
            "7.1.5.10",
            "7.1.5.6.5",
            "7.1.5.11.5",
            "7.1.5.22.1",
            "7.1.5.23.2",
            "7.1.5.6.1.5.6.5",
            "20.1.5",
            "20.2.5",
            "25.7.5.5",
            "25.11.5",
        ).map { path ->
            dynamicTest(path) {
                fun holding(vararg tensor: Byte) =
                    path.split(".").map { it.toInt() }.foldRight(tensor) { number, inner -> field(number, inner) }
                assertTrue(scan(holding(0x70, 1))) // data_location: EXTERNAL
                assertTrue(scan(holding(0x6a, 0))) // external_data, empty
                assertFalse(scan(holding(0x70, 0)))
                assertThrows<OnnxException> { scan(holding(0x70, 0).dropLast(1).toByteArray()) }
            }
        }

    @Test
    fun `large numbers do not wrap around`() {
        val ten = ByteArray(9) { -1 }
        assertThrows<OnnxException> { scan(byteArrayOf(0x3a) + ten + 1) } // a graph of 2^64 − 1 bytes
        assertThrows<OnnxException> { scan(byteArrayOf(0x0a) + ten + 127) }
        assertThrows<OnnxException> { scan(ten + 1) } // a field of such a number
        assertFalse(scan(byteArrayOf(0x08) + ten + 1))
        // 2⁶³ and 2⁶⁴ are some location, and no size or number of a field that is 0.
        for (last in listOf<Byte>(1, 2)) {
            val large = ByteArray(9) { -128 } + last
            assertTrue(scan(field(7, field(5, byteArrayOf(0x70) + large))), "$last")
            assertThrows<OnnxException>("$last") { scan(byteArrayOf(0x0a) + large) }
            assertThrows<OnnxException>("$last") { scan(byteArrayOf(0x88.toByte()) + large.drop(1) + 1) }
        }
    }

    @Test
    fun `large files of tiny fields, and graphs in graphs, end soon`() {
        val tiny = ByteArray(100_002) { if (it % 2 == 0) 8 else 1 }
        assertEquals("it has over 50000 fields", assertThrows<OnnxException> { scan(tiny) }.message)
        assertFalse(scan(tiny.copyOf(100_000)))
    }
}
