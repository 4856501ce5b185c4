package fpm.edge.engines

import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import java.nio.ByteBuffer

/** What runs the pieces; [NONE]: the processor. */
public enum class Delegate { NONE, GPU, NPU }

/**
 * Turns the bytes of a piece into something that runs. One class an engine, each in a module of its own; an app may
 * bring another.
 */
public interface Engine {
    public val name: String

    /** Version of the engine's package. */
    public val version: String

    /** What it reads, best first. */
    public val formats: List<Format>

    /**
     * Load a piece.
     *
     * @param piece names, types, shapes and quantization that the model must have.
     * @param model the piece's member, its digest already checked: a direct buffer, from its position to its limit.
     * @param threads to use; null leaves it to the engine.
     * @throws fpm.edge.BundleException the engine cannot read the model, or its tensors are not those of [piece].
     * @throws fpm.edge.MissingExtraException a part of the engine is missing.
     * @throws fpm.edge.FpmEdgeException the engine is for a GPU or NPU that is not there or does not take all of the
     *   model.
     */
    public fun load(
        piece: Piece,
        model: ByteBuffer,
        threads: Int?,
    ): PieceRunner
}

/** One loaded piece. It is used by one thread at a time. */
public interface PieceRunner : AutoCloseable {
    public val delegate: Delegate

    /** Share of the piece's operations that the delegate runs, 0 to 1; 0 without a delegate. */
    public val delegated: Double

    /**
     * Settle where it reads its inputs and writes its outputs, once for many runs: nothing is allocated or looked up
     * in between, and what one piece writes the next one reads where it is.
     *
     * @param tensors tensor name → a direct buffer in native byte order, of exactly the bytes of the type and shape in
     *   the piece's inputs and outputs. Others are ignored. Their positions are 0 and stay so.
     */
    public fun bind(tensors: Map<String, ByteBuffer>): Binding

    /** Free what the engine holds. Its bindings are closed before. */
    override fun close()
}

/** A piece with its buffers. */
public interface Binding : AutoCloseable {
    /** Run the piece: from the buffers of its inputs into those of its outputs. */
    public fun run()

    /** Free what belongs to these buffers; they themselves stay. */
    override fun close()
}
