package fpm.edge.litert

import fpm.edge.FpmEdgeException
import fpm.edge.MissingExtraException
import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import fpm.edge.engines.Delegate
import fpm.edge.engines.Engine
import fpm.edge.engines.EngineApi
import fpm.edge.engines.PieceRunner
import fpm.edge.engines.firstLine
import fpm.edge.engines.notLoaded
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.TensorFlowLite
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * LiteRT's interpreter, on Android only: the app adds `com.google.ai.edge.litert:litert`. Its native library exists for
 * Android alone; on a desktop take `OnnxRuntime`.
 *
 * A model's tensors are found by their own names, which are the manifest's in all that `fpm-edge convert` makes: names
 * that only its signature has are not to be had from this API.
 *
 * @throws MissingExtraException LiteRT is not there, or its native library does not load here.
 */
@OptIn(EngineApi::class)
public class LiteRt internal constructor(
    private val delegate: LiteRtDelegate?,
    override val version: String,
    private val create: (ByteBuffer, InterpreterApi.Options) -> InterpreterApi,
) : Engine {
    /** @param delegate what runs the pieces; null: the processor. */
    @JvmOverloads
    public constructor(delegate: LiteRtDelegate? = null) : this(delegate, installed(), InterpreterApi::create)

    override val name: String = if (delegate == null) "litert-java" else "litert-java-${delegate.name}"
    override val formats: List<Format> = listOf(Format.TFLITE)

    override fun load(
        piece: Piece,
        model: ByteBuffer,
        threads: Int?,
    ): PieceRunner {
        // LiteRT reads from the buffer's beginning, wherever its position is, and wants it in this order.
        val bytes = model.slice().order(ByteOrder.nativeOrder())
        val loaded =
            try {
                open(bytes, delegate, threads)
            } catch (error: LinkageError) {
                throw missing(error)
            } catch (error: RuntimeException) {
                throw refused(piece, error) { open(bytes, null, threads).close() }
            }
        try {
            val (inputs, outputs) =
                try {
                    edgesOf(loaded.interpreter)
                } catch (error: RuntimeException) {
                    throw notLoaded(piece, name, error, null) {} // a tensor of a type that Java's LiteRT does not know
                }
            checkModel(piece, inputs, outputs)
            return LiteRtRunner(loaded, inputs, outputs, delegate?.delegate ?: Delegate.NONE)
        } catch (error: Throwable) {
            loaded.close()
            throw error
        }
    }

    private fun open(
        model: ByteBuffer,
        delegate: LiteRtDelegate?,
        threads: Int?,
    ): Loaded {
        val options = InterpreterApi.Options()
        if (threads != null) options.setNumThreads(threads)
        val own = delegate?.maker?.make()
        try {
            if (own != null) options.addDelegate(own)
            return Loaded(create(model, options), own)
        } catch (error: Throwable) {
            own?.close()
            throw error
        }
    }

    private fun refused(
        piece: Piece,
        error: RuntimeException,
        onProcessor: () -> Unit,
    ): FpmEdgeException = notLoaded(piece, name, error, delegate?.name, onProcessor)

    /** Of what is linked late: the delegate's own library, if there is one, as LiteRT itself has said its version. */
    private fun missing(error: LinkageError): MissingExtraException =
        if (delegate == null) {
            missingLiteRt(error)
        } else {
            MissingExtraException(
                "${delegate.name} does not start: ${firstLine(error)}; add the library of this delegate to the app " +
                    "(for GPUs com.google.ai.edge.litert:litert-gpu), or leave the delegate out",
                error,
            )
        }
}

/** Version of the LiteRT that is there. To ask for it loads it, so what is missing shows here. */
private fun installed(): String =
    try {
        TensorFlowLite.runtimeVersion()
    } catch (error: LinkageError) {
        throw missingLiteRt(error) // the native library, or all of the package
    } catch (error: IllegalStateException) {
        throw missingLiteRt(error) // the interfaces without what is behind them
    }

@OptIn(EngineApi::class)
private fun missingLiteRt(error: Throwable): MissingExtraException =
    MissingExtraException(
        "LiteRT does not start: ${firstLine(error)}; add com.google.ai.edge.litert:litert in an app for Android; " +
            "elsewhere take OnnxRuntime",
        error,
    )
