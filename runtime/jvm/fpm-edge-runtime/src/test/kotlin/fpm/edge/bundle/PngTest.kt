package fpm.edge.bundle

import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DeflaterOutputStream
import kotlin.experimental.xor
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals

class PngTest {
    private val pictures = rows("pictures")
    private val good = unpacked(pictures.single { it[0].asString == "noise" }[1].asString)

    private fun png(
        content: ByteArray,
        width: Int = 5,
        height: Int = 7,
    ) = decodePng(content, width, height)

    private fun refused(
        content: ByteArray,
        message: String,
        width: Int = 5,
        height: Int = 7,
    ) {
        val error = assertThrows<PngException> { png(content, width, height) }
        assertContains(error.message.orEmpty(), Regex(message))
    }

    @TestFactory
    fun `the pixels are Pillow's`(): List<DynamicTest> =
        pictures.map { (name, content, digest) ->
            dynamicTest(name.asString) {
                val picture = unpacked(content.asString)
                if (digest.isJsonNull) {
                    refused(picture, ".")
                } else {
                    assertEquals(digest.asString, sha256(png(picture)))
                }
            }
        }

    private fun chunk(
        kind: String,
        data: ByteArray,
    ): ByteArray {
        val whole =
            ByteBuffer
                .allocate(12 + data.size)
                .putInt(data.size)
                .put(kind.toByteArray())
                .put(data)
        return whole.putInt(CRC32().apply { update(kind.toByteArray() + data) }.value.toInt()).array()
    }

    private fun deflated(data: ByteArray): ByteArray {
        val out = ByteArrayOutputStream()
        DeflaterOutputStream(out).use { it.write(data) }
        return out.toByteArray()
    }

    /** The start and the header of the good picture, these chunks, and its end. */
    private fun of(vararg chunks: ByteArray): ByteArray {
        val out = ByteArrayOutputStream()
        out.write(good, 0, 33)
        chunks.forEach(out::write)
        out.write(good, good.size - 12, 12)
        return out.toByteArray()
    }

    @Test
    fun `every change of a byte is found`() {
        for (at in good.indices) {
            refused(good.copyOf().also { it[at] = it[at] xor (1 shl at % 8).toByte() }, ".")
        }
    }

    @Test
    fun `every truncation is found, and it may be followed by anything`() {
        for (size in good.indices) refused(good.copyOf(size), ".")
        assertContentEquals(png(good), png(good + byteArrayOf(1, 2, 3)))
    }

    @Test
    fun `its size is that which is asked for, and nothing is made before`() {
        refused(good, "its header is not that of 7 × 5 pixels", 7, 5)
        val claims = { width: Int, height: Int ->
            val header =
                ByteBuffer
                    .wrap(good.copyOfRange(16, 29))
                    .putInt(0, width)
                    .putInt(4, height)
                    .array()
            good.copyOf(8) + chunk("IHDR", header) + good.copyOfRange(33, good.size)
        }
        refused(claims(-1, 7), "its header is not that of 5 × 7 pixels")
        refused(claims(8192, 8192), "fewer", 8192, 8192)
        // Long before 192 MiB of pixels for each.
        val many = claims(8192, 8192)
        repeat(2000) { assertThrows<PngException> { png(many, 8192, 8192) } }
    }

    @Test
    fun `what unpacks to more or fewer than its pixels is refused`() {
        val size = 7 * 16
        for ((bytes, message) in listOf(
            size - 1 to "fewer",
            size + 1 to "more than the 112 bytes",
            (64 shl 20) to "more",
        )) {
            refused(of(chunk("IDAT", deflated(ByteArray(bytes)))), message)
        }
        val black = of(chunk("IDAT", deflated(ByteArray(size))))
        assertContentEquals(ByteArray(105), png(black))
    }

    @Test
    fun `a stream that is damaged, has no end, goes on or needs a dictionary`() {
        val data = deflated(ByteArray(112))
        refused(of(chunk("IDAT", data.copyOf(data.size - 1))), "fewer")
        refused(
            of(chunk("IDAT", data.copyOf().also { it[data.size - 1] = (it[data.size - 1] + 1).toByte() })),
            "cannot be unpacked",
        )
        png(of(chunk("IDAT", data), chunk("IDAT", ByteArray(0))))
        refused(of(chunk("IDAT", byteArrayOf(0x78, 0xbb.toByte(), 0, 0, 0, 1, 0))), "fewer")
        refused(of(), "fewer")
        refused(of(chunk("IDAT", deflated(byteArrayOf(5) + ByteArray(111)))), "a row has filter 5")
        refused(of(chunk("IDAT", deflated(byteArrayOf(-1) + ByteArray(111)))), "a row has filter -1")
    }

    @Test
    fun `chunks that a plain picture does not have`() {
        val data = chunk("IDAT", deflated(ByteArray(112)))
        val half = data.copyOfRange(8, data.size - 4)
        val text = chunk("tEXt", "a".toByteArray())
        refused(of(chunk("zTXt", ByteArray(3)), data), "3 bytes of zTXt, unlike a plain picture")
        for (kind in listOf(
            "iTXt",
            "iCCP",
            "acTL",
            "fcTL",
            "fdAT",
            "ABCD",
        )) {
            refused(of(chunk(kind, ByteArray(3)), data), kind)
        }
        refused(of(chunk("tEXt", ByteArray((1 shl 20) + 1)), data), "1048577 bytes of tEXt")
        refused(of(chunk("IHDR", good.copyOfRange(16, 29)), data), "one header")
        val parts = arrayOf(chunk("IDAT", half.copyOf(5)), text, chunk("IDAT", half.copyOfRange(5, half.size)))
        refused(of(*parts), "in two places")
        refused(of(*Array(1 shl 16) { chunk("IDAT", ByteArray(0)) }), "in too many parts")
        png(of(text, chunk("PLTE", ByteArray(3)), data, chunk("tIME", "b".toByteArray())))
    }
}
