package fpm.edge.android

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import fpm.edge.DataException
import fpm.edge.pixels.Plane
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** What has the shape of an `ImageProxy`: a format, planes with strides, a rotation. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
internal class CameraPicturesTest {
    @Test
    fun `YUV_420_888 with interleaved colours and padded rows, a quarter turn`() {
        // NV21, as cameras have it: V and U in turn behind Y, each a view that starts one byte later.
        val grey = ByteArray(8 * 4) { if (it % 8 < 6) (10 * it).toByte() else 99 }
        val colours = ByteBuffer.allocateDirect(8 * 2).apply { while (hasRemaining()) put(-128) }
        val planes =
            listOf(
                Plane(ByteBuffer.wrap(grey), 8, 1),
                Plane(view(colours, 1, 16), 8, 2),
                Plane(view(colours, 0, 15), 8, 2),
            )
        val picture = pictureOf(ImageFormat.YUV_420_888, 6, 4, planes, 90)
        assertEquals(4 to 6, picture.width to picture.height)
        // Upright, the first row is the first column, from below.
        val expected = ByteArray(12) { (10 * 8 * (3 - it / 3)).toByte() }
        assertContentEquals(expected, pixels(picture).copyOf(12))
    }

    @Test
    fun `RGBA_8888 with padded rows`() {
        val bytes = ByteArray(2 * 16) { it.toByte() }
        val picture = pictureOf(PixelFormat.RGBA_8888, 3, 2, listOf(Plane(ByteBuffer.wrap(bytes), 16, 4)), 0)
        assertContentEquals(
            byteArrayOf(0, 1, 2, 4, 5, 6, 8, 9, 10, 16, 17, 18, 20, 21, 22, 24, 25, 26),
            pixels(picture),
        )
    }

    @Test
    fun `other formats, and other turns, are refused`() {
        val plane = Plane(ByteBuffer.wrap(ByteArray(100)), 10, 1)
        assertFailsWith<DataException> { pictureOf(ImageFormat.JPEG, 4, 4, listOf(plane), 0) }
        assertFailsWith<DataException> { pictureOf(ImageFormat.YUV_420_888, 4, 4, listOf(plane), 0) }
        assertFailsWith<DataException> { pictureOf(ImageFormat.YUV_420_888, 4, 4, listOf(plane, plane, plane), 45) }
    }

    private fun view(
        buffer: ByteBuffer,
        from: Int,
        to: Int,
    ): ByteBuffer {
        val view = buffer.duplicate()
        view.position(from)
        view.limit(to)
        return view.slice()
    }
}
