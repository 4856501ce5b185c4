package fpm.edge.cameras

import fpm.edge.UsageException
import fpm.edge.stages.CLEAR_PEAK

/** A heatmap this high at its peak is clear about where its landmark is (decision 0007). */
private const val CLEAR = CLEAR_PEAK.toDouble()

/**
 * How landmarks are smoothed. A *side* is the longer side of what the network saw: the picture, or a box in it.
 *
 * @property stillHz cutoff frequency of a landmark that stands still (the paper's fcmin), over 0; lower is steadier.
 * @property hzPerSpeed what the cutoff gains for each side a second (the paper's β); higher is quicker.
 * @property speedHz cutoff frequency of the speed itself, over 0.
 * @property clear lowest score of a landmark that is believed.
 * @property holdS for so many seconds a landmark that is not clear keeps its last place; then it is missing.
 * @property cut a landmark that moved by more than this between two frames jumped, sides, over 0. Where most of those
 *   that can be compared jumped, and two at least, it is another scene: everything starts anew.
 * @throws UsageException one is out of range.
 */
public data class Smoothing
    @JvmOverloads
    constructor(
        public val stillHz: Double = 0.5,
        public val hzPerSpeed: Double = 30.0,
        public val speedHz: Double = 1.0,
        public val clear: Double = CLEAR,
        public val holdS: Double = 0.5,
        public val cut: Double = 0.15,
    ) {
        init {
            check("stillHz", stillHz, positive = true)
            check("hzPerSpeed", hzPerSpeed, positive = false)
            check("speedHz", speedHz, positive = true)
            check("clear", clear, positive = false)
            check("holdS", holdS, positive = false)
            check("cut", cut, positive = true)
        }
    }

private fun check(
    name: String,
    value: Double,
    positive: Boolean,
) {
    if (!(value.isFinite() && (if (positive) value > 0 else value >= 0))) {
        throw UsageException("$name is $value; expected a number, ${if (positive) "over 0" else "0 or more"}")
    }
}

/**
 * The smoothed landmarks of one frame.
 *
 * @property landmarks x and y of each in turn, pixels of the picture; NaN where missing.
 * @property held which of them were not clear in this frame: the place is an earlier one.
 * @property restarted it is the first frame, or another scene than the last.
 */
public open class Steady internal constructor(
    public val landmarks: FloatArray,
    public val held: BooleanArray,
    public val restarted: Boolean,
)
