package fpm.edge.litert

import fpm.edge.engines.Delegate
import org.tensorflow.lite.Delegate as TfLiteDelegate

/**
 * What is to run the pieces instead of the processor.
 *
 * ```
 * // com.google.ai.edge.litert:litert-gpu; left alone, a GPU computes in float16, and the landmarks drift unseen.
 * val exact = GpuDelegateFactory.Options().setPrecisionLossAllowed(false)
 * LiteRt(LiteRtDelegate("gpu", Delegate.GPU) { GpuDelegate(exact) })
 * ```
 *
 * **How much of a piece it takes is not known.** What it does not take, some of it or all, LiteRT's interpreter leaves
 * to the processor, and says nothing of it. So decision 0021 (all of a piece, or an error) cannot be kept here:
 * `delegated` stays 0, as nothing is known to run there, and only a delegate that cannot be made, or that fails on the
 * model, is an error. Make the self-check with it, and measure, before you use it.
 *
 * LiteRT's GPU delegate may run only on the thread that loaded it: make the session and detect on one thread.
 *
 * @property name as it is to stand in results and logs.
 * @property delegate what kind of thing it is.
 * @property maker called once for each piece, each of which has its own; it is closed with the piece, after its
 *   interpreter.
 */
public class LiteRtDelegate(
    public val name: String,
    public val delegate: Delegate,
    internal val maker: Maker,
) {
    /** See [LiteRtDelegate]. */
    public fun interface Maker {
        /** A new one. May throw what LiteRT's delegates throw. */
        public fun make(): TfLiteDelegate
    }
}
