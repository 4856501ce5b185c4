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
    private val rowStride: Int,
    private val pixelStride: Int,
) {
    // A view of its own: nobody else's position moves, and theirs does not move ours.
    private val bytes: ByteBuffer = buffer.duplicate().apply { position(0) }
    private var room = ByteArray(0)

    /** Numbers of a row, of [channels] bytes that lie together, one after the other. */
    internal fun readRow(
        y: Int,
        left: Int,
        right: Int,
        into: ByteArray,
        channels: Int = 1,
    ) {
        val count = right - left
        bytes.position(y * rowStride + left * pixelStride)
        if (pixelStride == channels) {
            bytes.get(into, 0, count * channels)
            return
        }
        val span = (count - 1) * pixelStride + channels
        if (room.size < span) room = ByteArray(span)
        val room = room
        bytes.get(room, 0, span)
        var from = 0
        var to = 0
        if (channels == 1) {
            while (to < count) {
                into[to++] = room[from]
                from += pixelStride
            }
            return
        }
        while (to < count * channels) {
            for (channel in 0 until channels) into[to + channel] = room[from + channel]
            from += pixelStride
            to += channels
        }
    }

    /** One pixel, to [into] from [at] on. */
    internal fun readPixel(
        y: Int,
        x: Int,
        into: ByteArray,
        at: Int,
        channels: Int,
    ) {
        val from = y * rowStride + x * pixelStride
        for (channel in 0 until channels) into[at + channel] = bytes.get(from + channel)
    }

    internal fun check(
        name: String,
        width: Int,
        height: Int,
        channels: Int = 1,
    ) {
        if (pixelStride < channels || rowStride < (width - 1) * pixelStride + channels) {
            throw DataException(
                "plane $name has a row stride of $rowStride and a pixel stride of $pixelStride; a row is $width pixels",
            )
        }
        val needed = (height - 1L) * rowStride + (width - 1L) * pixelStride + channels
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
