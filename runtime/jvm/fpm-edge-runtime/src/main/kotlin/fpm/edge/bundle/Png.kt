package fpm.edge.bundle

import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater
import kotlin.math.abs

/*
 * The pictures of self-check cases, decoded here: a platform's own decoder may apply colour profiles and gamma, and then
 * the model would see other pixels than in the Python runtime, which decodes without.
 *
 * Only the kind that `fpm-edge convert` writes: RGB of 8 bits, not interlaced.
 */

/** What is wrong with a picture; the caller knows how the file is called. */
internal class PngException(
    message: String,
    cause: Throwable? = null,
) : RuntimeException(message, cause)

private val START = byteArrayOf(0x89.toByte(), 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

// Behind width and height in the header: 8 bits, RGB, and the only methods of compression, filter and no interlacing.
private val FORM = byteArrayOf(8, 2, 0, 0, 0)
private const val PIXEL = 3 // bytes

// What is compressed in them would have to be unpacked to know that it is of a decent size, or is another picture.
private val REFUSED = setOf("zTXt", "iTXt", "iCCP", "acTL", "fcTL", "fdAT")
private const val MAX_CHUNK = 1 shl 20
private const val MAX_CHUNKS = 1 shl 16

// Bytes from one byte of a zlib stream: 258 from each two bits.
private const val MOST_UNPACKED = 1032L

/**
 * Decode a picture.
 *
 * @param content the PNG file.
 * @param width what it must have, pixels; likewise [height].
 * @return height × width × RGB.
 * @throws PngException it is anything else, or damaged.
 */
internal fun decodePng(
    content: ByteArray,
    width: Int,
    height: Int,
): ByteArray {
    val stride = PIXEL * width
    val parts = packed(content, width, height)
    val size = height.toLong() * (1 + stride)
    // Checked first: a header and a few bytes would ask for as much memory as the largest picture needs.
    if (size > MOST_UNPACKED * parts.sumOf { it.remaining() }) throw unlike("fewer", size)
    val pixels = ByteArray(height * stride)
    val filter = ByteArray(1)
    Unpacking(parts, size).use { data ->
        for (row in 0 until height) {
            data.read(filter, 0, 1)
            data.read(pixels, row * stride, stride)
            unfilter(filter[0].toInt(), pixels, row * stride, stride)
        }
        data.end()
    }
    return pixels
}

/** The compressed parts, behind a header that is as it must be. */
private fun packed(
    content: ByteArray,
    width: Int,
    height: Int,
): List<ByteBuffer> {
    if (content.size < START.size || !content.copyOf(START.size).contentEquals(START)) {
        throw PngException("it does not start as one")
    }
    val bytes = ByteBuffer.wrap(content)
    val packed = ArrayList<ByteBuffer>()
    var hasHeader = false
    var last = ""
    var left = MAX_CHUNKS
    var at = START.size
    while (last != "IEND") {
        val size = if (at + 12 <= content.size) bytes.getInt(at).toLong() and 0xffffffffL else Long.MAX_VALUE / 2
        if (at + 12 + size > content.size || --left < 0) throw PngException("it was cut short, or is in too many parts")
        val kind = String(content, at + 4, 4, Charsets.ISO_8859_1)
        val start = at + 8
        at += 12 + size.toInt()
        val crc = CRC32().apply { update(content, start - 4, 4 + size.toInt()) }.value.toInt()
        if (crc != bytes.getInt(at - 4)) throw PngException("its $kind is damaged (CRC-32)")
        if ((kind == "IHDR") == hasHeader) throw PngException("it does not have one header")
        when {
            kind == "IHDR" -> {
                val expected = ByteBuffer.allocate(13).putInt(width).putInt(height).put(FORM)
                if (!content.copyOfRange(start, at - 4).contentEquals(expected.array())) {
                    throw PngException("its header is not that of $width × $height pixels of RGB, not interlaced")
                }
                hasHeader = true
            }
            kind == "IDAT" -> {
                if (packed.isNotEmpty() && last != kind) throw PngException("its data is in two places")
                packed += ByteBuffer.wrap(content, start, size.toInt())
            }
            // Critical chunks start with a capital; what an unknown one means for the pixels cannot be known.
            kind != "IEND" && (kind != "PLTE" && kind[0] in 'A'..'Z' || kind in REFUSED || size > MAX_CHUNK) ->
                throw PngException("it has $size bytes of $kind, unlike a plain picture")
        }
        last = kind
    }
    return packed
}

/** Unpacks a zlib stream that must give exactly [size] bytes. */
private class Unpacking(
    parts: List<ByteBuffer>,
    private val size: Long,
) : AutoCloseable {
    private val left = ArrayDeque(parts)
    private val inflater = Inflater()

    /** Read so many bytes, to a place. */
    fun read(
        into: ByteArray,
        from: Int,
        count: Int,
    ) {
        var at = from
        while (at < from + count) {
            val got = some(into, at, from + count - at)
            if (got == 0) throw unlike("fewer", size)
            at += got
        }
    }

    /** There must be nothing left; one byte shows what gives more, and nothing is unpacked beyond it. */
    fun end() {
        if (some(ByteArray(1), 0, 1) != 0) throw unlike("more", size)
        if (!inflater.finished()) throw unlike("fewer", size)
    }

    /** Read at least one byte, or none at the end. */
    private fun some(
        into: ByteArray,
        from: Int,
        count: Int,
    ): Int {
        try {
            while (true) {
                val got = inflater.inflate(into, from, count)
                if (got != 0 || inflater.finished() || !inflater.needsInput()) return got
                val part = left.removeFirstOrNull() ?: return 0
                inflater.setInput(part.array(), part.position(), part.remaining())
            }
        } catch (error: DataFormatException) {
            throw PngException("its data cannot be unpacked: ${error.message}", error)
        }
    }

    override fun close(): Unit = inflater.end()
}

private fun unlike(
    found: String,
    size: Long,
) = PngException("its data has $found than the $size bytes of its pixels")

/** Undo the filter of a row in place; the row before it lies before it. */
private fun unfilter(
    filter: Int,
    pixels: ByteArray,
    from: Int,
    stride: Int,
) {
    if (filter !in 0..4) throw PngException("a row has filter $filter; there are 0 to 4")
    if (filter == 0) return
    for (i in from until from + stride) {
        val left = if (i - from < PIXEL) 0 else pixels[i - PIXEL].toInt() and 255
        val up = if (from == 0) 0 else pixels[i - stride].toInt() and 255
        val corner = if (from == 0 || i - from < PIXEL) 0 else pixels[i - stride - PIXEL].toInt() and 255
        val added =
            when (filter) {
                1 -> left
                2 -> up
                3 -> (left + up) shr 1
                else -> paeth(left, up, corner)
            }
        pixels[i] = (pixels[i] + added).toByte()
    }
}

private fun paeth(
    left: Int,
    up: Int,
    corner: Int,
): Int {
    val toLeft = abs(up - corner)
    val toUp = abs(left - corner)
    val toCorner = abs(left + up - 2 * corner)
    return if (toLeft <= toUp && toLeft <= toCorner) left else if (toUp <= toCorner) up else corner
}
