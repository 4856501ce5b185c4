package fpm.edge.bundle

import fpm.edge.BundleException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/*
 * Whether a model has all its data in itself.
 *
 * An ONNX tensor may name a file that holds its values, and a TFLite model files for its buffers. A digest says nothing
 * about those files, and an engine may read or fetch them. Hence models with such names never get as far as an engine.
 */

// Of a TFLite model: its external buffer groups and external buffers.
private val SLOTS = intArrayOf(4 + 2 * 8, 4 + 2 * 9)

/**
 * Check a member that is a model; others pass.
 *
 * @throws BundleException it names files that hold its data, or is not of its format.
 */
internal fun refuseExternalData(
    member: String,
    model: ByteBuffer,
) {
    val isExternal =
        if (member.endsWith(".onnx")) {
            try {
                isOnnxExternal(model)
            } catch (error: OnnxException) {
                throw BundleException("$member is not an ONNX model: ${error.message}; make the bundle again", error)
            }
        } else {
            member.endsWith(".tflite") && isTfliteExternal(model)
        }
    if (isExternal) {
        throw BundleException(
            "$member has data in other files; a bundle's models hold their own; convert the model again",
        )
    }
}

/** Whether a flatbuffer's root has either list. What is no flatbuffer is the engine's to refuse. */
private fun isTfliteExternal(model: ByteBuffer): Boolean {
    val bytes = model.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    val size = bytes.limit()

    fun short(at: Long): Int? {
        // The Python runtime counts places below 0 from the end; so that both judge alike, so does this.
        val place = if (at < 0) at + size else at
        return if (place < 0 || place + 2 > size) null else bytes.getShort(place.toInt()).toInt() and 0xffff
    }
    if (size < 4) return false
    val root = bytes.getInt(0).toLong() and 0xffffffffL
    if (root + 4 > size) return false
    val table = root - bytes.getInt(root.toInt())
    val length = short(table) ?: return false
    for (slot in SLOTS) {
        if (slot + 2 > length) continue
        val offset = short(table + slot) ?: return false
        if (offset != 0) return true
    }
    return false
}
