package fpm.edge.bundle

import fpm.edge.pixels.Dtype
import java.nio.ByteBuffer

/*
 * From one piece's tensor to the next one's, where the two are of different precision.
 */

// What is added and taken away again is rounded to a whole number, half to even: 1.5 · 2⁵² in float64.
private const val ROUNDING = 6755399441055744.0

/** Whether a [TensorConversion] can pass [source] on as [target]: same shape and layout; equal, or of different types. */
internal fun isConvertible(
    source: TensorSpec,
    target: TensorSpec,
): Boolean =
    source.shape == target.shape && source.layout == target.layout &&
        (source.dtype != target.dtype || source.scale == target.scale && source.zeroPoint == target.zeroPoint)

/**
 * A tensor that is as [source] says, as [target] wants it: real = scale · (code − zero point). Each step in float32, as
 * the Python runtime does them.
 */
internal class TensorConversion(
    private val source: TensorSpec,
    private val target: TensorSpec,
) {
    private val size = source.size
    private val sourceScale = scaleOf(source)
    private val sourceZero = (source.zeroPoint ?: 0).toFloat()
    private val targetScale = scaleOf(target)
    private val targetZero = (target.zeroPoint ?: 0).toFloat()

    /** Between buffers in native byte order, from their starts. */
    fun convert(
        from: ByteBuffer,
        to: ByteBuffer,
    ) {
        for (i in 0 until size) put(to, i, get(from, i))
    }

    private fun get(
        from: ByteBuffer,
        i: Int,
    ): Float =
        when (source.dtype) {
            Dtype.FLOAT32 -> from.getFloat(4 * i)
            Dtype.INT16 -> real(from.getShort(2 * i).toInt())
            Dtype.INT8 -> real(from.get(i).toInt())
            Dtype.UINT8 -> real(from.get(i).toInt() and 255)
        }

    // The difference of two codes is exact.
    private fun real(code: Int): Float = (code - sourceZero) * sourceScale

    private fun put(
        to: ByteBuffer,
        i: Int,
        value: Float,
    ) {
        when (target.dtype) {
            Dtype.FLOAT32 -> to.putFloat(4 * i, value)
            Dtype.INT16 -> to.putShort(2 * i, code(value).toShort())
            else -> to.put(i, code(value).toByte())
        }
    }

    private fun code(value: Float): Int {
        val rounded = (value / targetScale).toDouble() + ROUNDING - ROUNDING
        return (rounded + targetZero).toFloat().coerceIn(target.dtype.least.toFloat(), target.dtype.most.toFloat()).toInt()
    }

    private companion object {
        fun scaleOf(spec: TensorSpec): Float = (spec.scale ?: 1.0).toFloat()
    }
}

/** A picture's pixels, height × width × RGB, as three planes. */
internal fun imagePlanes(
    from: ByteBuffer,
    to: ByteBuffer,
) {
    val size = to.capacity() / 3
    for (pixel in 0 until size) {
        for (channel in 0 until 3) to.put(channel * size + pixel, from.get(3 * pixel + channel))
    }
}
