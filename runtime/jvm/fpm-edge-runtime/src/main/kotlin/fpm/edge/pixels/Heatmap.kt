package fpm.edge.pixels

/**
 * One heatmap among others: cell i is `codes[first + i · step]`. Codes are whole numbers, or real values; either is
 * exact in float32, and they have the same order.
 */
internal class Heatmap(
    val codes: FloatArray,
    val height: Int,
    val width: Int,
    val step: Int,
) {
    var first = 0

    /**
     * The codes around a cell, row by row, into (25) [into]; [outside] for cells that are not in the map.
     */
    fun lookAround(
        column: Int,
        row: Int,
        into: DoubleArray,
        outside: Double,
    ) {
        var to = 0
        for (y in row - RADIUS..row + RADIUS) {
            for (x in column - RADIUS..column + RADIUS) {
                val inside = y in 0 until height && x in 0 until width
                into[to++] = if (inside) codes[first + (y * width + x) * step].toDouble() else outside
            }
        }
    }
}

/** The largest code of a map and the cells that hold it. */
internal class Peak {
    var code = 0f

    /** How many cells; all those of the map if it is the same everywhere, and then nothing below is set. */
    var cells = 0

    /** The cell around which to look. */
    var column = 0
    var row = 0

    /** The centroid of the peak's cells, and the outermost of them. */
    var x = 0.0
    var y = 0.0
    var left = 0
    var top = 0
    var right = 0
    var bottom = 0
}
