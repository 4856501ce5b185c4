package fpm.edge.bundle

import com.google.gson.JsonElement
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.Layout
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class TensorsTest {
    private fun spec(
        dtype: Dtype = Dtype.INT8,
        scale: Double? = 0.5,
        zeroPoint: Int? = -10,
        shape: List<Int> = listOf(1, 2, 2, 1),
        layout: Layout = Layout.NHWC,
    ) = TensorSpec("x", dtype, shape, layout, scale, zeroPoint)

    private val codes = spec()
    private val real = spec(Dtype.FLOAT32, null, null)

    private fun emptyTensor(spec: TensorSpec) = direct(ByteArray(spec.size * spec.dtype.bytes))

    private fun direct(bytes: ByteArray): ByteBuffer {
        val buffer = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
        buffer.duplicate().put(bytes)
        return buffer
    }

    private fun read(spec: JsonElement): TensorSpec {
        val fields = spec.asJsonObject
        return TensorSpec(
            fields["name"].asString,
            Dtype.entries.single { it.label == fields["dtype"].asString },
            fields["shape"].asJsonArray.map { it.asInt },
            Layout.valueOf(fields["layout"].asString),
            fields["scale"]?.takeUnless { it.isJsonNull }?.asDouble,
            fields["zero_point"]?.takeUnless { it.isJsonNull }?.asInt,
        )
    }

    @TestFactory
    fun `one type becomes another as in the Python runtime`(): List<DynamicTest> =
        rows("tensors").mapNotNull { (from, to, given, expected) ->
            val (source, target) = read(from) to read(to)
            val bytes = { list: JsonElement -> list.asJsonArray.map { it.asInt.toByte() }.toByteArray() }
            dynamicTest("${source.dtype} → ${target.dtype}") {
                val out = emptyTensor(target)
                TensorConversion(source, target).convert(direct(bytes(given)), out)
                assertContentEquals(bytes(expected), out.bytes())
            }.takeIf { source.dtype != target.dtype }
        }

    @Test
    fun `half goes to even, what no code can hold saturates, and what is no number is code 0`() {
        val values = floatArrayOf(0.25f, 0.75f, -0.25f, 1e30f, -1e30f, Float.POSITIVE_INFINITY, Float.NaN)
        val shape = listOf(1, 1, 1, values.size)
        val from = emptyTensor(spec(Dtype.FLOAT32, null, null, shape))
        values.forEachIndexed { i, value -> from.putFloat(4 * i, value) }
        val target = spec(shape = shape)
        val to = emptyTensor(target)
        TensorConversion(spec(Dtype.FLOAT32, null, null, shape), target).convert(from, to)
        assertContentEquals(byteArrayOf(-10, -8, -10, 127, -128, 127, 0), to.bytes())
    }

    @Test
    fun `large ones are converted to their end, and no further`() {
        val shape = listOf(1, 41, 50, 1)
        val source = spec(Dtype.UINT8, 1.0, 0, shape)
        val target = spec(Dtype.INT16, 0.5, 1, shape)
        val from = direct(ByteArray(2051) { it.toByte() })
        val to = ByteBuffer.allocateDirect(4102).order(ByteOrder.nativeOrder())
        TensorConversion(source, target).convert(from, to)
        for (i in 0 until 2050) assertEquals((2 * (i and 255) + 1).toShort(), to.getShort(2 * i), "$i")
        assertEquals(0, to.getShort(4100))
    }

    @Test
    fun `what fits`() {
        assertTrue(isConvertible(codes, codes))
        assertTrue(isConvertible(codes, real))
        assertTrue(isConvertible(real, codes))
        assertTrue(isConvertible(codes, spec(Dtype.INT16, 0.002, 0)))
        assertFalse(isConvertible(codes, spec(scale = 0.25)))
        assertFalse(isConvertible(codes, spec(zeroPoint = 0)))
        assertFalse(isConvertible(codes, spec(Dtype.FLOAT32, null, null, listOf(1, 2, 1, 2))))
        assertFalse(isConvertible(codes, spec(Dtype.FLOAT32, null, null, layout = Layout.NCHW)))
    }

    @Test
    fun `an image becomes planes`() {
        val planes = ByteBuffer.allocateDirect(18)
        imagePlanes(direct(ByteArray(18) { it.toByte() }), planes)
        assertEquals(
            listOf(0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17),
            planes.bytes().map { it.toInt() },
        )
    }
}
