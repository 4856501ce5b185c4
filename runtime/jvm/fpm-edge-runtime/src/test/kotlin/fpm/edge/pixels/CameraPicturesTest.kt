package fpm.edge.pixels

import fpm.edge.DataException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.util.Random
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.roundToInt
import kotlin.math.sin
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

internal class CameraPicturesTest {
    private val random = Random(1)

    @Test
    fun `YUV becomes RGB as BT 601 has it, within half a step`() {
        for (range in YuvRange.entries) {
            val (width, height) = 37 to 23 // odd: the last blocks are cut
            val frame = Frame(width, height, 1, width)
            val picture = frame.yuv(range = range)
            val row = ByteArray(3 * width)
            for (y in 0 until height) {
                picture.readRow(y, 0, width, row)
                for (x in 0 until width) {
                    expected(frame.y(x, y), frame.u(x, y), frame.v(x, y), range).forEachIndexed { c, value ->
                        val found = row[3 * x + c].toInt() and 255
                        assertTrue(abs(found - value) <= 1, "$range, $x, $y: $found, not $value")
                    }
                }
            }
        }
    }

    @Test
    fun `grey stays exactly as it is, white is white and black is black`() {
        val grey = ByteArray(256) { it.toByte() }
        val neutral = plane(ByteArray(128) { -128 }, 128, 1)
        val picture = YuvPicture(plane(grey, 256, 1), neutral, neutral, 256, 1)
        val row = ByteArray(768)
        picture.readRow(0, 0, 256, row)
        assertContentEquals(ByteArray(768) { (it / 3).toByte() }, row)
        val ends = YuvPicture(plane(byteArrayOf(16, -21), 2, 1), neutral, neutral, 2, 1, range = YuvRange.VIDEO)
        ends.readRow(0, 0, 2, row)
        assertContentEquals(byteArrayOf(0, 0, 0, -1, -1, -1), row.copyOf(6))
    }

    @Test
    fun `strides of every kind give the same picture`() {
        val plain = Frame(40, 30, 1, 40)
        val expected = pixels(plain.yuv())
        for ((pixelStride, rowStride) in listOf(1 to 64, 2 to 40, 2 to 96)) {
            assertContentEquals(expected, pixels(Frame(40, 30, pixelStride, rowStride, plain).yuv()))
        }
    }

    @Test
    fun `a camera's picture is turned upright, each way`() {
        val frame = Frame(20, 14, 2, 24)
        val upright = pixels(frame.yuv())
        val rgba = frame.rgba()
        for (rotation in Rotation.entries) {
            val turned = turned(upright, 20, 14, rotation)
            val yuv = frame.yuv(rotation = rotation)
            assertEquals(if (rotation.isSideways) 14 to 20 else 20 to 14, yuv.width to yuv.height)
            assertContentEquals(turned, pixels(yuv), "YUV, $rotation")
            val plane = RgbaPlanePicture(Plane(ByteBuffer.wrap(rgba), 20 * 4 + 8, 4), 20, 14, rotation)
            assertContentEquals(turned, pixels(plane), "RGBA, $rotation")
        }
    }

    @Test
    fun `a part of a row is that part`() {
        val frame = Frame(20, 14, 1, 20)
        for (rotation in Rotation.entries) {
            val picture = frame.yuv(rotation = rotation)
            val all = ByteArray(3 * picture.width)
            val some = ByteArray(3 * 5)
            picture.readRow(3, 0, picture.width, all)
            picture.readRow(3, 4, 9, some)
            assertContentEquals(all.copyOfRange(12, 27), some)
        }
    }

    @Test
    fun `the network's input of planes is that of the picture in RGB, but for rounding, each way and in any box`() {
        val smooth = Frame(160, 120, 2, 160) { x, y -> 128 + (90 * sin(x / 17.0) * cos(y / 11.0)).toInt() }
        val resizer = LetterboxResizer()
        for (rotation in Rotation.entries) {
            val planes = smooth.yuv(rotation = rotation)
            val rgb = RgbPicture(pixels(planes), planes.width, planes.height)
            for (box in listOf(null, Box(10.0, 6.0, 101.0, 71.0), Box(3.5, 0.0, 60.25, 99.0))) {
                val fit = fitLetterbox(planes.width, planes.height, 48, 64, box)
                val inputs = listOf(planes, rgb).map { ByteArray(48 * 64 * 3).also { input -> resizer.resize(it, fit, 48, 64, input) } }
                var most = 0
                var sum = 0L
                for (i in inputs[0].indices) {
                    val difference = abs((inputs[0][i].toInt() and 255) - (inputs[1][i].toInt() and 255))
                    most = maxOf(most, difference)
                    sum += difference
                }
                assertTrue(most <= 12 && sum < inputs[0].size, "$rotation, $box: at most $most, in all $sum")
            }
        }
    }

    @Test
    fun `a grey picture in planes gives the very input that it gives in RGB`() {
        val grey = Frame(90, 70, 1, 90) { x, y -> if (y < 0) 128 else (x * 7 + y * 13) % 256 }
        val resizer = LetterboxResizer()
        for (rotation in Rotation.entries) {
            val planes = grey.yuv(rotation = rotation)
            val rgb = RgbPicture(pixels(planes), planes.width, planes.height)
            val fit = fitLetterbox(planes.width, planes.height, 32, 32)
            val inputs = listOf(planes, rgb).map { ByteArray(32 * 32 * 3).also { input -> resizer.resize(it, fit, 32, 32, input) } }
            if (!rotation.isSideways) {
                assertContentEquals(inputs[1], inputs[0], "$rotation")
            } else {
                // Rows and columns change places, and with them what is rounded first.
                for (i in inputs[0].indices) assertTrue(abs(inputs[0][i] - inputs[1][i]) <= 1, "$rotation, byte $i")
            }
        }
    }

    @Test
    fun `planes that cannot be are refused`() {
        val full = plane(ByteArray(16 * 12), 16, 1)
        val chroma = plane(ByteArray(8 * 6), 8, 1)
        YuvPicture(full, chroma, chroma, 16, 12)
        YuvPicture(plane(ByteArray(32 * 11 + 16), 32, 1), chroma, chroma, 16, 12) // nothing behind the last pixel
        assertContains(refusal { YuvPicture(full, chroma, plane(ByteArray(47), 8, 1), 16, 12) }, "plane V has 47 bytes")
        assertContains(refusal { YuvPicture(plane(ByteArray(192), 15, 1), chroma, chroma, 16, 12) }, "row stride of 15")
        assertContains(refusal { YuvPicture(full, chroma, chroma, 0, 12) }, "0 × 12")
        assertContains(refusal { RgbaPlanePicture(plane(ByteArray(100), 40, 4), 10, 3) }, "has 100 bytes; expected 119")
        assertContains(refusal { RgbaPlanePicture(plane(ByteArray(120), 40, 2), 10, 3) }, "pixel stride of 2")
        assertContains(refusal { Rotation.of(45) }, "45 degrees; expected 0, 90, 180 or 270")
    }

    private fun refusal(work: () -> Unit): String = assertThrows<DataException> { work() }.message!!

    private fun plane(
        bytes: ByteArray,
        rowStride: Int,
        pixelStride: Int,
    ) = Plane(ByteBuffer.wrap(bytes), rowStride, pixelStride)

    private fun expected(
        y: Int,
        u: Int,
        v: Int,
        range: YuvRange,
    ): List<Int> {
        val luma = if (range == YuvRange.FULL) y.toDouble() else (y - 16) * 255.0 / 219
        val scale = if (range == YuvRange.FULL) 1.0 else 255.0 / 224
        val blue = (u - 128) * scale
        val red = (v - 128) * scale
        return listOf(luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
            .map { it.roundToInt().coerceIn(0, 255) }
    }

    private fun pixels(picture: Picture): ByteArray {
        val all = ByteArray(3 * picture.width * picture.height)
        val row = ByteArray(3 * picture.width)
        for (y in 0 until picture.height) {
            picture.readRow(y, 0, picture.width, row)
            row.copyInto(all, y * row.size)
        }
        return all
    }

    /** Turned clockwise, pixel by pixel. */
    private fun turned(
        rgb: ByteArray,
        width: Int,
        height: Int,
        rotation: Rotation,
    ): ByteArray {
        val across = if (rotation.isSideways) height else width
        val turned = ByteArray(rgb.size)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val (toX, toY) =
                    when (rotation) {
                        Rotation.NONE -> x to y
                        Rotation.RIGHT -> height - 1 - y to x
                        Rotation.HALF -> width - 1 - x to height - 1 - y
                        Rotation.LEFT -> y to width - 1 - x
                    }
                for (c in 0 until 3) turned[3 * (toY * across + toX) + c] = rgb[3 * (y * width + x) + c]
            }
        }
        return turned
    }

    /** Random numbers in planes of these strides; those of [like], if there is one. */
    private inner class Frame(
        private val width: Int,
        private val height: Int,
        private val pixelStride: Int,
        private val rowStride: Int,
        like: Frame? = null,
        number: ((Int, Int) -> Int)? = null,
    ) {
        private val ys: ByteArray = like?.ys ?: numbers(width, height) { x, y -> number?.invoke(x, y) }
        private val across = (width + 1) / 2
        private val down = (height + 1) / 2

        // Of a given picture, colours are what it has above its first row.
        private val us: ByteArray = like?.us ?: numbers(across, down) { x, y -> number?.invoke(x, -1 - y) }
        private val vs: ByteArray = like?.vs ?: numbers(across, down) { x, y -> number?.invoke(x + 9, -1 - y) }

        private fun numbers(
            width: Int,
            height: Int,
            number: (Int, Int) -> Int?,
        ) = ByteArray(width * height) { (number(it % width, it / width) ?: random.nextInt(256)).toByte() }

        fun y(
            x: Int,
            y: Int,
        ) = ys[y * width + x].toInt() and 255

        fun u(
            x: Int,
            y: Int,
        ) = us[y / 2 * across + x / 2].toInt() and 255

        fun v(
            x: Int,
            y: Int,
        ) = vs[y / 2 * across + x / 2].toInt() and 255

        fun yuv(
            rotation: Rotation = Rotation.NONE,
            range: YuvRange = YuvRange.FULL,
        ) = YuvPicture(
            spread(ys, width, height, 1, width + 3),
            spread(us, across, down, pixelStride, maxOf(rowStride, across * pixelStride)),
            spread(vs, across, down, pixelStride, maxOf(rowStride, across * pixelStride)),
            width,
            height,
            rotation,
            range,
        )

        /** The same picture as RGBA, 8 bytes behind each row. */
        fun rgba(): ByteArray {
            val rgb = pixels(yuv())
            val bytes = ByteArray((width * 4 + 8) * height).also(random::nextBytes)
            for (y in 0 until height) {
                for (x in 0 until width) {
                    rgb.copyInto(bytes, y * (width * 4 + 8) + 4 * x, 3 * (y * width + x), 3 * (y * width + x) + 3)
                }
            }
            return bytes
        }

        private fun spread(
            numbers: ByteArray,
            width: Int,
            height: Int,
            pixelStride: Int,
            rowStride: Int,
        ): Plane {
            val bytes = ByteArray((height - 1) * rowStride + (width - 1) * pixelStride + 1).also(random::nextBytes)
            for (y in 0 until height) {
                for (x in 0 until width) bytes[y * rowStride + x * pixelStride] = numbers[y * width + x]
            }
            return plane(bytes, rowStride, pixelStride)
        }
    }
}
