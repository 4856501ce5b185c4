package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.stages.Bundle
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.experimental.xor
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.test.fail

class ContainerTest {
    private fun read(content: ByteArray) = readEntries(ByteBuffer.wrap(content), "it")

    private fun refused(
        content: ByteArray,
        message: String,
    ) = refused(Regex(message)) { read(content) }

    private fun beside(
        name: String,
        data: ByteArray = "x".toByteArray(),
    ) = packed(membersOf(SMALL) + (name to data))

    /** The good container with another field in its table's entry of card.md, the first of them. */
    private fun withField(
        at: Int,
        value: Int,
    ): ByteArray {
        val content = ByteBuffer.wrap(SMALL.copyOf()).order(ByteOrder.LITTLE_ENDIAN)
        content.putInt(content.getInt(SMALL.size - 6) + at, value)
        return content.array()
    }

    @Test
    fun `the layout is that of the Python runtime, byte for byte`() {
        val members = membersOf(SMALL)
        val names = listOf("card.md", "golden/0.png", "golden/golden.json", "manifest.json", "stages/1.onnx")
        assertEquals(names, members.keys.toList())
        assertContentEquals(SMALL, packed(members))
        assertContentEquals(SMALL, packed(members.entries.reversed().associate { it.toPair() }))
        assertTrue(read(SMALL).values.all { it.offset % 64 == 0 })
    }

    @Test
    fun `it may lie anywhere in memory, of any kind and order`() {
        for (buffer in listOf(ByteBuffer.allocate(SMALL.size + 7), ByteBuffer.allocateDirect(SMALL.size + 7))) {
            buffer.order(ByteOrder.LITTLE_ENDIAN).position(3)
            buffer.put(SMALL).limit(buffer.position()).position(3)
            val bundle = Bundle.open(buffer)
            assertEquals(5, bundle.members.size)
            assertContentEquals("# Colours\n".toByteArray(), bundle.read("card.md").bytes())
            assertEquals(3, buffer.position())
        }
    }

    @Test
    fun `every change of a byte outside the members is refused`() {
        val isInside = BooleanArray(SMALL.size)
        for (entry in read(SMALL).values) isInside.fill(true, entry.offset, entry.offset + entry.size)
        for (at in SMALL.indices) {
            for (mask in if (isInside[at]) emptyList() else listOf(1, 16, 128, 255)) {
                val changed = SMALL.copyOf()
                changed[at] = changed[at] xor mask.toByte()
                // A CRC-32 that is wrong in both headers is found when the member is read; in one of them, here.
                try {
                    read(changed)
                    fail("byte $at with $mask")
                } catch (_: BundleException) {
                    // as it must be
                }
            }
        }
    }

    @Test
    fun `every truncation is refused`() {
        for (size in SMALL.indices) {
            refused(SMALL.copyOf(size), "^it is not a bundle, or was cut short|^it: ")
            refused(SMALL.copyOfRange(size + 1, SMALL.size), "^it is not a bundle, or was cut short|^it: ")
        }
    }

    @Test
    fun `what is around it is refused`() {
        refused(SMALL + 0, "cut short")
        refused(byteArrayOf(0) + SMALL, "cut short")
        refused(SMALL + SMALL, "cut short")
    }

    @Test
    fun `members are of the list, plain, small enough and there once`() {
        refused(beside("../../evil.sh"), """member '\.\./\.\./evil\.sh' does not belong in a bundle""")
        refused(beside("card.md\n"), """'card\.md\\u\{a}' does not belong""")
        refused(withField(8, 1), "zip headers are not those")
        refused(withField(10, 8), "zip headers are not those")
        refused(withField(20, 9), "zip headers are not those")
        refused(beside("card.md", ByteArray((1 shl 24) + 1)), "has 16777217 bytes; at most 16777216")
        refused(beside("signature.json", ByteArray(1025)), "has 1025 bytes; at most 1024")
        val twice = String(beside("golden/1.png"), Charsets.ISO_8859_1).replace("golden/1.png", "golden/0.png")
        refused(twice.toByteArray(Charsets.ISO_8859_1), """'golden/0\.png' occurs twice""")
    }

    @Test
    fun `sizes that cannot be are refused before anything is read`() {
        fun claims(size: Int): ByteArray {
            val content = ByteBuffer.wrap(beside("stages/2.onnx")).order(ByteOrder.LITTLE_ENDIAN)
            val last = content.capacity() - 22 - 46 - "stages/2.onnx".length
            content.putInt(last + 20, size).putInt(last + 24, size)
            return content.array()
        }
        refused(claims((1 shl 29) + 1), "has 536870913 bytes; at most 536870912")
        refused(claims(1 shl 29), "cut short")
        refused(claims(-1), "has 4294967295 bytes")
    }

    @Test
    fun `256 members, and no more`() {
        fun pictures(count: Int) = packed((0 until count).associate { "golden/$it.png" to ByteArray(0) })
        assertEquals(256, read(pictures(256)).size)
        refused(pictures(257), "cut short")
    }

    @Test
    fun `names of members`() {
        val good = listOf("manifest.json", "stages/1.onnx", "stages/99.tflite", "stages/context.onnx", "whole.onnx")
        for (name in good + "golden/123456.png") {
            assertEquals(
                setOf(name),
                read(packed(mapOf(name to ByteArray(1)))).keys,
            )
        }
        val bad = listOf("", "stages/01.onnx", "stages/0.onnx", "stages/100.onnx", "golden/1234567.png")
        for (name in bad + "Card.md" + "card.md\n") refused(packed(mapOf(name to ByteArray(1))), "does not belong")
    }
}
