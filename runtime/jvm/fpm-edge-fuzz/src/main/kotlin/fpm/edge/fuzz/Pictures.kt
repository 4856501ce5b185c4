package fpm.edge.fuzz

import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.nio.ByteBuffer
import java.util.zip.Deflater
import java.util.zip.DeflaterOutputStream

/*
 * PNG files whose chunks have the right CRC-32, and whose data unpacks: what a fuzzer does not find by changing bytes.
 */

private const val MOST_CHUNKS = 12
private val KINDS =
    listOf("IDAT", "IDAT", "tEXt", "PLTE", "tRNS", "gAMA", "iCCP", "zTXt", "acTL", "IHDR", "IEND", "idat")

internal fun pictureOf(
    choices: Choices,
    width: Int,
    height: Int,
): ByteArray {
    val out = ByteArrayOutputStream()
    val data = DataOutputStream(out)

    fun chunk(
        kind: String,
        content: ByteArray,
    ) {
        val part = kind.toByteArray(Charsets.ISO_8859_1) + content
        data.writeInt(if (choices.below(64) == 63) choices.long().toInt() else content.size)
        data.write(part)
        data.writeInt(crc(part))
    }
    data.write(byteArrayOf(0x89.toByte(), 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))
    val header = ByteBuffer.allocate(13).putInt(width).putInt(height).put(byteArrayOf(8, 2, 0, 0, 0)).array()
    if (choices.below(16) == 15) header[choices.below(13)] = choices.byte().toByte()
    chunk("IHDR", header)
    repeat(choices.below(MOST_CHUNKS)) {
        val kind = if (choices.below(16) == 15) String(choices.bytes(4), Charsets.ISO_8859_1) else choices.of(KINDS)
        chunk(kind, choices.bytes(64))
    }
    if (choices.flag()) {
        chunk("IDAT", choices.rest())
    } else {
        val packed = packed(choices, height * (1 + 3 * width), 1 + 3 * width)
        val cut = choices.below(packed.size)
        chunk("IDAT", packed.copyOf(cut))
        if (choices.below(8) == 7) chunk(choices.of(KINDS), choices.bytes(64))
        chunk("IDAT", packed.copyOfRange(cut, packed.size))
    }
    chunk("IEND", choices.bytes(8))
    return out.toByteArray() + choices.rest()
}

/** Rows that unpack, nearly or exactly as many as there must be. */
private fun packed(
    choices: Choices,
    size: Int,
    row: Int,
): ByteArray {
    val found = if (choices.below(4) == 3) size - 2 + choices.below(4) else size
    val filters = ByteArray(8) { choices.below(if (choices.below(32) == 31) 256 else 5).toByte() }
    val content = choices.bytes(255)
    val rows =
        ByteArray(maxOf(0, found)) { i ->
            if (i % row == 0) filters[i / row % filters.size] else content.getOrElse(i % (content.size + 1)) { 0 }
        }
    val out = ByteArrayOutputStream()
    val deflater = Deflater(choices.below(10))
    DeflaterOutputStream(out, deflater).use { it.write(rows) }
    deflater.end()
    return out.toByteArray()
}
