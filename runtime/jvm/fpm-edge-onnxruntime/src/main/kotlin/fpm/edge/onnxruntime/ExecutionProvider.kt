package fpm.edge.onnxruntime

import ai.onnxruntime.OrtSession.SessionOptions
import fpm.edge.engines.Delegate

/**
 * What runs the pieces instead of the processor. It takes all of a piece or there is an error: nothing is left to the
 * processor unseen (decision 0021).
 *
 * ```
 * OnnxRuntime(ExecutionProvider("qnn", Delegate.NPU) { it.addQnn(mapOf("backend_type" to "htp")) })
 * ```
 *
 * @property name as it is to stand in results and logs.
 * @property delegate what kind of thing it is.
 * @property add puts it into the options of a session.
 */
public class ExecutionProvider(
    public val name: String,
    public val delegate: Delegate,
    internal val add: Adding,
) {
    /** See [ExecutionProvider]. */
    public fun interface Adding {
        /** May throw what ONNX Runtime throws. */
        public fun to(options: SessionOptions)
    }
}
