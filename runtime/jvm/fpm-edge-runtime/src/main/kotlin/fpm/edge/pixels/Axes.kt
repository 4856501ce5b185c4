package fpm.edge.pixels

/** The weights of the last geometries. */
internal class Axes {
    private val kept = ArrayDeque<Axis>()

    /** Those of a direction, see [Axis]; of one met lately, those made then. */
    fun of(
        size: Int,
        low: Double,
        high: Double,
        count: Int,
    ): Axis {
        for (known in kept) {
            if (known.size == size && known.low == low && known.high == high && known.count == count) return known
        }
        if (kept.size == MOST) kept.removeLast()
        return Axis(size, low, high, count).also(kept::addFirst)
    }

    private companion object {
        // Directions of two sizes of picture, and of two looks at each; of planes of two sizes.
        const val MOST = 16
    }
}
