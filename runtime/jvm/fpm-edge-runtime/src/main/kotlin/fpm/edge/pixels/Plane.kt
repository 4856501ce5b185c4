package fpm.edge.pixels

import fpm.edge.DataException
import java.nio.ByteBuffer

/**
 * One plane of a camera's picture: `Image.Plane` of Android, `ImageProxy.PlaneProxy` of CameraX.
 *
 * @param buffer the numbers start at index 0, whatever its position, and end before its limit.
 * @param rowStride bytes from a row to the next one.
 * @param pixelStride bytes from a pixel to the next one.
 */
public class Plane(
    buffer: ByteBuffer,
    internal val rowStride: Int,
    internal val pixelStride: Int,
) {
    // A view of its own: nobody else's position moves, and theirs does not move ours.
    private val bytes: ByteBuffer = buffer.duplicate().apply { position(0) }

    /** Copy everything from byte [from] on, at most as many as [into] takes. */
    internal fun copy(
        from: Int,
        into: ByteArray,
        count: Int,
    ) {
        bytes.position(from)
        bytes.get(into, 0, minOf(count, bytes.remaining()))
    }

    /** Bytes of so many rows of so many pixels; the last row may end with its last pixel. */
    internal fun span(
        width: Int,
        height: Int,
    ): Int = (height - 1) * rowStride + (width - 1) * pixelStride + 1

    internal fun check(
        name: String,
        width: Int,
        height: Int,
        pixelBytes: Int = 1,
    ) {
        if (pixelStride < pixelBytes || rowStride < (width - 1) * pixelStride + pixelBytes) {
            throw DataException(
                "plane $name has a row stride of $rowStride and a pixel stride of $pixelStride; a row is $width pixels",
            )
        }
        val needed = span(width, height).toLong() + pixelBytes - 1
        if (bytes.limit() < needed) {
            throw DataException(
                "plane $name has ${bytes.limit()} bytes; expected $needed for $width × $height pixels in rows of $rowStride",
            )
        }
    }
}

internal fun checkSize(
    width: Int,
    height: Int,
) {
    if (width < 1 || height < 1) {
        throw DataException("the image is $width × $height pixels; expected whole numbers from 1 on")
    }
}
