package fpm.edge.android

import android.graphics.Bitmap
import fpm.edge.DataException
import fpm.edge.pixels.Picture
import fpm.edge.pixels.overBlack

/**
 * A bitmap as a picture. Transparent pixels lie over black; it must be upright: settle the orientation of a photograph
 * (EXIF) first.
 *
 * The bitmap may be of any configuration; of one of `HARDWARE`, whose pixels cannot be read, [of] takes a copy.
 */
public class BitmapPicture private constructor(
    private val bitmap: Bitmap,
) : Picture {
    override val width: Int = bitmap.width
    override val height: Int = bitmap.height
    private var row = IntArray(0)

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ) {
        val count = right - left
        if (row.size < count) row = IntArray(count)
        bitmap.getPixels(row, 0, count, left, y, count, 1)
        var to = 0
        for (x in 0 until count) {
            val pixel = row[x]
            val alpha = pixel ushr 24
            rgb[to++] = overBlack(pixel shr 16 and 255, alpha)
            rgb[to++] = overBlack(pixel shr 8 and 255, alpha)
            rgb[to++] = overBlack(pixel and 255, alpha)
        }
    }

    public companion object {
        /** @throws DataException the bitmap was recycled, or its pixels cannot be read. */
        @JvmStatic
        public fun of(bitmap: Bitmap): BitmapPicture {
            if (bitmap.isRecycled) throw DataException("the bitmap was recycled; detect before you recycle it")
            if (bitmap.config != Bitmap.Config.HARDWARE) return BitmapPicture(bitmap)
            return BitmapPicture(
                bitmap.copy(Bitmap.Config.ARGB_8888, false)
                    ?: throw DataException("the hardware bitmap cannot be copied; decode it into ARGB_8888"),
            )
        }
    }
}
