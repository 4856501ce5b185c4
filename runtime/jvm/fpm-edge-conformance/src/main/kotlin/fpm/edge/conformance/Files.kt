package fpm.edge.conformance

import fpm.edge.UsageException
import fpm.edge.pixels.RgbPicture
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest

/** The bytes of a file, or the UsageError of the protocol. */
internal fun reading(path: String): ByteArray =
    try {
        File(path).readBytes()
    } catch (error: IOException) {
        throw UsageException("$path cannot be read: ${error.message}", error)
    }

internal fun pictureOf(request: Request): RgbPicture {
    val path = request.text("image")!!
    val width = request.int("width")!!
    val height = request.int("height")!!
    val data = reading(path)
    if (width < 0 || height < 0 || data.size.toLong() != width.toLong() * height * 3) {
        throw UsageException("$path has ${data.size} bytes, which is not $width × $height RGB")
    }
    return RgbPicture(data, width, height)
}

/** Bytes as engines and decoders take them. */
internal fun direct(bytes: ByteArray): ByteBuffer {
    val buffer = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
    buffer.put(bytes)
    buffer.clear()
    return buffer
}

/** Hexadecimal, of everything up to the buffer's limit. */
internal fun sha256(buffer: ByteBuffer): String {
    val digest = MessageDigest.getInstance("SHA-256")
    digest.update(buffer.duplicate())
    return digest.digest().joinToString("") { "%02x".format(it) }
}
