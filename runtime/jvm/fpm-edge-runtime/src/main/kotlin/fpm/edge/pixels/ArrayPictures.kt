package fpm.edge.pixels

import fpm.edge.DataException

/**
 * Pixels of 8 bits in one array, upright, row by row from the top.
 *
 * @param data height × width × 3 bytes, R, G, B.
 * @throws DataException it has no pixels, or [data] is of another size.
 */
public class RgbPicture(
    private val data: ByteArray,
    override val width: Int,
    override val height: Int,
) : Picture {
    init {
        checkArray(data.size, width, height, 3)
    }

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ) {
        data.copyInto(rgb, 0, 3 * (y * width + left), 3 * (y * width + right))
    }
}

/**
 * As [RgbPicture], with transparency: colours lie over black, as the Python runtime has it.
 *
 * @param data height × width × 4 bytes, R, G, B, A, colours not multiplied by alpha.
 * @throws DataException it has no pixels, or [data] is of another size.
 */
public class RgbaPicture(
    private val data: ByteArray,
    override val width: Int,
    override val height: Int,
) : Picture {
    init {
        checkArray(data.size, width, height, 4)
    }

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ) {
        var at = 4 * (y * width + left)
        val end = 4 * (y * width + right)
        var to = 0
        while (at < end) {
            val alpha = data[at + 3].toInt() and 255
            if (alpha == 255) {
                rgb[to] = data[at]
                rgb[to + 1] = data[at + 1]
                rgb[to + 2] = data[at + 2]
            } else {
                rgb[to] = overBlack(data[at].toInt() and 255, alpha)
                rgb[to + 1] = overBlack(data[at + 1].toInt() and 255, alpha)
                rgb[to + 2] = overBlack(data[at + 2].toInt() and 255, alpha)
            }
            at += 4
            to += 3
        }
    }
}

/** A colour value over black, by Pillow's `alpha_composite`: value · alpha / 255, rounded. */
public fun overBlack(
    value: Int,
    alpha: Int,
): Byte {
    val product = value * alpha + 128
    return (product + (product shr 8) shr 8).toByte()
}

private fun checkArray(
    bytes: Int,
    width: Int,
    height: Int,
    channels: Int,
) {
    checkSize(width, height)
    val expected = width.toLong() * height * channels
    if (bytes.toLong() != expected) {
        throw DataException(
            "the image has $bytes bytes; expected $expected, $width × $height pixels of $channels channels",
        )
    }
}
