@file:JvmName("Edges")

package fpm.edge.engines

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec

/** For those who write engines, not for apps: it may change with a minor version. */
@RequiresOptIn("It is for those who write engines.")
@Retention(AnnotationRetention.BINARY)
public annotation class EngineApi

/** A tensor of a model as an engine describes it; [dtype] in the words of the manifest. */
@EngineApi
public class Edge(
    public val name: String,
    public val dtype: String,
    public val shape: List<Int>,
)

/**
 * Whether what an engine found in a model is what the manifest promises.
 *
 * @param inputs those of the model; likewise [outputs].
 * @throws BundleException they have other names, types or shapes than those of the piece.
 */
@EngineApi
public fun checkEdges(
    piece: Piece,
    inputs: List<Edge>,
    outputs: List<Edge>,
) {
    for ((what, specs, edges) in listOf(
        Triple("inputs", piece.inputs, inputs),
        Triple("outputs", piece.outputs, outputs),
    )) {
        val promised = specs.map(::edgeOf)
        // Names first, then types and shapes: what has other names is another model.
        for (shown in listOf(Edge::name, Edge::described)) {
            val found = edges.map(shown).sorted().joinToString(", ")
            val expected = promised.map(shown).sorted().joinToString(", ")
            if (found != expected) {
                throw BundleException(
                    "${piece.member}: the model's $what are ${found.ifEmpty { "none" }}; the manifest says $expected; " +
                        "convert the model again",
                )
            }
        }
    }
}

/**
 * The error for a model that an engine did not load: the model is damaged, or, if the processor loads it, the
 * accelerator is not there or does not take all of it.
 *
 * @param engine its name.
 * @param accelerator what was to run it; null for the processor.
 * @param onProcessor loads it there, or throws.
 */
@EngineApi
public fun notLoaded(
    piece: Piece,
    engine: String,
    error: Throwable,
    accelerator: String?,
    onProcessor: () -> Unit,
): FpmEdgeException {
    var cause = error
    if (accelerator != null) {
        try {
            onProcessor()
            return FpmEdgeException(
                "$engine cannot run ${piece.member}: $accelerator is not there, or does not take all of its operations " +
                    "(${firstLine(error)}); use another engine",
                error,
            )
        } catch (
            @Suppress("TooGenericExceptionCaught") onProcessorToo: Exception,
        ) {
            cause = onProcessorToo
        }
    }
    return BundleException(
        "$engine cannot load ${piece.member}: ${firstLine(cause)}; update the engine, or convert the model again",
        cause,
    )
}

/** What an error says in its first line. */
@EngineApi
public fun firstLine(error: Throwable): String =
    (error.message?.takeIf(String::isNotBlank) ?: error.toString()).trim().lineSequence().first()

@EngineApi
private val Edge.described: String
    get() = "$name $dtype (${shape.joinToString(", ")})"

@EngineApi
private fun edgeOf(spec: TensorSpec) = Edge(spec.name, spec.dtype.label, spec.shape)
