package fpm.edge.stages

import fpm.edge.bundle.IMAGE
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorConversion
import fpm.edge.bundle.TensorSpec
import fpm.edge.bundle.imagePlanes
import fpm.edge.engines.Binding
import fpm.edge.engines.PieceRunner
import fpm.edge.pixels.Layout
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The tensors of one frame at a time: one buffer each, from which pieces read and into which they write, frame after
 * frame. A frame that is not done when another one comes (of two looks, or of a caller that waits between stages) has
 * its tensors kept for it, and put back when it goes on.
 *
 * @param pieces those that are loaded, with what runs them.
 * @param input bytes of the network's input: height × width × RGB.
 */
internal class Workspace(
    private val pieces: List<Pair<Piece, PieceRunner>>,
    input: Int,
) : AutoCloseable {
    private val image = direct(input)
    private val outputs = pieces.map { (piece, _) -> piece.outputs.map { direct(it.size * it.dtype.bytes) } }
    private val specs = HashMap<String, TensorSpec>()
    private val made = HashMap<String, ByteBuffer>()
    private val feeds = ArrayList<List<Feed>>()
    private val bindings = ArrayList<Binding>()
    private var owner: Frame? = null
    private var spare: List<ByteArray>? = null

    init {
        try {
            bind()
        } catch (error: Throwable) {
            closeAll(bindings, error)
            throw error
        }
    }

    /** What a piece has made, in the place's own buffer: read it before the next frame. */
    fun output(name: String): ByteBuffer = made.getValue(name)

    /** Make the place this frame's. Its tensors are there again, if it had any. */
    fun enter(frame: Frame) {
        val before = owner
        if (before === frame) return
        if (before != null) keep(before)
        owner = frame
        val kept = frame.kept ?: return
        put(kept[0], image)
        for (i in 0 until frame.ran) {
            val piece = frame.order[i]
            outputs[piece].forEachIndexed { j, buffer -> put(kept[first(piece) + j], buffer) }
        }
        frame.kept = null
        spare = kept
    }

    /** A frame is done: nobody needs its tensors any more. */
    fun leave(frame: Frame) {
        if (owner === frame) owner = null
        spare = frame.kept ?: spare
        frame.kept = null
    }

    /** Let the frame that has entered see this: height × width × RGB bytes. */
    fun show(input: ByteArray): Unit = put(input, image)

    /** A copy of what the frame that has entered sees. */
    fun shown(): ByteArray = ByteArray(image.capacity()).also { get(image, it) }

    /** Run a piece on the tensors of the frame that has entered. */
    fun run(piece: Int) {
        bindings[piece].run()
    }

    /** Give a piece its inputs in its own types and layouts. */
    fun feed(piece: Int) {
        for (feed in feeds[piece]) feed.convert(feed.from, feed.to)
    }

    override fun close(): Unit = closeAll(bindings)

    private fun bind() {
        pieces.forEachIndexed { i, (piece, runner) ->
            val tensors = HashMap<String, ByteBuffer>()
            val feeding = ArrayList<Feed>()
            for (target in piece.inputs) {
                val feed = feedOf(target)
                tensors[target.name] = feed?.to ?: sourceOf(target.name)
                if (feed != null) feeding += feed
            }
            piece.outputs.forEachIndexed { j, spec ->
                tensors[spec.name] = outputs[i][j]
                made[spec.name] = outputs[i][j]
                specs[spec.name] = spec
            }
            feeds += feeding
            bindings += runner.bind(tensors)
        }
    }

    private fun sourceOf(name: String): ByteBuffer = if (name == IMAGE) image else made.getValue(name)

    /** How a piece's input comes from what was made; null where it is that itself. */
    private fun feedOf(target: TensorSpec): Feed? {
        val source = specs[target.name]
        if (if (source == null) target.layout == Layout.NHWC else source.dtype == target.dtype) return null
        val to = direct(target.size * target.dtype.bytes)
        if (source == null) return Feed(image, to, ::imagePlanes)
        return Feed(sourceOf(target.name), to, TensorConversion(source, target)::convert)
    }

    private fun keep(frame: Frame) {
        val kept = spare ?: (listOf(image) + outputs.flatten()).map { ByteArray(it.capacity()) }
        spare = null
        get(image, kept[0])
        for (i in 0 until frame.ran) {
            val piece = frame.order[i]
            outputs[piece].forEachIndexed { j, buffer -> get(buffer, kept[first(piece) + j]) }
        }
        frame.kept = kept
    }

    /** Where the outputs of a piece are among all that is kept. */
    private fun first(piece: Int): Int = 1 + (0 until piece).sumOf { outputs[it].size }

    private class Feed(
        val from: ByteBuffer,
        val to: ByteBuffer,
        val convert: (ByteBuffer, ByteBuffer) -> Unit,
    )

    private companion object {
        fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

        fun put(
            from: ByteArray,
            to: ByteBuffer,
        ) {
            to.clear()
            to.put(from)
            to.clear()
        }

        fun get(
            from: ByteBuffer,
            to: ByteArray,
        ) {
            from.clear()
            from.get(to)
            from.clear()
        }
    }
}
