package fpm.edge.fuzz

/** Decisions taken from a fuzzer's bytes, one after the other; where they end, the first of what there is to choose. */
internal class Choices(
    private val bytes: ByteArray,
) {
    private var at = 0

    val isAtEnd: Boolean get() = at >= bytes.size

    fun byte(): Int = if (isAtEnd) 0 else bytes[at++].toInt() and 255

    /** From 0 until [count]. */
    fun below(count: Int): Int {
        var value = byte().toLong()
        var most = 255L
        while (most < count - 1L) {
            value = value shl 8 or byte().toLong()
            most = most shl 8 or 255
        }
        return (value % count).toInt()
    }

    fun long(): Long = (0 until 8).fold(0L) { value, _ -> value shl 8 or byte().toLong() }

    fun flag(): Boolean = byte() and 1 == 1

    fun <T> of(values: List<T>): T = values[below(values.size)]

    fun bytes(most: Int): ByteArray = ByteArray(minOf(below(most + 1), bytes.size - at)) { byte().toByte() }

    fun rest(): ByteArray = bytes.copyOfRange(at, bytes.size).also { at = bytes.size }

    fun text(most: Int): String = String(bytes(most), Charsets.UTF_8)
}
