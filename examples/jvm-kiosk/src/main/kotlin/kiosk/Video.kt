package kiosk

import fpm.edge.ImageException
import fpm.edge.pixels.Picture
import fpm.edge.pixels.Plane
import fpm.edge.pixels.YuvPicture
import fpm.edge.pixels.YuvRange
import org.jcodec.api.FrameGrab
import org.jcodec.api.JCodecException
import org.jcodec.common.io.NIOUtils
import org.jcodec.common.model.ColorSpace
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.experimental.xor

/** The frames of an MP4 with H.264, one after the other; planes as the decoder has them. */
internal fun frames(file: File): Sequence<Shown> =
    sequence {
        NIOUtils.readableChannel(file).use { channel ->
            val video =
                try {
                    FrameGrab.createFrameGrab(channel)
                } catch (error: JCodecException) {
                    throw ImageException("$file is no video that is read here (MP4 with H.264): ${error.message}", error)
                } catch (error: IOException) {
                    throw ImageException("$file cannot be read: ${error.message}", error)
                }
            var number = 0
            while (true) {
                val frame = video.nativeFrame ?: break
                yield(Shown("frame ${number++}") { pictureOf(frame) })
            }
        }
    }

/** The decoder keeps numbers 128 too low, so that they fit Java's bytes. */
private fun pictureOf(frame: org.jcodec.common.model.Picture): Picture {
    if (frame.color != ColorSpace.YUV420 && frame.color != ColorSpace.YUV420J) {
        throw ImageException("a frame is ${frame.color}; expected YUV 4:2:0, as cameras and phones write it")
    }
    val planes =
        List(3) { i ->
            val bytes = frame.getPlaneData(i)
            Plane(ByteBuffer.wrap(ByteArray(bytes.size) { bytes[it] xor -128 }), frame.getPlaneWidth(i), 1)
        }
    val range = if (frame.color == ColorSpace.YUV420J) YuvRange.FULL else YuvRange.VIDEO
    return YuvPicture(planes[0], planes[1], planes[2], frame.croppedWidth, frame.croppedHeight, range = range)
}
