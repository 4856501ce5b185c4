package fpm.edge.bundle

import fpm.edge.BundleException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/*
 * The zip container of a bundle, in the one form that is ever written.
 *
 * All of a container's headers follow from the names, sizes and CRC-32 of its members. The reader therefore rebuilds
 * them and compares: a container that differs anywhere, by one bit of a time stamp or one byte between two members, is
 * refused. Members are STORED, sorted by name, and their bytes start at multiples of 64.
 */

/** The member that holds a signature. */
internal const val SIGNATURE: String = "signature.json"

private const val MAX_MEMBER = 512L shl 20
private const val MAX_MEMBERS = 256
private const val ALIGNMENT = 64
private const val ALIGNMENT_EXTRA = 0xd935 // the extra field by which zipalign pads
private const val SMALLEST_EXTRA = 6
private const val VERSION = 10 // plain stored files
private const val MADE_BY = (3 shl 8) or VERSION // Unix
private const val ATTRIBUTES = 0b1_000_000_110_100_100 shl 16 // a plain file, rw-r--r--
private const val DATE = (1 shl 5) or 1 // 1980-01-01, the zip format's zero

private const val LOCAL = 0x04034b50
private const val LOCAL_SIZE = 30
private const val CENTRAL = 0x02014b50
private const val CENTRAL_SIZE = 46
private const val END = 0x06054b50
private const val END_SIZE = 22

// What is parsed before anything vouches for it is small.
private val LIMITS =
    mapOf(
        "manifest.json" to (1L shl 20),
        SIGNATURE to (1L shl 10),
        "golden/golden.json" to (1L shl 22),
        "card.md" to (1L shl 24),
    )

private val ALLOWED =
    Regex(
        """manifest\.json|signature\.json|card\.md|stages/(?:context|[1-9][0-9]?)\.(?:tflite|onnx)|""" +
            """whole\.(?:tflite|onnx)|stages\.tflite|reference/float\.fpm|golden/(?:golden\.json|[0-9]{1,6}\.png)""",
    )

/** One member: its name, the size of its bytes and their CRC-32, and where they start. */
internal class Entry(
    val name: String,
    val size: Int,
    val crc: Int,
) {
    var offset = 0
}

/**
 * The members of a container by name, whose every header has been compared with the one layout.
 *
 * @param content the whole container, from its start to its limit.
 * @param where how messages name it.
 * @throws BundleException it is anything but that layout.
 */
internal fun readEntries(
    content: ByteBuffer,
    where: String,
): Map<String, Entry> {
    val bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    val entries = parseCentral(bytes, where)
    if (!isLaidOut(bytes, entries.values.sortedBy { it.name })) {
        throw BundleException(
            "$where: its zip headers are not those that fpm-edge writes: damaged or altered; get the original file",
        )
    }
    return entries
}

/** Whether the container is the one layout of these members; sets their offsets. */
private fun isLaidOut(
    bytes: ByteBuffer,
    ordered: List<Entry>,
): Boolean {
    val names = ordered.sumOf { it.name.length }
    val central = ByteBuffer.allocate(ordered.size * CENTRAL_SIZE + names + END_SIZE).order(ByteOrder.LITTLE_ENDIAN)
    var position = 0L
    for (entry in ordered) {
        val name = entry.name.toByteArray(Charsets.ISO_8859_1)
        var gap = ((ALIGNMENT - (position + LOCAL_SIZE + name.size) % ALIGNMENT) % ALIGNMENT).toInt()
        if (gap in 1 until SMALLEST_EXTRA) gap += ALIGNMENT
        val header = ByteBuffer.allocate(LOCAL_SIZE + name.size + gap).order(ByteOrder.LITTLE_ENDIAN)
        header.putInt(LOCAL)
        putCommon(header, entry, name.size, gap)
        header.put(name)
        if (gap > 0) putShorts(header, ALIGNMENT_EXTRA, gap - 4, ALIGNMENT)
        header.clear() // zeros behind the extra field
        if (!isAt(bytes, position, header)) return false
        central.putInt(CENTRAL)
        putShorts(central, MADE_BY)
        putCommon(central, entry, name.size, 0)
        putShorts(central, 0, 0, 0)
        central.putInt(ATTRIBUTES)
        central.putInt(position.toInt())
        central.put(name)
        entry.offset = (position + header.limit()).toInt()
        position += header.limit() + entry.size
    }
    val length = central.position()
    central.putInt(END)
    putShorts(central, 0, 0, ordered.size, ordered.size)
    central.putInt(length)
    central.putInt(position.toInt())
    putShorts(central, 0)
    central.clear()
    return position + central.limit() == bytes.limit().toLong() && isAt(bytes, position, central)
}

/** From the version needed to the length of the extra field. */
private fun putCommon(
    into: ByteBuffer,
    entry: Entry,
    name: Int,
    extra: Int,
) {
    putShorts(into, VERSION, 0, 0, 0, DATE)
    into.putInt(entry.crc)
    into.putInt(entry.size)
    into.putInt(entry.size)
    putShorts(into, name, extra)
}

private fun putShorts(
    into: ByteBuffer,
    vararg numbers: Int,
) {
    for (number in numbers) into.putShort(number.toShort())
}

private fun isAt(
    bytes: ByteBuffer,
    position: Long,
    expected: ByteBuffer,
): Boolean {
    if (position + expected.limit() > bytes.limit()) return false
    val found = bytes.duplicate()
    found.position(position.toInt())
    found.limit(position.toInt() + expected.limit())
    return found == expected
}

private fun parseCentral(
    bytes: ByteBuffer,
    where: String,
): Map<String, Entry> {
    fun cut() = BundleException("$where is not a bundle, or was cut short; get the original file")
    val end = bytes.limit() - END_SIZE
    if (end < 0) throw cut()
    val count = word(bytes, end + 10)
    val length = long(bytes, end + 12)
    val start = long(bytes, end + 16)
    if (bytes.getInt(end) != END || word(bytes, end + 20) != 0 || start + length != end.toLong() ||
        count > MAX_MEMBERS || length > MAX_MEMBERS * 2 * CENTRAL_SIZE
    ) {
        throw cut()
    }
    val entries = LinkedHashMap<String, Entry>()
    var total = 0L
    var at = start.toInt()
    while (at < end) {
        if (end - at < CENTRAL_SIZE || bytes.getInt(at) != CENTRAL) throw cut()
        // A name that leaves the table is cut at its end; the comparison of all headers refuses it.
        val from = at + CENTRAL_SIZE
        val to = upTo(end, from, word(bytes, at + 28))
        val name = String(ByteArray(to - from) { bytes.get(from + it) }, Charsets.ISO_8859_1)
        val size = long(bytes, at + 24)
        val limit = LIMITS[name] ?: MAX_MEMBER
        val wrong =
            when {
                !ALLOWED.matches(name) -> "does not belong in a bundle"
                size > limit -> "has $size bytes; at most $limit are allowed"
                name in entries -> "occurs twice"
                else -> null
            }
        if (wrong != null) throw BundleException("$where: member '$name' $wrong; get the original file")
        entries[name] = Entry(name, size.toInt(), bytes.getInt(at + 16))
        total += size
        at = upTo(end, from, word(bytes, at + 28) + word(bytes, at + 30) + word(bytes, at + 32))
    }
    if (entries.size != count || total > bytes.limit()) throw cut()
    return entries
}

/** So far behind a place, but not beyond the end: in a file of almost 2 GiB that may be more than an Int holds. */
private fun upTo(
    end: Int,
    from: Int,
    length: Int,
): Int = if (length < end - from) from + length else end

private fun word(
    bytes: ByteBuffer,
    at: Int,
): Int = bytes.getShort(at).toInt() and 0xffff

private fun long(
    bytes: ByteBuffer,
    at: Int,
): Long = bytes.getInt(at).toLong() and 0xffffffffL
