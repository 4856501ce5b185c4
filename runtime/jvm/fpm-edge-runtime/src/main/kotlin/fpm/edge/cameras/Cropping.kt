package fpm.edge.cameras

import fpm.edge.UsageException
import fpm.edge.pixels.Box

private const val LEAST_PX = 16.0 // a smaller region shows nothing

/**
 * How the region of the next frame is chosen.
 *
 * @property margin added on every side of the landmarks' box, as a share of its longer side; under 10.
 * @property follow how far an edge goes inwards to its wanted place with each frame, over 0 to 1; outwards it goes at
 *   once, so that the region never cuts off a garment that moves.
 * @property clear the share of the category's landmarks that must be clear; with fewer, the next frame is seen whole.
 * @property wholeEvery after so many frames in a region one is seen whole; 0 for never.
 * @throws UsageException one is out of range.
 */
public data class Cropping
    @JvmOverloads
    constructor(
        public val margin: Double = 0.5,
        public val follow: Double = 0.3,
        public val clear: Double = 0.5,
        public val wholeEvery: Int = 0,
    ) {
        init {
            if (!(margin >= 0 && margin < 10 && follow > 0 && follow <= 1 && clear in 0.0..1.0 && wholeEvery >= 0)) {
                throw UsageException(
                    "margin $margin, follow $follow, clear $clear, wholeEvery $wholeEvery; expected a margin of " +
                        "0 to 10, follow over 0 to 1, clear from 0 to 1, wholeEvery from 0",
                )
            }
        }
    }

/** Where the next frame is looked at. */
internal class Region(
    private val settings: Cropping,
) {
    /** Null for the whole frame. */
    var box: Box? = null
        private set
    private var cropped = 0

    fun reset() {
        box = null
        cropped = 0
    }

    /**
     * The region after a frame.
     *
     * The smoothed landmarks make it: a region that trembles makes landmarks tremble.
     *
     * @param clear which landmarks are.
     * @param labelled those of the garment's category.
     */
    fun update(
        steady: Steady,
        clear: BooleanArray,
        labelled: BooleanArray,
        width: Int,
        height: Int,
    ) {
        val enough = count(clear) >= maxOf(2.0, settings.clear * count(labelled))
        if (!enough || (settings.wholeEvery > 0 && cropped == settings.wholeEvery)) {
            reset()
            return
        }
        cropped += 1
        val next = around(steady.landmarks, clear, if (steady.restarted) null else box, width, height)
        box = if (minOf(next.x1 - next.x0, next.y1 - next.y0) >= LEAST_PX) next else null
    }

    /** The region around the clear ones of these points (pixel centres), coming from [from]; float32 as in numpy. */
    private fun around(
        points: FloatArray,
        clear: BooleanArray,
        from: Box?,
        width: Int,
        height: Int,
    ): Box {
        var left = Float.POSITIVE_INFINITY
        var top = Float.POSITIVE_INFINITY
        var right = Float.NEGATIVE_INFINITY
        var bottom = Float.NEGATIVE_INFINITY
        for (i in clear.indices) {
            if (clear[i]) {
                left = minOf(left, points[2 * i])
                top = minOf(top, points[2 * i + 1])
                right = maxOf(right, points[2 * i])
                bottom = maxOf(bottom, points[2 * i + 1])
            }
        }
        left += 0.5f
        top += 0.5f
        right += 0.5f
        bottom += 0.5f
        val pad = settings.margin.toFloat() * maxOf(right - left, bottom - top)
        return Box(
            low(left - pad, from?.x0).coerceIn(0.0, width.toDouble()),
            low(top - pad, from?.y0).coerceIn(0.0, height.toDouble()),
            high(right + pad, from?.x1).coerceIn(0.0, width.toDouble()),
            high(bottom + pad, from?.y1).coerceIn(0.0, height.toDouble()),
        )
    }

    private fun low(
        wanted: Float,
        from: Double?,
    ): Double = if (from == null) wanted.toDouble() else minOf(wanted.toDouble(), inward(wanted, from))

    private fun high(
        wanted: Float,
        from: Double?,
    ): Double = if (from == null) wanted.toDouble() else maxOf(wanted.toDouble(), inward(wanted, from))

    private fun inward(
        wanted: Float,
        from: Double,
    ): Double = from + settings.follow * (wanted - from)
}

private fun count(marks: BooleanArray): Int {
    var count = 0
    for (mark in marks) {
        count += if (mark) 1 else 0
    }
    return count
}
