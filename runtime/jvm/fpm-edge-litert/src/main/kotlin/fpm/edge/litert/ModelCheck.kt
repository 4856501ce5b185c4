package fpm.edge.litert

import fpm.edge.BundleException
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec
import fpm.edge.engines.Edge
import fpm.edge.engines.EngineApi
import fpm.edge.engines.checkEdges
import fpm.edge.pixels.Dtype
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.Tensor

/** The inputs and the outputs of a model, in its own order. */
internal fun edgesOf(interpreter: InterpreterApi): Pair<List<ModelEdge>, List<ModelEdge>> =
    List(interpreter.inputTensorCount) { ModelEdge(interpreter.getInputTensor(it)) } to
        List(interpreter.outputTensorCount) { ModelEdge(interpreter.getOutputTensor(it)) }

/** What a tensor says of itself, read once: each answer comes out of native code. */
@OptIn(EngineApi::class)
internal class ModelEdge(
    tensor: Tensor,
) {
    val name: String = tensor.name()
    val edge = Edge(name, tensor.dataType().name.lowercase(), tensor.shape().asList())

    // Both 0 where a tensor has none, or one for each channel.
    val scale: Float = tensor.quantizationParams().scale
    val zeroPoint: Int = tensor.quantizationParams().zeroPoint
}

/** @throws BundleException the model's names, types, shapes, scales or zero points are not those of the piece. */
@OptIn(EngineApi::class)
internal fun checkModel(
    piece: Piece,
    inputs: List<ModelEdge>,
    outputs: List<ModelEdge>,
) {
    checkEdges(piece, inputs.map(ModelEdge::edge), outputs.map(ModelEdge::edge))
    for ((specs, edges) in listOf(piece.inputs to inputs, piece.outputs to outputs)) {
        for (spec in specs) checkQuantization(piece, spec, edges.first { it.name == spec.name })
    }
}

/** Not of an image without scale in the manifest: its codes are the pixels, whatever the model makes of them. */
private fun checkQuantization(
    piece: Piece,
    spec: TensorSpec,
    found: ModelEdge,
) {
    val scale = spec.scale
    if (scale == null && spec.dtype == Dtype.UINT8) return
    if (found.scale != (scale?.toFloat() ?: 0f) || found.zeroPoint != (spec.zeroPoint ?: 0)) {
        throw BundleException(
            "${piece.member}: tensor ${spec.name} has scale ${found.scale} and zero point ${found.zeroPoint}; the " +
                "manifest says ${scale ?: "none"} and ${spec.zeroPoint ?: "none"}; convert the model again",
        )
    }
}
