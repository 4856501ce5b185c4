package fpm.edge.onnxruntime

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.nio.ByteBuffer
import java.nio.ByteOrder

// y = MatMulInteger(a, b) with a (4, 64) uint8 and b (64, 16) int8, opset 17; a test of the web runtime makes it again.
private const val MODEL =
    "\b\b:^\n\u001a\n\u0001a\n\u0001b\u0012\u0001y\"\rMatMulInteger:\u0000\u0012\u0001pZ\u0013\n\u0001a\u0012\u000e\n" +
        "\u000c\b\u0002\u0012\b\n\u0002\b\u0004\n\u0002\b@Z\u0013\n\u0001b\u0012\u000e\n\u000c\b\u0003\u0012\b\n\u0002" +
        "\b@\n\u0002\b\u0010b\u0013\n\u0001y\u0012\u000e\n\u000c\b\u0006\u0012\b\n\u0002\b\u0004\n\u0002\b\u0010B" +
        "\u0004\n\u0000\u0010\u0011"

private const val ROWS = 4
private const val TERMS = 64
private const val COLUMNS = 16
private const val LARGEST_UINT8 = 255
private const val LARGEST_INT8 = 127

internal fun probe(): ByteArray = MODEL.toByteArray(Charsets.ISO_8859_1)

/**
 * Whether ONNX Runtime's products of uint8 and int8 are exact on this processor.
 *
 * On x86 without VNNI its kernels add two products in 16 bits, which overflow and are cut off there (decision 0016).
 * Which processors do so, and in which versions, is in no API: so it is asked to multiply.
 */
internal fun isExact(environment: OrtEnvironment): Boolean =
    session(environment).use { session ->
        filled(environment, LARGEST_UINT8, ROWS, TERMS, OnnxJavaType.UINT8).use { a ->
            filled(environment, LARGEST_INT8, TERMS, COLUMNS, OnnxJavaType.INT8).use { b ->
                session.run(mapOf("a" to a, "b" to b)).use { result ->
                    val sums = (result[0] as OnnxTensor).intBuffer
                    (0 until sums.capacity()).all { sums[it] == TERMS * LARGEST_UINT8 * LARGEST_INT8 }
                }
            }
        }
    }

private fun session(environment: OrtEnvironment): OrtSession =
    OrtSession.SessionOptions().use { options ->
        options.setIntraOpNumThreads(1)
        environment.createSession(probe(), options)
    }

private fun filled(
    environment: OrtEnvironment,
    value: Int,
    rows: Int,
    columns: Int,
    type: OnnxJavaType,
): OnnxTensor {
    val buffer = ByteBuffer.allocateDirect(rows * columns).order(ByteOrder.nativeOrder())
    while (buffer.hasRemaining()) buffer.put(value.toByte())
    buffer.clear()
    return OnnxTensor.createTensor(environment, buffer, longArrayOf(rows.toLong(), columns.toLong()), type)
}
