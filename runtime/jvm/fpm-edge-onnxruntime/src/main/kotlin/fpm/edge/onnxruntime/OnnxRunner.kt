package fpm.edge.onnxruntime

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession
import fpm.edge.FpmEdgeException
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec
import fpm.edge.engines.Binding
import fpm.edge.engines.Delegate
import fpm.edge.engines.PieceRunner
import fpm.edge.pixels.Dtype
import java.nio.ByteBuffer

/** One piece in a session of its own. */
internal class OnnxRunner(
    private val environment: OrtEnvironment,
    private val session: OrtSession,
    private val piece: Piece,
    override val delegate: Delegate,
) : PieceRunner {
    // Never less than all: see OnnxRuntime.create.
    override val delegated: Double = if (delegate == Delegate.NONE) 0.0 else 1.0

    override fun bind(tensors: Map<String, ByteBuffer>): Binding {
        val inputs = HashMap<String, OnnxTensor>()
        val outputs = HashMap<String, OnnxTensor>()
        try {
            for (spec in piece.inputs) inputs[spec.name] = tensor(spec, tensors.getValue(spec.name))
            for (spec in piece.outputs) outputs[spec.name] = tensor(spec, tensors.getValue(spec.name))
        } catch (error: Throwable) {
            (inputs.values + outputs.values).forEach(OnnxTensor::close)
            throw error
        }
        return Bound(session, inputs, outputs)
    }

    override fun close() {
        session.close()
    }

    /** The buffer's own bytes as a tensor: ONNX Runtime reads and writes them where they are. */
    private fun tensor(
        spec: TensorSpec,
        buffer: ByteBuffer,
    ): OnnxTensor {
        val shape = LongArray(spec.shape.size) { spec.shape[it].toLong() }
        val tensor = OnnxTensor.createTensor(environment, buffer, shape, typeOf(spec.dtype))
        if (tensor.ownsBuffer()) {
            tensor.close()
            throw FpmEdgeException("the buffer of ${spec.name} is not direct; ONNX Runtime would run on a copy of it")
        }
        return tensor
    }
}

private class Bound(
    private val session: OrtSession,
    private val inputs: Map<String, OnnxTensor>,
    private val outputs: Map<String, OnnxTensor>,
) : Binding {
    override fun run() {
        try {
            session.run(inputs, outputs).close() // which leaves tensors that were given to it open
        } catch (error: OrtException) {
            throw IllegalStateException(error.message, error) // the session says in which piece
        }
    }

    override fun close() {
        inputs.values.forEach(OnnxTensor::close)
        outputs.values.forEach(OnnxTensor::close)
    }
}

private fun typeOf(dtype: Dtype): OnnxJavaType =
    when (dtype) {
        Dtype.UINT8 -> OnnxJavaType.UINT8
        Dtype.INT8 -> OnnxJavaType.INT8
        Dtype.INT16 -> OnnxJavaType.INT16
        Dtype.FLOAT32 -> OnnxJavaType.FLOAT
    }
