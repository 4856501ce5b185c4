package fpm.edge.pixels

import fpm.edge.DataException
import fpm.edge.UsageException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * What the heatmaps of one picture say.
 *
 * @property cells landmarks × (x, y), in heatmap cells, from −0.5 to width − 0.5 and height − 0.5.
 * @property scores (landmarks) 0 to 1: the real value of the peak; 0 where there is a doubt.
 * @property doubts index of a landmark → its doubt, in the order of the landmarks.
 */
public class Reading internal constructor(
    public val cells: FloatArray,
    public val scores: FloatArray,
    public val doubts: Map<Int, Doubt>,
)

/**
 * Heatmaps → landmarks, in heatmap cells.
 *
 * Three steps per channel: the largest code (codes and real values have the same order); where it is, for it is often in
 * several cells; and where between the cells, by a Gaussian fitted to the logarithms of the 5 × 5 cells around. Cells
 * where the map is clipped say nothing about the top and are left out of the fit.
 *
 * It keeps its room from call to call. One thread at a time.
 *
 * @param landmarks channels without the background, which is the last one and is not read.
 * @param scale of codes, real = scale · (code − zeroPoint); null for float32, as [zeroPoint].
 * @throws UsageException scale and zero point are missing for codes, or given for real values.
 * @throws DataException there are no cells.
 */
public class HeatmapDecoder(
    private val dtype: Dtype,
    layout: Layout,
    private val height: Int,
    private val width: Int,
    private val landmarks: Int,
    scale: Double?,
    zeroPoint: Int?,
) {
    private val isQuantized = dtype != Dtype.FLOAT32

    init {
        if (isQuantized && (scale == null || zeroPoint == null)) {
            throw UsageException("${dtype.label} heatmaps need scale and zeroPoint; take both from the manifest")
        }
        if (!isQuantized && (scale != null || zeroPoint != null)) {
            throw UsageException("float32 heatmaps have no scale and zeroPoint")
        }
        if (height < 1 || width < 1 || landmarks < 0) {
            throw DataException("heatmaps are $height × $width cells of ${landmarks + 1} channels; expected some")
        }
    }

    private val scale = scale ?: 1.0
    private val zeroPoint = zeroPoint ?: 0
    private val lowest = if (dtype == Dtype.FLOAT32) Double.NEGATIVE_INFINITY else dtype.least.toDouble()

    // A plateau at this code or above would look the same if the real values were larger.
    private val limit =
        if (isQuantized) minOf(dtype.most.toDouble(), (1 - this.scale / 2) / this.scale + this.zeroPoint) else 1.0
    private val step = if (layout == Layout.NHWC) landmarks + 1 else 1
    private val next = if (layout == Layout.NHWC) 1 else height * width
    private val size = height * width * (landmarks + 1)
    private val codes = FloatArray(size)
    private val bytes = ByteArray(if (dtype.bytes == 1) size else 0)
    private val map = Heatmap(codes, height, width, step)
    private val peak = Peak()
    private val peaks = Peaks(height, width)
    private val fit = Fit()
    private val around = DoubleArray(CELLS)

    // Weights and weighted logarithms of the 256 codes of a type that has no more.
    private val values = DoubleArray(if (dtype.bytes == 1) 256 else 0) { this.scale * (lowest + it - this.zeroPoint) }
    private val weights = DoubleArray(values.size) { weightOf(values[it]) }
    private val logarithms = DoubleArray(values.size) { weights[it] * logarithmOf(values[it]) }

    /**
     * The landmarks of one picture, and which of them not to believe.
     *
     * That of a map with a value that is not finite is in the centre, as of a flat one: what else such a map holds is
     * not worth more.
     *
     * @param maps height × width × (landmarks + 1) numbers for NHWC, (landmarks + 1) × height × width for NCHW, in
     *   native byte order, from its start to its limit.
     * @throws DataException they are of another size.
     */
    public fun read(maps: ByteBuffer): Reading {
        take(maps)
        val cells = FloatArray(2 * landmarks)
        val scores = FloatArray(landmarks)
        var doubts: LinkedHashMap<Int, Doubt>? = null
        // Maps are looked at one by one only if there is something to be found.
        val allFinite = isQuantized || isFinite(0, 1, size)
        for (landmark in 0 until landmarks) {
            map.first = landmark * next
            val doubt = read(landmark, allFinite || isFinite(map.first, step, height * width), cells, scores)
            if (doubt != null) doubts = (doubts ?: LinkedHashMap()).also { it[landmark] = doubt }
        }
        return Reading(cells, scores, doubts ?: emptyMap())
    }

    private fun read(
        landmark: Int,
        isFinite: Boolean,
        cells: FloatArray,
        scores: FloatArray,
    ): Doubt? {
        if (isFinite) peaks.find(map, peak)
        if (!isFinite || peak.cells == height * width) {
            cells[2 * landmark] = ((width - 1) / 2.0).toFloat()
            cells[2 * landmark + 1] = ((height - 1) / 2.0).toFloat()
            return if (isFinite) Doubt.FLAT else Doubt.NOT_FINITE
        }
        val value = scale * (peak.code.toDouble() - zeroPoint)
        val isClipped = peak.cells > 1 && peak.code >= limit
        weigh(isClipped)
        val isConcave = fit.find(value)
        val x = if (isConcave) peak.column + fit.x else peak.x
        val y = if (isConcave) peak.row + fit.y else peak.y
        cells[2 * landmark] = between(peak.left - MARGIN, x, peak.right + MARGIN, width)
        cells[2 * landmark + 1] = between(peak.top - MARGIN, y, peak.bottom + MARGIN, height)
        if (isClipped && maxOf(peak.right - peak.left, peak.bottom - peak.top) > 2 * RADIUS) return Doubt.SATURATED
        scores[landmark] = minOf(maxOf(value, 0.0), 1.0).toFloat()
        return null
    }

    /** Fill the fit with the cells around the peak. */
    private fun weigh(isClipped: Boolean) {
        map.lookAround(peak.column, peak.row, around, lowest)
        for (cell in 0 until CELLS) {
            val code = around[cell]
            if (isClipped && code == peak.code.toDouble()) {
                fit.weights[cell] = 0.0
                fit.logarithms[cell] = 0.0
            } else if (weights.isNotEmpty()) {
                fit.weights[cell] = weights[(code - lowest).toInt()]
                fit.logarithms[cell] = logarithms[(code - lowest).toInt()]
            } else {
                val value = scale * (code - zeroPoint)
                fit.weights[cell] = weightOf(value)
                fit.logarithms[cell] = fit.weights[cell] * logarithmOf(value)
            }
        }
    }

    private fun take(maps: ByteBuffer) {
        if (maps.limit() != size * dtype.bytes) {
            throw DataException(
                "heatmaps have ${maps.limit()} bytes; expected $height × $width cells of ${landmarks + 1} channels of " +
                    dtype.label,
            )
        }
        val all = maps.duplicate().order(ByteOrder.nativeOrder())
        all.position(0)
        when (dtype) {
            Dtype.FLOAT32 -> all.asFloatBuffer().get(codes)
            Dtype.INT16 -> for (i in 0 until size) codes[i] = all.getShort(2 * i).toFloat()
            Dtype.INT8 -> {
                all.get(bytes)
                for (i in 0 until size) codes[i] = bytes[i].toFloat()
            }
            Dtype.UINT8 -> {
                all.get(bytes)
                for (i in 0 until size) codes[i] = (bytes[i].toInt() and 255).toFloat()
            }
        }
    }

    /** Whether none of [count] numbers is infinite or not a number. */
    private fun isFinite(
        first: Int,
        step: Int,
        count: Int,
    ): Boolean {
        var zero = 0f
        var at = first
        for (i in 0 until count) {
            zero += codes[at] * 0
            at += step
        }
        return zero == 0f
    }

    private companion object {
        // The answer lies at most so far outside the cells that hold the maximum: half a cell, and as much for noise.
        const val MARGIN = 1

        /** A coordinate, not below [low] or above [high], and inside the map. */
        fun between(
            low: Int,
            place: Double,
            high: Int,
            size: Int,
        ): Float = minOf(maxOf(place, low.toDouble(), -0.5), high.toDouble(), size - 0.5).toFloat()
    }
}
