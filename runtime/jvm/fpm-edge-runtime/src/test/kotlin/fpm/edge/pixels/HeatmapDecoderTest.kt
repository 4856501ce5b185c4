package fpm.edge.pixels

import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.support.Vectors
import fpm.edge.support.floats
import fpm.edge.support.ints
import fpm.edge.support.objects
import fpm.edge.support.orNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.hypot
import kotlin.math.roundToInt
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

internal class HeatmapDecoderTest {
    @Test
    fun `maps of every type and layout are read as by the Python runtime, again and again`() {
        for (known in Vectors.load("pixels")["heatmaps"].objects()) {
            val (height, width) = known["size"].ints()
            val decoder =
                HeatmapDecoder(
                    dtype = Dtype.entries.first { it.label == known["dtype"].asString },
                    layout = Layout.valueOf(known["layout"].asString),
                    height = height,
                    width = width,
                    landmarks = known["landmarks"].asInt,
                    scale = known["scale"].orNull()?.asDouble,
                    zeroPoint = known["zeroPoint"].orNull()?.asInt,
                )
            val maps = direct(Base64.getDecoder().decode(known["maps"].asString))
            repeat(2) {
                val reading = decoder.read(maps)
                known["cells"].floats().forEachIndexed { i, cell ->
                    assertTrue(abs(reading.cells[i] - cell) <= 1e-4, "landmark ${i / 2}: ${reading.cells[i]}, not $cell")
                }
                assertContentEquals(known["scores"].floats(), reading.scores)
                val doubts = known["doubts"].asJsonArray.map { it.asJsonArray[0].asInt to it.asJsonArray[1].asString }
                assertEquals(doubts, reading.doubts.map { it.key to it.value.label })
                assertEquals(0, maps.position())
            }
        }
    }

    @Test
    fun `a Gaussian between the cells is found in every type`() {
        val value = map { x, y -> 0.9 * exp(-((x - 10.3) * (x - 10.3) + (y - 14.8) * (y - 14.8)) / 2.88) }
        for ((dtype, scale, zero) in listOf(
            Triple(Dtype.FLOAT32, null, null),
            Triple(Dtype.INT8, 1 / 255.0, -128),
            Triple(Dtype.UINT8, 1 / 255.0, 0),
            Triple(Dtype.INT16, 1 / 32767.0, 0),
        )) {
            val codes = if (scale == null) value else value.map { ((it / scale).roundToInt() + zero!!).toDouble() }
            val found = read(codes, dtype, scale, zero)
            assertTrue(hypot(found.cells[0] - 10.3, found.cells[1] - 14.8) < 0.05, "$dtype")
            assertTrue(abs(found.scores[0] - value.max()) < 0.51 / 255)
        }
    }

    @Test
    fun `two tied neighbours meet in the middle, and of two places the one with more around it wins, else the first`() {
        val middle = read(map { x, y -> if (y == 10 && x in 10..11) 20.0 else if (x in 9..12 && y in 9..11) -60.0 else -128.0 })
        assertTrue(abs(middle.cells[0] - 10.5) < 1e-6 && abs(middle.cells[1] - 10.0) < 1e-6)
        for ((around, x, y) in listOf(Triple(-20.0, 21f, 15f), Triple(-128.0, 3f, 3f))) {
            val found =
                read(
                    map { column, row ->
                        if (column == 3 && row == 3 || column == 21 && row == 15) {
                            90.0
                        } else if (column in 19..23 && row in 13..17) {
                            around
                        } else {
                            -128.0
                        }
                    },
                )
            assertTrue(abs(found.cells[0] - x) < 1e-5 && abs(found.cells[1] - y) < 1e-5)
        }
    }

    @Test
    fun `a plateau wider than the window is in doubt where it is cut off`() {
        for ((side, doubt) in listOf(1 to null, 5 to null, 6 to Doubt.SATURATED, 12 to Doubt.SATURATED)) {
            val inside = { x: Int, y: Int -> x in 3 until 3 + side && y in 2 until 2 + side }
            val found = read(map { x, y -> if (inside(x, y)) 127.0 else -100.0 }, Dtype.INT8, 0.003, -128)
            assertEquals(doubt, found.doubts[0])
            assertEquals(if (doubt == null) (0.003 * 255).toFloat() else 0f, found.scores[0])
        }
    }

    @Test
    fun `a map that is the same everywhere, or not finite, is in the centre and in doubt`() {
        for (code in listOf(-128.0, 0.0, 127.0)) assertEquals(Doubt.FLAT, read(map { _, _ -> code }).doubts[0])
        for (wrong in listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)) {
            val found = read(map { x, y -> if (x == 5 && y == 5) wrong else 0.1 * x }, Dtype.FLOAT32, null, null)
            assertEquals(Doubt.NOT_FINITE, found.doubts[0])
            assertContentEquals(floatArrayOf(15.5f, 11.5f), found.cells)
            assertEquals(0f, found.scores[0])
        }
    }

    @Test
    fun `what does not fit is refused`() {
        val decoder = HeatmapDecoder(Dtype.INT8, Layout.NHWC, 4, 4, 1, 0.1, 0)
        assertThrows<DataException> { decoder.read(direct(ByteArray(31))) }
        assertThrows<UsageException> { HeatmapDecoder(Dtype.INT8, Layout.NHWC, 4, 4, 1, null, null) }
        assertThrows<UsageException> { HeatmapDecoder(Dtype.FLOAT32, Layout.NHWC, 4, 4, 1, 0.1, 0) }
        assertThrows<DataException> { HeatmapDecoder(Dtype.INT8, Layout.NHWC, 0, 4, 1, 0.1, 0) }
    }

    private fun map(number: (Int, Int) -> Double): List<Double> = List(24 * 32) { number(it % 32, it / 32) }

    /** One map, channels first; the background would win every maximum. */
    private fun read(
        map: List<Double>,
        dtype: Dtype = Dtype.INT8,
        scale: Double? = 1 / 255.0,
        zeroPoint: Int? = -128,
    ): Reading {
        val maps = ByteBuffer.allocateDirect(2 * map.size * dtype.bytes).order(ByteOrder.nativeOrder())
        for (value in map + List(map.size) { 127.0 }) {
            when (dtype) {
                Dtype.FLOAT32 -> maps.putFloat(value.toFloat())
                Dtype.INT16 -> maps.putShort(value.toInt().toShort())
                else -> maps.put(value.toInt().toByte())
            }
        }
        maps.clear()
        return HeatmapDecoder(dtype, Layout.NCHW, 24, 32, 1, scale, zeroPoint).read(maps)
    }

    private fun direct(bytes: ByteArray): ByteBuffer {
        val buffer = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
        buffer.put(bytes)
        buffer.clear()
        return buffer
    }
}
