package fpm.edge.conformance

import fpm.edge.UsageException
import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec
import fpm.edge.engines.Binding
import fpm.edge.engines.Delegate
import fpm.edge.engines.Engine
import fpm.edge.engines.PieceRunner
import fpm.edge.stages.Clock
import java.nio.ByteBuffer

/** A clock that stands still but for what moves it; times by piece, the last of each repeats. */
internal class GivenClock(
    private val times: Map<String, List<Double>>,
) : Clock {
    private var now = 0.0
    private val runs = HashMap<String, Int>()

    override fun ms(): Double = now

    /** Let so much time pass. */
    fun move(milliseconds: Double) {
        now += milliseconds
    }

    /** Let the time of the piece's next run pass. */
    fun run(piece: String) {
        val times = times[piece] ?: return
        val run = runs.merge(piece, 1, Int::plus)!! - 1
        move(times[minOf(run, times.size - 1)])
    }
}

/** An engine whose pieces take as long as a given clock says, whatever they took. */
internal class Timed(
    private val engine: Engine,
    private val clock: GivenClock,
) : Engine by engine {
    override fun load(
        piece: Piece,
        model: ByteBuffer,
        threads: Int?,
    ): PieceRunner {
        val runner = engine.load(piece, model, threads)
        return object : PieceRunner by runner {
            override fun bind(tensors: Map<String, ByteBuffer>): Binding {
                val binding = runner.bind(tensors)
                return object : Binding by binding {
                    override fun run() {
                        binding.run()
                        clock.run(piece.name)
                    }
                }
            }
        }
    }
}

/** What a piece was given: its name, and the SHA-256 of each input. */
internal class Run(
    val piece: String,
    val inputs: Map<String, String>,
)

/**
 * The engine `given`: it answers with the tensors that it was told, and remembers what it was given.
 *
 * @param answers tensor → path and raw numbers, one a run; the last repeats.
 */
internal class GivenEngine(
    private val answers: Map<String, List<Pair<String, ByteArray>>>,
) : Engine {
    override val name = "given"
    override val version = "0"
    override val formats = listOf(Format.TFLITE, Format.ONNX)
    var runs = ArrayList<Run>()

    override fun load(
        piece: Piece,
        model: ByteBuffer,
        threads: Int?,
    ): PieceRunner {
        for (spec in piece.outputs) answers[spec.name]?.forEach { (path, bytes) -> checkSize(spec, path, bytes) }
        var count = 0
        return object : PieceRunner {
            override val delegate = Delegate.NONE
            override val delegated = 0.0

            override fun bind(tensors: Map<String, ByteBuffer>): Binding =
                object : Binding {
                    override fun run() {
                        runs += Run(piece.name, piece.inputs.associate { it.name to sha256(tensors.getValue(it.name)) })
                        for (spec in piece.outputs) answer(spec, count, tensors.getValue(spec.name))
                        count++
                    }

                    override fun close() = Unit
                }

            override fun close() = Unit
        }
    }

    private fun answer(
        spec: TensorSpec,
        run: Int,
        into: ByteBuffer,
    ) {
        val given = answers[spec.name].orEmpty()
        into.clear()
        into.put(if (given.isEmpty()) ByteArray(into.capacity()) else given[minOf(run, given.size - 1)].second)
        into.clear()
    }

    private fun checkSize(
        spec: TensorSpec,
        path: String,
        bytes: ByteArray,
    ) {
        val size = spec.size * spec.dtype.bytes
        if (bytes.size != size) throw UsageException("$path has ${bytes.size} bytes; ${spec.name} has $size")
    }
}
