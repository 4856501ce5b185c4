package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.Layout
import fpm.edge.stages.Bundle
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.io.RandomAccessFile
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.util.Random
import java.util.zip.CRC32
import java.util.zip.DeflaterOutputStream
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What is opened comes from anywhere: whatever is wrong with it ends in an exception of this runtime, and soon. */
internal class HostileTest {
    @Test
    fun `what was cut short is refused`() {
        Bundle.open(ByteBuffer.wrap(TINY)).check()
        for (size in TINY.indices step 7) {
            assertFailsWith<BundleException>("$size bytes") { Bundle.open(ByteBuffer.wrap(TINY, 0, size)) }
        }
    }

    @Test
    fun `a bundle with one other byte is refused`() {
        val random = Random(1)
        repeat(2000) {
            val mutant = TINY.clone()
            val at = random.nextInt(mutant.size)
            mutant[at] = (mutant[at] + 1 + random.nextInt(255)).toByte()
            val what = "byte $at is ${mutant[at]}"
            assertFailsWith<FpmEdgeException>(what) { Bundle.open(ByteBuffer.wrap(mutant)).check() }
        }
    }

    @Test
    fun `depth does not use up a small stack`() {
        var thrown: Throwable? = null
        val run = {
            for (part in listOf("[", "{\"a\":", "[{\"a\":", "{\"a\":[")) {
                for (depth in listOf(100, 400, 890, 900, 1000, 100_000)) {
                    val text = "{\"model\":{\"a\":" + part.repeat(depth)
                    assertFailsWith<BundleException> { decodeManifest(text.toByteArray()) }
                    assertFailsWith<BundleException> { decodeGolden(part.repeat(depth).toByteArray()) }
                }
            }
        }
        val small = Thread(null, run, "small", SMALL_STACK)
        small.setUncaughtExceptionHandler { _, error -> thrown = error }
        small.start()
        small.join()
        assertNull(thrown, thrown?.stackTraceToString()?.take(2000))
    }

    @Test
    fun `what the model is, for people, is read as it stands`() {
        val text =
            """{"a": [1, -2.5, "b", true, null, {}, [], [[3], {"c": {"d": [4]}}]], "e": {"f": 5, "g": null}, "h": 1e3}"""
        val expected =
            mapOf(
                "a" to
                    listOf(
                        1L,
                        -2.5,
                        "b",
                        true,
                        null,
                        emptyMap<String, Any>(),
                        emptyList<Any>(),
                        listOf(listOf(3L), mapOf("c" to mapOf("d" to listOf(4L)))),
                    ),
                "e" to mapOf("f" to 5L, "g" to null),
                "h" to 1000.0,
            )
        assertEquals(expected, decodeManifest(replaced("\"model\": {}", "\"model\": $text")).model)
        val deep = decodeManifest(replaced("\"model\": {}", "\"model\": {\"a\": ${"[".repeat(898)}${"]".repeat(898)}}"))
        assertEquals(setOf("a"), deep.model.keys)
        for ((wrong, where) in listOf(
            """{"a": [{"b": 1, "b": 2}]}""" to "key 'b' occurs twice in one object - at `$.model[...][0]`",
            """{"a": {"b": null, "b": null}}""" to "key 'b' occurs twice in one object - at `$.model[...]`",
            """{"a": {"b": [1, 2, 1e999]}}""" to "out of range - at `$.model[...][...][2]`",
            """{"a": [[1], {"b": 1}, {"c": 1e999}]}""" to "out of range - at `$.model[...][2][...]`",
            """{"a": [1}""" to "malformed",
            """{"a": [1,]}""" to "malformed",
            """{"a": {"b"}}""" to "malformed",
            """{"a": {"b": 1,}}""" to "malformed",
        )) {
            val error =
                assertFailsWith<BundleException> { decodeManifest(replaced("\"model\": {}", "\"model\": $wrong")) }
            assertTrue(where in error.message!!, error.message)
        }
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            """{"cases":[],"cases":[],"limits":[0.5]}""",
            """{"cases":[],"limits":[NaN]}""",
            """{"cases":[],"limits":["NaN"]}""",
            """{"cases":[],"limits":[Infinity]}""",
            """{"cases":[],"limits":[-Infinity]}""",
            """{"cases":[],"limits":[1e999]}""",
            """{"cases":[],"limits":[01]}""",
            """{"cases":[],"limits":[-01.5]}""",
            """{"cases":[],"limits":[+1]}""",
            """{"cases":[],"limits":[.5]}""",
            """{"cases":[],"limits":[5.]}""",
            """{"cases":[],"limits":[0x10]}""",
            """{"cases":[],"limits":[1e]}""",
            """{"cases":[],"limits":[-]}""",
            """{"cases":[],"limits":["0.5"]}""",
            """{"cases":[],"limits":[true]}""",
            """{"cases":[],"limits":[0.5,]}""",
            """{"cases":[],"limits":[,0.5]}""",
            """{"cases":[],"limits":[0.5],}""",
            """{"cases":[],"limits":[0.5 0.5]}""",
            """{"cases":[];"limits":[0.5]}""",
            """{"cases"=[],"limits":[0.5]}""",
            """{'cases':[],"limits":[0.5]}""",
            """{cases:[],"limits":[0.5]}""",
            """{"cases":[],"limits":[0.5]} x""",
            """{"cases":[],"limits":[0.5]}{}""",
            """{"cases":[],"limits":[0.5]}]""",
            """{"cases":[],"limits":[0.5]}//""",
            """/**/{"cases":[],"limits":[0.5]}""",
            "#\n{\"cases\":[],\"limits\":[0.5]}",
            ")]}'\n{\"cases\":[],\"limits\":[0.5]}",
            "\ufeff{\"cases\":[],\"limits\":[0.5]}",
            "{\"cases\":[],\"limits\":[0.5]}\u0000",
            "{\"cases\":[],\"limits\":\u00a0[0.5]}",
            """{"cases":[],"limits":[0.5],"more":1}""",
            """{"cases":[]}""",
            """{"cases":null,"limits":[0.5]}""",
            """[]""",
            """null""",
            "",
            " ",
            """{"cases":[],"limits":[0.5]""",
            """{"cases":[],"limits":["\u00zz"]}""",
        ],
    )
    fun `a text that is not exactly as it must be is refused`(text: String) {
        decodeGolden("""{"cases":[],"limits":[0.5]}""".toByteArray())
        assertFailsWith<BundleException> { decodeGolden(text.toByteArray()) }
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "\\ud800", "\\udc00", "\\udc00\\ud800", "a\\ud83d", "\\ud83dx", "\u0000", "\u0001", "\t", "\n", "\r",
            "\u001f", "\\x41", "\\'", "\\", "\\u12", "\\u-123", "\\a", "\\\n",
        ],
    )
    fun `half a character, a control character and an unknown escape are refused`(part: String) {
        val name = { text: String -> replaced("\"name\": \"$NAME\"", "\"name\": \"$text\"") }
        assertEquals("a\ud83d\ude00é", decodeManifest(name("a\\ud83d\\ude00é")).name)
        assertFailsWith<BundleException> { decodeManifest(name(part)) }
        // In what is not looked at further, and in a key.
        assertFailsWith<BundleException> { decodeManifest(replaced("\"model\": {}", "\"model\": {\"a\": \"$part\"}")) }
        assertFailsWith<BundleException> { decodeManifest(replaced("\"model\": {}", "\"model\": {\"$part\": 1}")) }
    }

    @Test
    fun `what is not UTF-8 is refused`() {
        val wrong = listOf("80", "c0af", "e282", "eda080", "f08080af", "f4908080", "f8888080", "ff", "fe", "c3")
        for (hexadecimal in wrong) {
            val part = hexadecimal.chunked(2) { it.toString().toInt(16).toByte() }.toByteArray()
            val text = replaced("\"name\": \"$NAME\"", "\"name\": \"@\"")
            val at = text.indexOf('@'.code.toByte())
            val raw = text.copyOf(at) + part + text.copyOfRange(at + 1, text.size)
            val error = assertFailsWith<BundleException>(hexadecimal) { decodeManifest(raw) }
            assertTrue("UTF-8" in error.message!!, error.message)
        }
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "3.0", "3e0", "0.3e1", "\"3\"", "true", "null", "[3]", "03", "-0", "0", "100", "2147483648", "4294967299",
            "9223372036854775808", "-9223372036854775809", "18446744073709551619",
            "340282366920938463463374607431768211459",
        ],
    )
    fun `another number of stages than 1 to 99 is refused, however it is written`(number: String) {
        val found = "\"stages\": 3,\n \"pieces\""
        assertEquals(3, decodeManifest(replaced(found, found)).stages)
        assertFailsWith<BundleException> {
            val made = decodeManifest(replaced(found, found.replace("3", number)))
            checkMembers(made, made.digests.keys + MANIFEST)
        }
    }

    @Test
    fun `digits without end are refused at once`() {
        for (number in listOf("1".repeat(500_000), "0." + "1".repeat(500_000), "1e" + "1".repeat(500_000))) {
            assertFailsWith<BundleException> { decodeManifest("""{"model":{"a":$number}}""".toByteArray()) }
        }
    }

    @Test
    fun `a name that leaves the largest file is refused`() {
        val file = Files.createTempFile("fpm-edge", ".fpm").toFile()
        try {
            // All zeros but its end, so it takes no room. Where the name would end is more than an Int holds.
            RandomAccessFile(file, "rw").use { out ->
                val table = ByteBuffer.allocate(CENTRAL_SIZE + END_SIZE).order(ByteOrder.LITTLE_ENDIAN)
                val start = Int.MAX_VALUE - table.limit()
                table.putInt(0, 0x02014b50).putShort(28, -1)
                table.putInt(CENTRAL_SIZE, 0x06054b50).putShort(CENTRAL_SIZE + 10, 1)
                table.putInt(CENTRAL_SIZE + 12, CENTRAL_SIZE).putInt(CENTRAL_SIZE + 16, start)
                out.seek(start.toLong())
                out.write(table.array())
            }
            assertFailsWith<BundleException> { Bundle.open(file) }
        } finally {
            file.delete()
        }
    }

    @Test
    fun `a small file does not ask for the memory of a large picture, and a large one for that of one`() {
        val side = 8192 // the largest there is
        val whole = zeros(side * (1 + 3 * side))
        val small = png(side, whole.copyOf(1000))
        assertTrue(allocated { assertFailsWith<PngException> { decodePng(small, side, side) } } < 1 shl 20)
        val cut = png(side, whole.copyOf(whole.size - 5))
        assertTrue("fewer" in assertFailsWith<PngException> { decodePng(cut, side, side) }.message!!)
        val more = png(4, zeros(4 * 13 + 1))
        assertTrue("more" in assertFailsWith<PngException> { decodePng(more, 4, 4) }.message!!)
        val good = png(side, whole)
        assertTrue(allocated { assertEquals(3 * side * side, decodePng(good, side, side).size) } < 210 shl 20)
    }

    @Test
    fun `a tensor too large for a buffer has no size, rather than a wrong one`() {
        fun sized(
            type: Dtype,
            vararg shape: Int,
        ) = TensorSpec("a", type, shape.asList(), Layout.NHWC, null, null).size
        assertEquals(Int.MAX_VALUE, sized(Dtype.UINT8, 1, Int.MAX_VALUE))
        assertEquals(1 shl 28, sized(Dtype.FLOAT32, 1, 1 shl 14, 1 shl 14, 1))
        assertFailsWith<BundleException> { sized(Dtype.FLOAT32, 1, 1 shl 15, 1 shl 14, 1) }
        assertFailsWith<BundleException> { sized(Dtype.UINT8, 1, 8192, 8192, 8192) } // 2³⁹, or 0 as an Int
        assertFailsWith<BundleException> { sized(Dtype.INT16, *IntArray(9) { Int.MAX_VALUE }) }
    }

    private companion object {
        const val SMALL_STACK = 256L shl 10
        const val CENTRAL_SIZE = 46
        const val END_SIZE = 22
        val TINY = File("../../web/test/vectors/tiny.fpm").readBytes()
        val TEXT = Charsets.UTF_8.decode(Bundle.open(ByteBuffer.wrap(TINY)).read(MANIFEST)).toString()
        val NAME = decodeManifest(TEXT.toByteArray()).name

        /** A square picture with this data. */
        fun png(
            side: Int,
            packed: ByteArray,
        ): ByteArray {
            val out = ByteArrayOutputStream()
            val data = DataOutputStream(out)
            data.write(byteArrayOf(0x89.toByte(), 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))
            val header = ByteBuffer.allocate(13).putInt(side).putInt(side).put(byteArrayOf(8, 2, 0, 0, 0))
            for ((kind, content) in listOf("IHDR" to header.array(), "IDAT" to packed, "IEND" to ByteArray(0))) {
                data.writeInt(content.size)
                val part = kind.toByteArray() + content
                data.write(part)
                data.writeInt(CRC32().apply { update(part) }.value.toInt())
            }
            return out.toByteArray()
        }

        fun zeros(size: Int): ByteArray {
            val out = ByteArrayOutputStream()
            DeflaterOutputStream(out).use { it.write(ByteArray(size)) }
            return out.toByteArray()
        }

        /** Bytes that this thread asked for meanwhile. */
        fun allocated(run: () -> Unit): Long {
            val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
            val before = threads.getThreadAllocatedBytes(Thread.currentThread().id)
            run()
            return threads.getThreadAllocatedBytes(Thread.currentThread().id) - before
        }

        /** The manifest of tiny.fpm with one place changed. */
        fun replaced(
            found: String,
            by: String,
        ): ByteArray {
            assertEquals(2, TEXT.split(found).size, "$found must occur once")
            return TEXT.replace(found, by).toByteArray()
        }
    }
}
