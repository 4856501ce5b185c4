package fpm.edge.litert

import fpm.edge.engines.Binding
import fpm.edge.engines.Delegate
import fpm.edge.engines.PieceRunner
import org.tensorflow.lite.InterpreterApi
import java.nio.ByteBuffer
import org.tensorflow.lite.Delegate as TfLiteDelegate

/** An interpreter, and the delegate that it runs on. */
internal class Loaded(
    val interpreter: InterpreterApi,
    private val delegate: TfLiteDelegate?,
) : AutoCloseable {
    /** The interpreter first: it still uses its delegate. */
    override fun close() {
        try {
            interpreter.close()
        } finally {
            delegate?.close()
        }
    }
}

/** One piece in an interpreter of its own. */
internal class LiteRtRunner(
    private val loaded: Loaded,
    private val inputs: List<ModelEdge>,
    private val outputs: List<ModelEdge>,
    override val delegate: Delegate,
) : PieceRunner {
    // That of a delegate is not known: see LiteRtDelegate.
    override val delegated: Double = 0.0

    override fun bind(tensors: Map<String, ByteBuffer>): Binding =
        Bound(
            loaded.interpreter,
            Array(inputs.size) { tensors.getValue(inputs[it].name) },
            Array(outputs.size) { tensors.getValue(outputs[it].name) },
        )

    override fun close(): Unit = loaded.close()
}

private class Bound(
    private val interpreter: InterpreterApi,
    private val inputs: Array<Any>,
    private val outputs: Array<ByteBuffer>,
) : Binding {
    private val byIndex: Map<Int, Any> = outputs.withIndex().associate { (index, buffer) -> index to buffer }

    override fun run() {
        try {
            interpreter.runForMultipleInputsOutputs(inputs, byIndex)
        } finally {
            // It writes from a buffer's position on, and leaves it behind what it wrote. Inputs' positions it ignores.
            for (buffer in outputs) buffer.rewind()
        }
    }

    /** The buffers are the caller's, and LiteRT holds none of them between runs. */
    override fun close(): Unit = Unit
}
