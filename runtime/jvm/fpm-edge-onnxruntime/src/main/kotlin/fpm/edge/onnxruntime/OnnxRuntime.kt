package fpm.edge.onnxruntime

import ai.onnxruntime.NodeInfo
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import fpm.edge.MissingExtraException
import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import fpm.edge.engines.Delegate
import fpm.edge.engines.Edge
import fpm.edge.engines.Engine
import fpm.edge.engines.EngineApi
import fpm.edge.engines.PieceRunner
import fpm.edge.engines.checkEdges
import fpm.edge.engines.firstLine
import fpm.edge.engines.notLoaded
import java.nio.ByteBuffer

/**
 * ONNX Runtime, by its Java API: the artefact `onnxruntime` on a desktop, `onnxruntime-android` on Android. The app adds
 * either; they have the same classes.
 *
 * @param provider what runs the pieces; null: the processor.
 * @throws MissingExtraException neither artefact is there, or its native library does not load here.
 */
@OptIn(EngineApi::class)
public class OnnxRuntime
    @JvmOverloads
    constructor(
        private val provider: ExecutionProvider? = null,
    ) : Engine {
        private val environment =
            try {
                OrtEnvironment.getEnvironment()
            } catch (error: LinkageError) {
                // The native library, or all of the package, is not there.
                throw missing(error)
            } catch (error: IllegalStateException) {
                throw missing(error)
            }

        private val isExact =
            try {
                isExact(environment)
            } catch (error: OrtException) {
                throw missing(error)
            }

        override val name: String = if (provider == null) "onnxruntime-java" else "onnxruntime-java-${provider.name}"
        override val version: String = environment.version
        override val formats: List<Format> = listOf(Format.ONNX)

        override fun load(
            piece: Piece,
            model: ByteBuffer,
            threads: Int?,
        ): PieceRunner {
            val session =
                try {
                    create(model, provider, threads)
                } catch (error: OrtException) {
                    throw notLoaded(piece, name, error, provider?.name) { create(model, null, threads).close() }
                }
            try {
                // An ONNX model does not state the scales of its edges.
                checkEdges(piece, edgesOf(session.inputInfo), edgesOf(session.outputInfo))
            } catch (error: Throwable) {
                session.close()
                throw error
            }
            return OnnxRunner(environment, session, piece, provider?.delegate ?: Delegate.NONE)
        }

        /** What a session runs with: one piece at a time, exact integers, no processor beside a provider. */
        private fun create(
            model: ByteBuffer,
            provider: ExecutionProvider?,
            threads: Int?,
        ): OrtSession =
            OrtSession.SessionOptions().use { options ->
                options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR)
                options.setInterOpNumThreads(1)
                if (threads != null) options.setIntraOpNumThreads(threads)
                // Threads of one piece would go on spinning while the next one runs, and take the processors from it.
                options.addConfigEntry("session.intra_op.allow_spinning", "0")
                // Kernels become uint8 as well. Not where it is not needed: that is slower.
                if (!isExact) options.addConfigEntry("session.x64quantprecision", "1")
                if (provider != null) {
                    options.addConfigEntry("session.disable_cpu_ep_fallback", "1")
                    provider.add.to(options)
                }
                environment.createSession(model, options)
            }
    }

private fun missing(error: Throwable): MissingExtraException =
    MissingExtraException(
        "ONNX Runtime does not start: ${firstLineOf(error)}; add com.microsoft.onnxruntime:onnxruntime, or " +
            "onnxruntime-android in an app for Android",
        error,
    )

@OptIn(EngineApi::class)
private fun firstLineOf(error: Throwable): String = firstLine(error)

@OptIn(EngineApi::class)
private fun edgesOf(nodes: Map<String, NodeInfo>): List<Edge> =
    nodes.values.map { node ->
        val info = node.info
        if (info is TensorInfo) {
            val type = info.type.name.lowercase().replace("float", "float32")
            Edge(node.name, type, info.shape.map(Long::toInt))
        } else {
            Edge(node.name, "no tensor", emptyList())
        }
    }
