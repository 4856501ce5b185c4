package fpm.edge.drift

private const val BLOCK = 128

/**
 * The sum of numbers that lie side by side: eight partial sums, halves of what is longer than 128.
 *
 * It is numpy's to the last bit, so that all runtimes write the same state.
 */
internal fun pairwiseSum(
    values: DoubleArray,
    start: Int = 0,
    end: Int = values.size,
): Double {
    val count = end - start
    if (count > BLOCK) {
        val middle = start + (count shr 4) * 8
        return pairwiseSum(values, start, middle) + pairwiseSum(values, middle, end)
    }
    var sum = 0.0
    var next = start
    if (count >= 8) {
        var a = values[next]
        var b = values[next + 1]
        var c = values[next + 2]
        var d = values[next + 3]
        var e = values[next + 4]
        var f = values[next + 5]
        var g = values[next + 6]
        var h = values[next + 7]
        next += 8
        while (next + 8 <= end) {
            a += values[next]
            b += values[next + 1]
            c += values[next + 2]
            d += values[next + 3]
            e += values[next + 4]
            f += values[next + 5]
            g += values[next + 6]
            h += values[next + 7]
            next += 8
        }
        sum = a + b + (c + d) + (e + f + (g + h))
    }
    while (next < end) sum += values[next++]
    return sum
}
