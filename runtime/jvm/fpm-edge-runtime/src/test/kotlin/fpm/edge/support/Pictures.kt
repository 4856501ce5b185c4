package fpm.edge.support

import fpm.edge.pixels.Picture
import fpm.edge.pixels.RgbPicture
import fpm.edge.pixels.RgbaPicture

/** Pictures that the script of the vectors can make too: hashed bytes; of alpha "some", a pixel in 97 is not opaque. */
internal fun hashed(
    width: Int,
    height: Int,
    channels: Int,
    seed: Int,
    alpha: String = "opaque",
): Picture {
    val data =
        ByteArray(width * height * channels) { i ->
            if (channels == 4 && i % 4 == 3 && (alpha == "opaque" || (i shr 2) % 97 != 5)) {
                -1
            } else {
                val value = (i + seed * 7919) * 2654435761L.toInt()
                ((value xor (value ushr 15)) * 2246822519L.toInt() ushr 24).toByte()
            }
        }
    return if (channels == 3) RgbPicture(data, width, height) else RgbaPicture(data, width, height)
}

/** All pixels, RGB. */
internal fun pixels(picture: Picture): ByteArray {
    val all = ByteArray(3 * picture.width * picture.height)
    val row = ByteArray(3 * picture.width)
    for (y in 0 until picture.height) {
        picture.readRow(y, 0, picture.width, row)
        row.copyInto(all, y * row.size)
    }
    return all
}
