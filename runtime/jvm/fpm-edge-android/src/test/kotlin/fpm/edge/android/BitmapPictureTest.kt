package fpm.edge.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import fpm.edge.DataException
import fpm.edge.pixels.LetterboxResizer
import fpm.edge.pixels.Picture
import fpm.edge.pixels.RgbPicture
import fpm.edge.pixels.fitLetterbox
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.ByteArrayOutputStream
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
internal class BitmapPictureTest {
    private val rgb = ByteArray(24 * 16 * 3) { (it * 37 + it / 7).toByte() }

    @Test
    fun `the pixels of a bitmap that was drawn and stored as PNG are those that went in`() {
        val stored = ByteArrayOutputStream()
        bitmap(Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.PNG, 100, stored)
        val read = BitmapFactory.decodeByteArray(stored.toByteArray(), 0, stored.size())
        assertContentEquals(rgb, pixels(BitmapPicture.of(read)))
    }

    @Test
    fun `the network's input is that of the same pixels in an array`() {
        val fit = fitLetterbox(24, 16, 10, 10)
        val inputs =
            listOf(BitmapPicture.of(bitmap(Bitmap.Config.ARGB_8888)), RgbPicture(rgb, 24, 16)).map {
                ByteArray(300).also { input -> LetterboxResizer().resize(it, fit, 10, 10, input) }
            }
        assertContentEquals(inputs[1], inputs[0])
    }

    @Test
    fun `a part of a row is that part`() {
        val row = ByteArray(15)
        BitmapPicture.of(bitmap(Bitmap.Config.ARGB_8888)).readRow(3, 4, 9, row)
        assertContentEquals(rgb.copyOfRange(3 * (3 * 24 + 4), 3 * (3 * 24 + 9)), row)
    }

    @Test
    fun `transparent pixels lie over black`() {
        val bitmap = Bitmap.createBitmap(3, 1, Bitmap.Config.ARGB_8888)
        bitmap.setPixel(0, 0, Color.argb(0, 200, 200, 200))
        bitmap.setPixel(1, 0, Color.argb(51, 255, 255, 255))
        bitmap.setPixel(2, 0, Color.rgb(1, 2, 3))
        assertContentEquals(byteArrayOf(0, 0, 0, 51, 51, 51, 1, 2, 3), pixels(BitmapPicture.of(bitmap)))
    }

    @Test
    fun `bitmaps of 16 bits are read too`() {
        val picture = BitmapPicture.of(bitmap(Bitmap.Config.RGB_565))
        val found = pixels(picture)
        for (i in rgb.indices) {
            val difference = (found[i].toInt() and 255) - (rgb[i].toInt() and 255)
            assertEquals(true, difference in -8..8, "byte $i differs by $difference")
        }
    }

    @Test
    fun `a bitmap that was recycled is refused`() {
        val bitmap = bitmap(Bitmap.Config.ARGB_8888)
        bitmap.recycle()
        assertFailsWith<DataException> { BitmapPicture.of(bitmap) }
    }

    private fun bitmap(config: Bitmap.Config): Bitmap {
        val colours =
            IntArray(24 * 16) { i ->
                Color.rgb(rgb[3 * i].toInt() and 255, rgb[3 * i + 1].toInt() and 255, rgb[3 * i + 2].toInt() and 255)
            }
        val bitmap = Bitmap.createBitmap(24, 16, config)
        bitmap.setPixels(colours, 0, 24, 0, 0, 24, 16)
        return bitmap
    }
}

internal fun pixels(picture: Picture): ByteArray {
    val all = ByteArray(3 * picture.width * picture.height)
    val row = ByteArray(3 * picture.width)
    for (y in 0 until picture.height) {
        picture.readRow(y, 0, picture.width, row)
        row.copyInto(all, y * row.size)
    }
    return all
}
