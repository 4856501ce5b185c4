package fpm.edge.pixels

import kotlin.math.abs

/**
 * How one direction of a picture is resized: which pixels make a pixel of the result, and with which weights.
 *
 * Pillow's bilinear filter in fixed point (`src/libImaging/Resample.c`): a triangle, widened when shrinking. Each
 * result is (½ + Σ weight · value) >> 22, and the weights are whole numbers that add up to about 2²². Pillow takes the
 * edges as float32, and their difference too.
 *
 * @property size pixels of the row or column, of which those from [low] to [high] become [count].
 */
internal class Axis(
    val size: Int,
    val low: Double,
    val high: Double,
    val count: Int,
) {
    /** (count) the first pixel of each result. */
    val first = IntArray(count)

    /** (count + 1) where the weights of each begin. */
    val start = IntArray(count + 1)
    val weights: IntArray

    /** The pixels that are used: from [begin] until before [end]. */
    val begin: Int
    val end: Int

    /** (end − begin) of each of them the first and the last result that it has a part in. */
    val firstResult: IntArray
    val lastResult: IntArray

    init {
        val edge = low.toFloat()
        val scale = (high.toFloat() - edge) / count.toDouble()
        val support = maxOf(scale, 1.0)
        val narrowing = 1 / support
        val all = ArrayList<IntArray>(count)
        for (result in 0 until count) {
            val centre = edge + (result + 0.5) * scale
            val from = maxOf(0, (centre - support + 0.5).toInt())
            val to = minOf(size, (centre + support + 0.5).toInt())
            val shares = DoubleArray(to - from) { maxOf(0.0, 1 - abs((from + it - centre + 0.5) * narrowing)) }
            val sum = shares.fold(0.0) { total, share -> total + share }
            all += IntArray(shares.size) { (0.5 + (if (sum == 0.0) shares[it] else shares[it] / sum) * ONE).toInt() }
            first[result] = from
            start[result + 1] = start[result] + shares.size
        }
        weights = IntArray(start[count])
        all.forEachIndexed { result, of -> of.copyInto(weights, start[result]) }
        begin = first[0]
        end = first[count - 1] + all[count - 1].size
        firstResult = IntArray(end - begin) { count }
        lastResult = IntArray(end - begin) { -1 }
        for (result in 0 until count) {
            for (pixel in first[result] until first[result] + all[result].size) {
                val index = pixel - begin
                firstResult[index] = minOf(firstResult[index], result)
                lastResult[index] = maxOf(lastResult[index], result)
            }
        }
    }

    /** Of so many results a pixel has a part in at most. */
    val overlap: Int = firstResult.indices.maxOf { lastResult[it] - firstResult[it] + 1 }

    /** Where the pixels of each result end. */
    val ends: IntArray = IntArray(count) { first[it] + start[it + 1] - start[it] }

    /**
     * (end − begin) of each pixel its weight in the result that is to be complete next, and 2³² times that in the one
     * behind it: one product has both. null where a pixel has a part in more.
     */
    val pairs: LongArray? = pairsOrNull()

    private fun pairsOrNull(): LongArray? {
        val made = LongArray(end - begin)
        var pixel = begin
        for (result in 0 until count) {
            while (pixel < ends[result]) {
                val index = pixel - begin
                if (firstResult[index] < result || lastResult[index] > result + 1) return null
                val next = if (lastResult[index] == result + 1) weight(pixel, result + 1) else 0
                val here = if (firstResult[index] == result) weight(pixel, result) else 0
                made[index] = (next.toLong() shl 32) or here.toLong()
                pixel++
            }
        }
        return made
    }

    /** Weight of a pixel in a result that it has a part in. */
    fun weight(
        pixel: Int,
        result: Int,
    ): Int = weights[start[result] + pixel - first[result]]

    companion object {
        /** Fraction bits of a weight. */
        const val BITS = 22

        /** Half of 1. */
        const val HALF = 1 shl (BITS - 1)
        private const val ONE = (1 shl BITS).toDouble()
    }
}
