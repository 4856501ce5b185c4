package fpm.edge.pixels

import kotlin.math.ln

/** The fit looks at (2 · RADIUS + 1)² cells. */
internal const val RADIUS: Int = 2

/** Cells of a side. */
internal const val SIDE: Int = 2 * RADIUS + 1

/** Cells of the fit. */
internal const val CELLS: Int = SIDE * SIDE

// Curvature below which a fitted surface counts as flat: a Gaussian of σ = 22 cells.
private const val FLAT = 1e-3

// Ridge on the last two terms, relative to the summed weights: it keeps the Gaussian round where cells say nothing.
private const val ROUNDNESS = 0.5

// Ridge on all terms: a peak of fewer cells than terms has the smallest fit.
private const val RIDGE = 1e-9

// A cell's squared value at least: no system of equations is then empty, and what is brighter does not feel it.
private const val FAINTEST = 1e-60

// Below every positive float32: a logarithm for what is not positive, and has no weight.
private const val TINY = 1e-46

// 1, u, v, u² + v², u² − v², uv.
private const val TERMS = 6

// Numbers in a row of the equations: one a term, and the other side.
private const val ROW = TERMS + 1

/** The weight of a cell: its value squared. */
internal fun weightOf(value: Double): Double {
    val positive = maxOf(value, 0.0)
    return maxOf(positive * positive, FAINTEST)
}

/** The logarithm of a cell's value; where it is not positive, that of nearly 0. */
internal fun logarithmOf(value: Double): Double = ln(maxOf(value, TINY))

/**
 * Where between the cells the top of a heatmap is: a Gaussian fitted to the logarithms of the cells around its peak.
 * Finds tops, one after the other; what it needs for that is allocated once.
 */
internal class Fit {
    /** (25) weights of the cells around the peak, row by row; 0 for a cell that says nothing about the top. */
    val weights = DoubleArray(CELLS)

    /** (25) weight · logarithm of each. */
    val logarithms = DoubleArray(CELLS)

    /** The top, in cells from the middle. */
    var x = 0.0
        private set
    var y = 0.0
        private set
    private val equations = DoubleArray(TERMS * ROW)
    private val moments = DoubleArray(CELLS)

    /**
     * Find the top by [weights] and [logarithms].
     *
     * log v = p · (1, u, v, u² + v², u² − v², uv), least squares with weights v² (they undo what the logarithm does to
     * the noise of small values), after Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal
     * Processing Magazine 28(5), 2011.
     *
     * @param value the peak's own.
     * @return whether the surface has a top, for it is concave; if not, [x] and [y] mean nothing.
     */
    fun find(value: Double): Boolean {
        sumMoments(logarithms, moments)
        for (term in 0 until TERMS) equations[term * ROW + TERMS] = momentOf(term, moments)
        sumMoments(weights, moments)
        fillLeft(equations, moments)
        // Logarithms relative to the peak's; and the ridge is meant for weights relative to it.
        val logarithm = logarithmOf(value)
        val ridge = RIDGE * weightOf(value)
        for (term in 0 until TERMS) {
            equations[term * ROW + TERMS] -= logarithm * momentOf(term, moments)
            equations[term * (ROW + 1)] += if (term < 4) ridge else ridge + ROUNDNESS * moments[0]
        }
        solve(equations)
        val slopeX = equations[ROW + TERMS]
        val slopeY = equations[2 * ROW + TERMS]
        val mean = equations[3 * ROW + TERMS]
        val difference = equations[4 * ROW + TERMS]
        val shear = equations[5 * ROW + TERMS]
        val bendX = mean + difference
        val bendY = mean - difference
        val determinant = 4 * bendX * bendY - shear * shear
        x = (shear * slopeY - 2 * bendY * slopeX) / determinant
        y = (shear * slopeX - 2 * bendX * slopeY) / determinant
        return maxOf(bendX, bendY) < -FLAT && determinant > FLAT * FLAT
    }
}

/** Σ cell · uⁱ · vʲ, for i and j from 0 to 4, to i + 5 · j. */
private fun sumMoments(
    cells: DoubleArray,
    moments: DoubleArray,
) {
    for (line in 0 until SIDE) powers(cells, SIDE * line, 1, moments)
    for (power in 0 until SIDE) powers(moments, power, SIDE, moments)
}

/** Of five numbers at −2 … 2, from [at] on, Σ number · placeⁱ for i from 0 to 4. */
private fun powers(
    from: DoubleArray,
    at: Int,
    step: Int,
    to: DoubleArray,
) {
    val before = from[at + step]
    val middle = from[at + 2 * step]
    val after = from[at + 3 * step]
    val inner = after + before
    val innerOdd = after - before
    val outer = from[at + 4 * step] + from[at]
    val outerOdd = from[at + 4 * step] - from[at]
    to[at] = middle + inner + outer
    to[at + step] = innerOdd + 2 * outerOdd
    to[at + 2 * step] = inner + 4 * outer
    to[at + 3 * step] = innerOdd + 8 * outerOdd
    to[at + 4 * step] = inner + 16 * outer
}

/** Σ cell · term. */
private fun momentOf(
    term: Int,
    moments: DoubleArray,
): Double =
    when (term) {
        0 -> moments[0]
        1 -> moments[1]
        2 -> moments[5]
        3 -> moments[2] + moments[10]
        4 -> moments[2] - moments[10]
        else -> moments[6]
    }

/** The left side of the equations, Σ weight · term · term. It is symmetric, so that the upper half will do. */
private fun fillLeft(
    equations: DoubleArray,
    moments: DoubleArray,
) {
    val even = moments[4] + moments[20]
    val mixed = 2 * moments[12]
    for (term in 0 until TERMS) equations[term] = momentOf(term, moments)
    // Row 1, from its diagonal on.
    equations[8] = moments[2]
    equations[9] = moments[6]
    equations[10] = moments[3] + moments[11]
    equations[11] = moments[3] - moments[11]
    equations[12] = moments[7]
    // Row 2.
    equations[16] = moments[10]
    equations[17] = moments[7] + moments[15]
    equations[18] = moments[7] - moments[15]
    equations[19] = moments[11]
    // Row 3.
    equations[24] = even + mixed
    equations[25] = moments[4] - moments[20]
    equations[26] = moments[8] + moments[16]
    // Rows 4 and 5.
    equations[32] = even - mixed
    equations[33] = moments[8] - moments[16]
    equations[40] = moments[12]
}

/** Gauss's elimination of a positive definite system by its upper half; the answer replaces the other side. */
private fun solve(equations: DoubleArray) {
    for (pivot in 0 until TERMS) {
        val from = pivot * ROW
        for (row in pivot + 1 until TERMS) {
            val factor = equations[from + row] / equations[from + pivot]
            for (column in row until ROW) equations[row * ROW + column] -= factor * equations[from + column]
        }
    }
    for (row in TERMS - 1 downTo 0) {
        var rest = equations[row * ROW + TERMS]
        for (column in row + 1 until TERMS) rest -= equations[row * ROW + column] * equations[column * ROW + TERMS]
        equations[row * ROW + TERMS] = rest / equations[row * (ROW + 1)]
    }
}
