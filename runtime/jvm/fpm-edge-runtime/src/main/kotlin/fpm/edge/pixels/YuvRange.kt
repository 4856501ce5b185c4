package fpm.edge.pixels

/**
 * What the numbers of a YUV picture mean (ITU-R BT.601-7, section 2.5), as factors of 2¹⁶.
 *
 * Android's cameras give [FULL] in `YUV_420_888`; decoders of video give [VIDEO].
 */
public enum class YuvRange(
    internal val black: Int,
    internal val y: Int,
    internal val redOfV: Int,
    internal val greenOfU: Int,
    internal val greenOfV: Int,
    internal val blueOfU: Int,
) {
    /** Y from 0 to 255, as in JPEG files (JFIF). */
    FULL(0, 65_536, 91_881, 22_554, 46_802, 116_130),

    /** Y from 16 to 235. */
    VIDEO(16, 76_309, 104_597, 25_675, 53_279, 132_201),
}
