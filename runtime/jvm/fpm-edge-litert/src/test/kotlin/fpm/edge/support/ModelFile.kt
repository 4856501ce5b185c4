package fpm.edge.support

import org.tensorflow.lite.DataType
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The inputs and outputs of a TFLite file, read out of its FlatBuffer (TensorFlow's schema.fbs) as LiteRT does. */
internal class ModelFile(
    private val bytes: ByteBuffer,
) {
    class Edge(
        val name: String,
        val type: DataType,
        val shape: IntArray,
        val scale: Float,
        val zeroPoint: Int,
    )

    private val graph: Int

    init {
        bytes.order(ByteOrder.LITTLE_ENDIAN)
        require(bytes.capacity() > 8 && bytes.getInt(4) == TFL3) {
            "ByteBuffer is not a valid TensorFlow Lite model flatbuffer"
        }
        graph = vector(field(follow(0), 2))[0]
    }

    val inputs: List<Edge> = edges(1)
    val outputs: List<Edge> = edges(2)

    private fun edges(which: Int): List<Edge> {
        val tensors = vector(field(graph, 0))
        val at = follow(field(graph, which))
        return List(bytes.getInt(at)) { edge(tensors[bytes.getInt(at + 4 + 4 * it)]) }
    }

    private fun edge(tensor: Int): Edge {
        val shape = follow(field(tensor, 0))
        val type = field(tensor, 1).let { if (it == 0) 0 else bytes.get(it).toInt() }
        val name = follow(field(tensor, 3))
        val quantization = field(tensor, 4).let { if (it == 0) 0 else follow(it) }
        val scales = if (quantization == 0) 0 else field(quantization, 2)
        val zeros = if (quantization == 0) 0 else field(quantization, 3)
        return Edge(
            String(ByteArray(bytes.getInt(name)) { bytes.get(name + 4 + it) }),
            TYPES.getValue(type),
            IntArray(bytes.getInt(shape)) { bytes.getInt(shape + 4 + 4 * it) },
            if (scales == 0) 0f else bytes.getFloat(follow(scales) + 4),
            if (zeros == 0) 0 else bytes.getLong(follow(zeros) + 4).toInt(),
        )
    }

    /** Where the number-th field of a table is, 0 if it is left out. */
    private fun field(
        table: Int,
        number: Int,
    ): Int {
        val fields = table - bytes.getInt(table)
        val at = 4 + 2 * number
        val offset = if (at < bytes.getShort(fields)) bytes.getShort(fields + at).toInt() else 0
        return if (offset == 0) 0 else table + offset
    }

    private fun vector(at: Int): List<Int> {
        val from = follow(at)
        return List(bytes.getInt(from)) { follow(from + 4 + 4 * it) }
    }

    private fun follow(at: Int): Int = at + bytes.getInt(at)

    private companion object {
        const val TFL3 = 0x334c4654
        val TYPES = mapOf(0 to DataType.FLOAT32, 3 to DataType.UINT8, 7 to DataType.INT16, 9 to DataType.INT8)
    }
}
