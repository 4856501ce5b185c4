package fpm.edge.support

import org.tensorflow.lite.Delegate
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * LiteRT without its native code: it has the edges of the real model, and is as particular about buffers as
 * `NativeInterpreterWrapper` and `TensorImpl` of 2.16.1 are. What it answers is made up: see [answer].
 *
 * @param log what happens to it is written there.
 */
internal class FakeInterpreter(
    model: ByteBuffer,
    val options: InterpreterApi.Options,
    private val log: MutableList<String> = ArrayList(),
) : InterpreterApi {
    private val file: ModelFile

    init {
        require(model.isDirect && model.order() == ByteOrder.nativeOrder()) { "Model ByteBuffer should be either" }
        // Native code sees the buffer from its beginning to its capacity.
        file = ModelFile(model.duplicate().apply { clear() })
    }

    val givenInputs = ArrayList<List<Any>>()
    val givenOutputs = ArrayList<Map<Int, Any>>()
    var failure: RuntimeException? = null

    override fun runForMultipleInputsOutputs(
        inputs: Array<out Any>,
        outputs: Map<Int, Any>,
    ) {
        givenInputs += inputs.toList()
        givenOutputs += outputs
        var sum = 0
        inputs.forEachIndexed { i, input ->
            val buffer = input as ByteBuffer
            require(buffer.capacity() == bytesOf(file.inputs[i])) { "Cannot copy to a TensorFlowLite tensor" }
            require(buffer.isDirect && buffer.order() == ByteOrder.nativeOrder())
            for (at in 0 until buffer.capacity()) sum += buffer.get(at)
        }
        outputs.forEach { (index, output) ->
            val buffer = output as ByteBuffer
            require(buffer.capacity() >= bytesOf(file.outputs[index])) { "Cannot copy from a TensorFlowLite tensor" }
            buffer.put(answer(sum, index, bytesOf(file.outputs[index]))) // from its position on, which it moves
        }
        failure?.let { throw it }
    }

    override fun close() {
        log += "interpreter closed"
    }

    override fun getInputTensorCount(): Int = file.inputs.size

    override fun getOutputTensorCount(): Int = file.outputs.size

    override fun getInputTensor(index: Int): Tensor = FakeTensor(file.inputs[index])

    override fun getOutputTensor(index: Int): Tensor = FakeTensor(file.outputs[index])

    override fun run(
        input: Any,
        output: Any,
    ): Unit = throw UnsupportedOperationException()

    override fun allocateTensors(): Unit = throw UnsupportedOperationException()

    override fun resizeInput(
        index: Int,
        shape: IntArray,
    ): Unit = throw UnsupportedOperationException()

    override fun resizeInput(
        index: Int,
        shape: IntArray,
        strict: Boolean,
    ): Unit = throw UnsupportedOperationException()

    override fun getInputIndex(name: String): Int = throw UnsupportedOperationException()

    override fun getOutputIndex(name: String): Int = throw UnsupportedOperationException()

    override fun getLastNativeInferenceDurationNanoseconds(): Long = throw UnsupportedOperationException()

    companion object {
        /** Bytes of output [index] where those of all inputs add up to [sum]: not one is as its neighbour. */
        fun answer(
            sum: Int,
            index: Int,
            size: Int,
        ): ByteArray = ByteArray(size) { (sum + 7 * index + 3 * it).toByte() }

        private fun bytesOf(edge: ModelFile.Edge): Int =
            edge.shape.fold(edge.type.byteSize()) { size, axis -> size * axis }
    }
}

private class FakeTensor(
    private val edge: ModelFile.Edge,
) : Tensor {
    override fun name() = edge.name

    override fun dataType() = edge.type

    override fun shape() = edge.shape

    override fun shapeSignature() = edge.shape

    override fun numDimensions() = edge.shape.size

    override fun numElements() = edge.shape.fold(1) { size, axis -> size * axis }

    override fun numBytes() = numElements() * edge.type.byteSize()

    override fun index(): Int = throw UnsupportedOperationException()

    override fun quantizationParams() = Tensor.QuantizationParams(edge.scale, edge.zeroPoint)

    override fun asReadOnlyBuffer(): ByteBuffer = throw UnsupportedOperationException()
}

internal class FakeDelegate(
    private val log: MutableList<String>,
) : Delegate {
    override fun getNativeHandle(): Long = 0

    override fun close() {
        log += "delegate closed"
    }
}
