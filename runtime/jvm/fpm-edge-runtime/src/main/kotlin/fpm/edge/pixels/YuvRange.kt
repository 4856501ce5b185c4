package fpm.edge.pixels

/**
 * What the numbers of a YUV picture mean (ITU-R BT.601-7, section 2.5), as factors of 2¹⁶.
 *
 * Android's cameras give [FULL] in `YUV_420_888`; decoders of video give [VIDEO].
 */
public enum class YuvRange(
    private val black: Int,
    private val ofY: Int,
    private val redOfV: Int,
    private val greenOfU: Int,
    private val greenOfV: Int,
    private val blueOfU: Int,
) {
    /** Y from 0 to 255, as in JPEG files (JFIF). */
    FULL(0, 65_536, 91_881, 22_554, 46_802, 116_130),

    /** Y from 16 to 235. */
    VIDEO(16, 76_309, 104_597, 25_675, 53_279, 132_201),
    ;

    /**
     * Make RGB of pixels that have a place in each of three planes: [from], [from] + [step], …
     *
     * @param rgb where they go: 3 bytes a pixel, from [at] on.
     */
    internal fun convert(
        ys: ByteArray,
        us: ByteArray,
        vs: ByteArray,
        from: Int,
        step: Int,
        count: Int,
        rgb: ByteArray,
        at: Int,
    ) {
        var place = from
        var to = at
        while (to < at + 3 * count) {
            val luma = ((ys[place].toInt() and 255) - black) * ofY + HALF
            val blue = (us[place].toInt() and 255) - 128
            val red = (vs[place].toInt() and 255) - 128
            rgb[to] = clamped(luma + redOfV * red)
            rgb[to + 1] = clamped(luma - greenOfU * blue - greenOfV * red)
            rgb[to + 2] = clamped(luma + blueOfU * blue)
            place += step
            to += 3
        }
    }

    private companion object {
        const val BITS = 16
        const val HALF = 1 shl (BITS - 1)

        fun clamped(value: Int): Byte = (value shr BITS).coerceIn(0, 255).toByte()
    }
}
