package fpm.edge.pixels

/**
 * A row of RGB pixels resized: (½ + Σ weight · value) >> 22 of each result and channel.
 *
 * @param row from the axis' first pixel on.
 * @param out the results go to [at], at + 1, …
 */
internal fun resizeRow(
    row: ByteArray,
    axis: Axis,
    out: ByteArray,
    at: Int,
) {
    val weights = axis.weights
    var to = at
    for (result in 0 until axis.count) {
        var red = Axis.HALF
        var green = Axis.HALF
        var blue = Axis.HALF
        var from = 3 * (axis.first[result] - axis.begin)
        for (i in axis.start[result] until axis.start[result + 1]) {
            val weight = weights[i]
            red += (row[from].toInt() and 255) * weight
            green += (row[from + 1].toInt() and 255) * weight
            blue += (row[from + 2].toInt() and 255) * weight
            from += 3
        }
        out[to] = minOf(red shr Axis.BITS, 255).toByte()
        out[to + 1] = minOf(green shr Axis.BITS, 255).toByte()
        out[to + 2] = minOf(blue shr Axis.BITS, 255).toByte()
        to += 3
    }
}

/** The same of a row of a plane. */
internal fun resizeLine(
    row: ByteArray,
    axis: Axis,
    out: ByteArray,
    at: Int,
) {
    val weights = axis.weights
    for (result in 0 until axis.count) {
        var sum = Axis.HALF
        val start = axis.start[result]
        val from = axis.first[result] - axis.begin - start
        for (i in start until axis.start[result + 1]) sum += (row[from + i].toInt() and 255) * weights[i]
        out[at + result] = minOf(sum shr Axis.BITS, 255).toByte()
    }
}
