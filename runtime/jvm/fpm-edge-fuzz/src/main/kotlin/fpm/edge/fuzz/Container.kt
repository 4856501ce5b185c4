package fpm.edge.fuzz

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32

/*
 * A writer of the container, after docs/bundle-format.md: it shares no code with the reader that it is to fool.
 */

private const val LOCAL_SIZE = 30
private const val CENTRAL_SIZE = 46
private const val END_SIZE = 22

/** A container of these members whose headers, alignment and CRC-32 are right, whatever their names and bytes are. */
internal fun containerOf(members: Map<String, ByteArray>): ByteArray {
    val sorted = members.toSortedMap().map { (name, data) -> name.toByteArray(Charsets.ISO_8859_1) to data }
    val room = sorted.sumOf { (name, data) -> LOCAL_SIZE + CENTRAL_SIZE + 2 * name.size + data.size + 128 } + END_SIZE
    val out = ByteBuffer.allocate(room).order(ByteOrder.LITTLE_ENDIAN)
    val central = ByteBuffer.allocate(room).order(ByteOrder.LITTLE_ENDIAN)
    for ((name, data) in sorted) {
        val start = out.position()
        var gap = (64 - (start + LOCAL_SIZE + name.size) % 64) % 64
        if (gap in 1..5) gap += 64
        out.putInt(0x04034b50)
        out.putCommon(name, data, gap)
        out.put(name)
        if (gap > 0) {
            out.putShorts(0xd935, gap - 4, 64)
            out.put(ByteArray(gap - 6))
        }
        out.put(data)
        central.putInt(0x02014b50).putShorts(0x030a)
        central.putCommon(name, data, 0)
        central.putShorts(0, 0, 0)
        central.putInt(0x81a4 shl 16).putInt(start).put(name)
    }
    val start = out.position()
    central.flip()
    out.put(central)
    out.putInt(0x06054b50).putShorts(0, 0, sorted.size, sorted.size)
    out.putInt(central.limit()).putInt(start).putShorts(0)
    return out.array().copyOf(out.position())
}

internal fun crc(bytes: ByteArray): Int = CRC32().apply { update(bytes) }.value.toInt()

private fun ByteBuffer.putCommon(
    name: ByteArray,
    data: ByteArray,
    extra: Int,
) {
    putShorts(10, 0, 0, 0, 0x21)
    putInt(crc(data)).putInt(data.size).putInt(data.size)
    putShorts(name.size, extra)
}

private fun ByteBuffer.putShorts(vararg numbers: Int) {
    for (number in numbers) putShort(number.toShort())
}
