package fpm.edge.pixels

import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.support.Vectors
import fpm.edge.support.doubles
import fpm.edge.support.floats
import fpm.edge.support.hashed
import fpm.edge.support.ints
import fpm.edge.support.objects
import fpm.edge.support.orNull
import fpm.edge.support.pixels
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.MessageDigest
import kotlin.math.roundToInt
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

internal class LetterboxTest {
    private val vectors = Vectors.load("pixels")
    private val points = vectors["points"].floats()

    @Test
    fun `the input of each picture is Pillow's, and its geometry the Python runtime's to the last bit`() {
        val resizer = LetterboxResizer()
        for (known in vectors["letterboxes"].objects()) {
            val of = known["picture"].asJsonArray
            val picture = hashed(of[0].asInt, of[1].asInt, of[2].asInt, of[3].asInt, of[4].asString)
            val (width, height) = known["input"].ints()
            val box = known["box"].orNull()?.doubles()?.let { (x0, y0, x1, y1) -> Box(x0, y0, x1, y1) }
            val fit = fitLetterbox(picture.width, picture.height, width, height, box)
            val numbers =
                listOf(fit.box.x0, fit.box.y0, fit.box.x1, fit.box.y1) +
                    listOf(fit.width, fit.height, fit.left, fit.top).map(Int::toDouble) +
                    listOf(fit.scaleX, fit.scaleY)
            assertEquals(known["fit"].doubles(), numbers, "$of")
            assertContentEquals(known["toPicture"].floats(), fit.toPicture(points))
            assertContentEquals(known["toInput"].floats(), fit.toInput(points))
            // Into an array that was used before.
            val counting = Counting(picture)
            val input = ByteArray(3 * width * height) { 9 }
            resizer.resize(counting, fit, width, height, input)
            assertEquals(known["sha256"].asString, digest(input), "$of, box $box")
            assertTrue(counting.reads.all { it <= 1 }, "a row of $of was read again")
        }
    }

    @Test
    fun `cells and pixels of the input are the Python runtime's to the last bit`() {
        for (known in vectors["cells"].asJsonArray.map { it.asJsonArray }) {
            assertContentEquals(known[1].floats(), cellsToInput(points, known[0].asInt))
            assertContentEquals(known[2].floats(), inputToCells(points, known[0].asInt))
        }
        assertContentEquals(floatArrayOf(3.5f, 11.5f, 7.5f, 507.5f), cellsToInput(floatArrayOf(0f, 1f, 0.5f, 63f), 8))
    }

    @Test
    fun `a half is rounded to the even number`() {
        assertEquals(listOf(0, 2, 2, 0, -2, 0, 3), listOf(0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 2.51).map(::roundHalfEven))
        assertEquals(2, fitLetterbox(64, 5, 32, 32).height)
    }

    @Test
    fun `a box is clipped to the picture, and one without a pixel is refused`() {
        assertEquals(Box(0.0, 0.0, 100.0, 300.0), fitLetterbox(400, 300, 64, 64, Box(-50.0, -1.0, 100.0, 900.0)).box)
        for (box in vectors["refused"].asJsonArray.map { it.doubles() }) {
            val error = assertThrows<DataException> { fitLetterbox(400, 300, 64, 64, Box(box[0], box[1], box[2], box[3])) }
            assertContains(error.message!!, "covers no pixel of a 400 × 300 picture")
        }
        for (wrong in listOf(Double.NaN, Double.POSITIVE_INFINITY)) {
            val error = assertThrows<DataException> { fitLetterbox(400, 300, 64, 64, Box(0.0, 0.0, wrong, 10.0)) }
            assertContains(error.message!!, "not four finite numbers")
        }
    }

    @Test
    fun `geometries that come again, among many others, are not mixed up`() {
        val resizer = LetterboxResizer()
        val pictures = List(12) { hashed(30 + it, 20 + 2 * it, 4, it) }
        val once = pictures.map { digest(resized(resizer, it)) }
        assertEquals(12, once.toSet().size)
        assertEquals(once, pictures.map { digest(resized(resizer, it)) })
        assertEquals(once, pictures.map { digest(resized(LetterboxResizer(), it)) })
    }

    @Test
    fun `an array, or a letterbox, that does not fit is refused`() {
        val picture = hashed(20, 10, 3, 0)
        val fit = fitLetterbox(20, 10, 16, 16)
        val resizer = LetterboxResizer()
        assertThrows<UsageException> { resizer.resize(picture, fit, 16, 16, ByteArray(9)) }
        assertThrows<UsageException> { resizer.resize(picture, fit, 15, 16, ByteArray(720)) }
        assertThrows<UsageException> { resizer.resize(hashed(20, 9, 3, 0), fit, 16, 16, ByteArray(768)) }
    }

    @Test
    fun `white stays white, wherever the edges of a box lie`() {
        val picture = RgbPicture(ByteArray(140 * 140 * 3) { -1 }, 140, 140)
        val resizer = LetterboxResizer()
        for (scale in listOf(2.0, 21.0, 22.0, 22.5, 23.0)) {
            for (edge in listOf(0.0, 0.25, 0.5, 0.75, 1.5)) {
                val fit = fitLetterbox(140, 140, 4, 4, Box(edge, edge, edge + 4 * scale, edge + 4 * scale))
                val found = ByteArray(48)
                resizer.resize(picture, fit, 4, 4, found)
                assertContentEquals(ByteArray(48) { -1 }, found, "$scale to 1 from $edge on")
            }
        }
    }

    @Test
    fun `a value over black is rounded as Pillow does`() {
        for (alpha in 0..255) {
            for (value in 0..255) {
                assertEquals((value * alpha / 255.0).roundToInt(), overBlack(value, alpha).toInt() and 255)
            }
        }
    }

    @Test
    fun `opaque RGBA is as RGB, and arrays of another size are refused`() {
        val rgba = hashed(13, 7, 4, 3)
        val rgb = RgbPicture(pixels(rgba), 13, 7)
        assertContentEquals(resized(LetterboxResizer(), rgb), resized(LetterboxResizer(), rgba))
        assertContains(assertThrows<DataException> { RgbPicture(ByteArray(24), 4, 3) }.message!!, "24 bytes; expected 36")
        assertContains(assertThrows<DataException> { RgbaPicture(ByteArray(24), 4, 2) }.message!!, "24 bytes; expected 32")
        assertContains(assertThrows<DataException> { RgbPicture(ByteArray(0), 0, 2) }.message!!, "0 × 2")
    }

    private fun resized(
        resizer: LetterboxResizer,
        picture: Picture,
    ): ByteArray {
        val input = ByteArray(16 * 16 * 3)
        resizer.resize(picture, fitLetterbox(picture.width, picture.height, 16, 16), 16, 16, input)
        return input
    }

    private fun digest(bytes: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(bytes).take(8).joinToString("") { "%02x".format(it) }

    private class Counting(
        private val picture: Picture,
    ) : Picture by picture {
        val reads = IntArray(picture.height)

        override fun readRow(
            y: Int,
            left: Int,
            right: Int,
            rgb: ByteArray,
        ) {
            reads[y]++
            picture.readRow(y, left, right, rgb)
        }
    }
}
