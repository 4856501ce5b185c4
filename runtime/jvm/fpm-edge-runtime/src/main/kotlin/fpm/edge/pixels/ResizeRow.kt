package fpm.edge.pixels

private const val HIGH = 32
private const val LOW = 0xffffffffL
private const val NEXT = Axis.HALF.toLong() shl HIGH

/**
 * A row of RGB pixels resized: (½ + Σ weight · value) >> 22 of each result and channel.
 *
 * Where an axis has pairs, a pixel is taken up once for both of its results: one product of 64 bits has both, and
 * neither carries into the other, for a sum is less than 2³¹.
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
    val pairs = axis.pairs ?: return resizeRowByResult(row, axis, out, at)
    var red = NEXT or Axis.HALF.toLong()
    var green = red
    var blue = red
    var pixel = 0
    var to = at
    for (result in 0 until axis.count) {
        val end = axis.ends[result] - axis.begin
        for (i in pixel until end) {
            val pair = pairs[i]
            red += (row[3 * i].toLong() and 255) * pair
            green += (row[3 * i + 1].toLong() and 255) * pair
            blue += (row[3 * i + 2].toLong() and 255) * pair
        }
        pixel = end
        out[to] = rounded((red and LOW).toInt())
        out[to + 1] = rounded((green and LOW).toInt())
        out[to + 2] = rounded((blue and LOW).toInt())
        to += 3
        // The next result's sum so far is the first one now.
        red = (red ushr HIGH) + NEXT
        green = (green ushr HIGH) + NEXT
        blue = (blue ushr HIGH) + NEXT
    }
}

/** The same of a row of a plane. */
internal fun resizeLine(
    row: ByteArray,
    axis: Axis,
    out: ByteArray,
    at: Int,
) {
    val pairs = axis.pairs ?: return resizeLineByResult(row, axis, out, at)
    var sum = NEXT or Axis.HALF.toLong()
    var pixel = 0
    for (result in 0 until axis.count) {
        val end = axis.ends[result] - axis.begin
        for (i in pixel until end) sum += (row[i].toLong() and 255) * pairs[i]
        pixel = end
        out[at + result] = rounded((sum and LOW).toInt())
        sum = (sum ushr HIGH) + NEXT
    }
}

/** Of few pixels many results: each by its own weights. */
private fun resizeRowByResult(
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
        out[to] = rounded(red)
        out[to + 1] = rounded(green)
        out[to + 2] = rounded(blue)
        to += 3
    }
}

private fun resizeLineByResult(
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
        out[at + result] = rounded(sum)
    }
}

// Of many thousand weights, what rounding adds may exceed white.
private fun rounded(sum: Int): Byte = minOf(sum shr Axis.BITS, 255).toByte()
