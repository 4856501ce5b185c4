package fpm.edge.pixels

// Tied cells at most this far apart, in columns and in rows, belong to one peak.
private const val REACH = 2

// The seed of a chain has the most in the cells up to this far from it. Around the map are as many that are empty.
private const val AROUND = 2

/**
 * The peak of a map whose largest code is in several cells. Cells are numbered as in a map that is wider and higher by
 * [AROUND] on all sides.
 */
internal class Ties(
    height: Int,
    width: Int,
) {
    private val wide = width + 2 * AROUND
    private val size = wide * (height + 2 * AROUND)
    private val tied = IntArray(size)
    private val members = IntArray(size)

    // How far each cell is above the floor.
    private val above = DoubleArray(size)

    // Where a tied cell is not, or not yet, of the peak.
    private val left = BooleanArray(size)

    /**
     * The tied cells that belong together; if they lie in several places, those of the place with the most around it.
     *
     * The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's
     * floor; with it goes every tied cell that a chain of tied cells, each within [REACH] of the next, leads to.
     *
     * @param place the first tied cell.
     * @param peak its code and number of cells are known; the rest, and of several places the number, is set here.
     */
    fun heaviest(
        map: Heatmap,
        place: Int,
        peak: Peak,
    ) {
        val count = peak.cells
        var column = place % map.width
        var row = place / map.width
        var at = map.first + place * map.step
        var found = 0
        while (found < count) {
            if (map.codes[at] == peak.code) tied[found++] = (row + AROUND) * wide + column + AROUND
            if (++column == map.width) {
                column = 0
                row++
            }
            at += map.step
        }
        measure(tied, count, peak)
        if (maxOf(peak.right - peak.left, peak.bottom - peak.top) > REACH) {
            raise(map)
            measure(members, chain(seedOf(count), count), peak)
        }
    }

    /** Number, centroid and outermost of some cells. */
    private fun measure(
        cells: IntArray,
        count: Int,
        peak: Peak,
    ) {
        var sumX = 0L
        var sumY = 0L
        var first = wide
        var last = 0
        var top = size
        var bottom = 0
        for (i in 0 until count) {
            val column = cells[i] % wide
            val row = cells[i] / wide
            sumX += column
            sumY += row
            first = minOf(first, column)
            last = maxOf(last, column)
            top = minOf(top, row)
            bottom = maxOf(bottom, row)
        }
        peak.cells = count
        peak.x = (sumX - AROUND.toLong() * count) / count.toDouble()
        peak.y = (sumY - AROUND.toLong() * count) / count.toDouble()
        peak.left = first - AROUND
        peak.right = last - AROUND
        peak.top = top - AROUND
        peak.bottom = bottom - AROUND
    }

    /** Fill [above]. */
    private fun raise(map: Heatmap) {
        val codes = map.codes
        val end = map.first + map.height * map.width * map.step
        var floor = codes[map.first]
        for (at in map.first until end step map.step) if (codes[at] < floor) floor = codes[at]
        above.fill(0.0)
        var at = map.first
        for (row in 0 until map.height) {
            val begin = (row + AROUND) * wide + AROUND
            for (to in begin until begin + map.width) {
                above[to] = codes[at].toDouble() - floor
                at += map.step
            }
        }
    }

    /** The first of the tied cells with the most around it. */
    private fun seedOf(count: Int): Int {
        var most = -1.0
        var seed = 0
        for (i in 0 until count) {
            val sum = sumAround(tied[i] - AROUND * wide - AROUND)
            if (sum > most) {
                most = sum
                seed = tied[i]
            }
        }
        return seed
    }

    /**
     * Σ over 5 × 5 cells, [a] the first. In numpy's order of additions, eight lanes and then the last: of two real sums
     * that are nearly equal, the order decides which one is larger.
     */
    private fun sumAround(a: Int): Double {
        val b = a + wide
        val c = b + wide
        val d = c + wide
        val e = d + wide
        val lanes01 = above[a] + above[b + 3] + above[d + 1] + (above[a + 1] + above[b + 4] + above[d + 2])
        val lanes23 = above[a + 2] + above[c] + above[d + 3] + (above[a + 3] + above[c + 1] + above[d + 4])
        val lanes45 = above[a + 4] + above[c + 2] + above[e] + (above[b] + above[c + 3] + above[e + 1])
        val lanes67 = above[b + 1] + above[c + 4] + above[e + 2] + (above[b + 2] + above[d] + above[e + 3])
        return lanes01 + lanes23 + (lanes45 + lanes67) + above[e + 4]
    }

    /** Into [members] the seed and what hangs together with it; how many. */
    private fun chain(
        seed: Int,
        count: Int,
    ): Int {
        for (i in 0 until count) left[tied[i]] = true
        members[0] = seed
        left[seed] = false
        var found = 1
        var i = 0
        while (i < found && found < count) {
            for (row in -REACH..REACH) {
                val middle = members[i] + row * wide
                for (cell in middle - REACH..middle + REACH) {
                    if (left[cell]) {
                        left[cell] = false
                        members[found++] = cell
                    }
                }
            }
            i++
        }
        for (tie in 0 until count) left[tied[tie]] = false
        return found
    }
}
