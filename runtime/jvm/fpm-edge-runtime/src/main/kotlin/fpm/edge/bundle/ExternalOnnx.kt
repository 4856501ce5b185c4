package fpm.edge.bundle

import java.nio.ByteBuffer

/** Why something is no ONNX model. */
internal class OnnxException(
    message: String,
) : RuntimeException(message)

/** A protobuf message of ONNX; number of a field → the message in that field, down to every tensor that there can be. */
private enum class Message {
    MODEL,
    TRAINING,
    GRAPH,
    FUNCTION,
    NODE,
    ATTRIBUTE,
    SPARSE,
    TENSOR,
    ;

    fun held(field: Long): Message? = HOLDS.getValue(this)[field]

    private companion object {
        val HOLDS =
            mapOf(
                MODEL to mapOf(7L to GRAPH, 20L to TRAINING, 25L to FUNCTION),
                TRAINING to mapOf(1L to GRAPH, 2L to GRAPH),
                GRAPH to mapOf(1L to NODE, 5L to TENSOR, 15L to SPARSE),
                FUNCTION to mapOf(7L to NODE, 11L to ATTRIBUTE),
                NODE to mapOf(5L to ATTRIBUTE),
                ATTRIBUTE to
                    mapOf(5L to TENSOR, 6L to GRAPH, 10L to TENSOR, 11L to GRAPH, 22L to SPARSE, 23L to SPARSE),
                SPARSE to mapOf(1L to TENSOR, 2L to TENSOR),
                TENSOR to emptyMap(),
            )
    }
}

// Of a tensor.
private const val EXTERNAL_DATA = 13L
private const val DATA_LOCATION = 14L

// Protobuf's types of fields.
private const val VARINT = 0L
private const val EIGHT = 1L
private const val BYTES = 2L
private const val FOUR = 5L
private const val MAX_VARINT = 10
private const val HUGE = 1L shl 60 // no place in a file, and may be added to one

// Forty times those of lite-m's largest piece; without a limit, a large file of tiny fields would take minutes.
private const val MAX_FIELDS = 50_000

/**
 * Whether an ONNX model names files that hold its data; read by hand, before any engine or library sees it.
 *
 * @throws OnnxException it is no ONNX model.
 */
internal fun isOnnxExternal(model: ByteBuffer): Boolean = OnnxWalk(model.duplicate()).isExternal()

private class OnnxWalk(
    private val bytes: ByteBuffer,
) {
    private val size = bytes.limit().toLong()
    private var at = 0L
    private var fields = 0
    private val waiting = ArrayDeque<Part>()

    private class Part(
        val kind: Message,
        val start: Long,
        val end: Long,
    )

    fun isExternal(): Boolean {
        if (size >= 8 && "ORTM".indices.all { bytes.get(4 + it) == "ORTM"[it].code.toByte() }) {
            throw OnnxException("it is in ONNX Runtime's own format")
        }
        waiting.addLast(Part(Message.MODEL, 0, size))
        while (waiting.isNotEmpty()) {
            val part = waiting.removeLast()
            at = part.start
            while (at < part.end) if (field(part.kind)) return true
            if (at != part.end) throw OnnxException("a field is longer than what it is in")
        }
        return false
    }

    /** Pass one field by; whether it says that data is elsewhere. */
    private fun field(kind: Message): Boolean {
        if (++fields > MAX_FIELDS) throw OnnxException("it has over $MAX_FIELDS fields")
        val tag = varint()
        val number = tag ushr 3
        val wire = tag and 7
        if (tag > 0xffffffffL) throw OnnxException("a field has number $number")
        var length = if (wire == EIGHT) 8L else if (wire == FOUR) 4L else 0L
        if (wire == VARINT || wire == BYTES) {
            val value = varint()
            if (wire == BYTES) length = value
            if (kind == Message.TENSOR) {
                if (wire == BYTES && number == EXTERNAL_DATA) return true
                if (wire == VARINT && number == DATA_LOCATION && value != 0L) return true
            }
        } else if (length == 0L) {
            throw OnnxException("a field has type $wire")
        }
        if (wire == BYTES) kind.held(number)?.let { waiting.addLast(Part(it, at, at + length)) }
        at += length
        return false
    }

    /** The number at a place; [HUGE] for all that are larger, of which there are some beyond 2⁶⁴. */
    private fun varint(): Long {
        var value = 0L
        for (step in 0 until MAX_VARINT) {
            if (at >= size) throw OnnxException("it ends in a number")
            val byte = bytes.get((at++).toInt()).toInt()
            val bits = (byte and 0x7f).toLong()
            if (step < 8) {
                value = value or (bits shl (7 * step))
            } else if (bits != 0L) {
                value = HUGE
            }
            if (byte >= 0) return value
        }
        throw OnnxException("a number has no end")
    }
}
