package fpm.edge.stages

import fpm.edge.DataException
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import fpm.edge.bundle.BundleContents
import fpm.edge.bundle.Format
import fpm.edge.bundle.Geometry
import fpm.edge.bundle.LandmarkSchema
import fpm.edge.bundle.Piece
import fpm.edge.bundle.piecesFor
import fpm.edge.engines.Delegate
import fpm.edge.engines.Engine
import fpm.edge.engines.PieceRunner
import fpm.edge.pixels.Box
import fpm.edge.pixels.HeatmapDecoder
import fpm.edge.pixels.LetterboxResizer
import fpm.edge.pixels.Picture
import fpm.edge.pixels.cellsToInput
import fpm.edge.pixels.fitLetterbox
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

private const val WARM_UP_RUNS = 2

/** Engines crash when asked for absurdly many. */
private const val MOST_THREADS = 256

/**
 * A bundle's pieces, loaded into an engine. Get one from [Bundle.session], and close it.
 *
 * Several threads may use it: calls take turns, in the order in which they came.
 */
public class Session internal constructor(
    /** The bundle it runs. */
    override val bundle: BundleContents,
    private val ran: Engine,
    /** Which of the bundle's formats is loaded. */
    public val format: Format,
    threads: Int?,
    stages: Int?,
    private val clock: Clock,
) : Watchable,
    StagedDetector,
    GoldenSession,
    FloatSession,
    AutoCloseable {
    /** How many stages are loaded; no call can run more. */
    override val stageLimit: Int = checkStages(stages, bundle.stages, "the bundle")

    /** The landmarks it finds. */
    override val schema: LandmarkSchema = bundle.manifest.landmarks

    /** Size of the network's input, and its stride. */
    override val geometry: Geometry = bundle.manifest.geometry

    private val pieces: List<Piece>
    private val names: List<String>
    private val runners = ArrayList<PieceRunner>()

    // Stage − 1 → the pieces that it needs, in the order in which they run.
    private val plan: List<IntArray>
    private val decoders: List<HeatmapDecoder>
    private val workspace: Workspace
    private val recognizer = Recognizer(bundle.manifest)
    private val resizer = LetterboxResizer()
    private val input = ByteArray(geometry.inputHeight * geometry.inputWidth * 3)
    private val paces: List<Pace>
    private val decoding = Pace()
    private val turn = ReentrantLock(true)
    private var closed = false

    init {
        if (threads != null && threads !in 1..MOST_THREADS) {
            throw UsageException("threads is $threads; expected 1 to $MOST_THREADS, or null: the engine decides then")
        }
        val all = bundle.manifest.pieces.getValue(format)
        val needed = (1..stageLimit).map { piecesFor(all, it) }
        pieces = needed.flatten().distinct()
        names = pieces.map(Piece::name)
        plan = needed.map { of -> IntArray(of.size) { pieces.indexOf(of[it]) } }
        decoders = (1..stageLimit).map(::decoderOf)
        paces = pieces.map { Pace() }
        try {
            for (piece in pieces) runners += ran.load(piece, bundle.read(piece.member), threads)
            workspace = Workspace(pieces zip runners, input.size)
        } catch (error: Throwable) {
            closeAll(runners, error)
            throw error
        }
        try {
            warmUp()
        } catch (error: Throwable) {
            close()
            throw error
        }
    }

    /** That of its bundle. */
    override val digest: String
        get() = bundle.digest

    /** Name of the engine. */
    override val engine: String
        get() = ran.name

    /** Version of the engine's package. */
    override val engineVersion: String
        get() = ran.version

    /** What the engine runs the pieces on. */
    public val delegate: Delegate
        get() = runners.first().delegate

    /**
     * Share of a piece's operations that the delegate runs, of the piece where it is least; 0 without a delegate.
     * Otherwise 1, for ours throw where a delegate does not take all, or 0 where the engine cannot tell (`LiteRt`).
     */
    public val delegated: Double
        get() = runners.minOf(PieceRunner::delegated)

    /**
     * Find the landmarks of one picture.
     *
     * @throws UsageException stages, box, deadlineMs, converge or looks is out of range, or nothing was fitted; the
     *   session is closed.
     * @throws fpm.edge.SchemaException the category is unknown.
     * @throws DataException the box lies outside the picture.
     * @throws FpmEdgeException the engine failed.
     */
    override fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection =
        asked(options) { first, still ->
            left(first) { answer(chosen(first, picture, options), still) }
        }

    /**
     * As [detect], with what a comparison with another model needs: every stage's landmarks, and the input.
     *
     * Of two looks, the one that answered is traced. The earlier stages are decoded after the answer was there.
     */
    override fun trace(
        picture: Picture,
        options: DetectOptions,
    ): Trace =
        asked(options) { first, still ->
            left(first) {
                val frame = chosen(first, picture, options)
                val detection = answer(frame, still)
                val fit = checkNotNull(frame.fit)
                val earlier = (1 until detection.stagesRun).map { decode(frame, it).landmarks }
                Trace(detection, earlier + fit.toInput(detection.landmarks), workspace.shown(), fit)
            }
        }

    /**
     * Every stage's landmarks for a ready-made network input, in pixels of that input.
     *
     * @param input input height × input width × RGB bytes, for example of [BundleContents.goldenInput].
     * @param stages run at most so many; null for all that are loaded.
     * @throws UsageException stages is out of range.
     * @throws DataException the input is not of exactly that size.
     */
    override fun detectInput(
        input: ByteArray,
        stages: Int?,
    ): List<StageResult> {
        val frame = start(DetectOptions(stages = stages))
        if (input.size != this.input.size) {
            throw DataException("the input has ${input.size} bytes; expected ${this.input.size}, $inputSize of RGB")
        }
        return turn.withLock {
            left(frame) {
                workspace.enter(frame)
                workspace.show(input)
                (1..frame.limit).mapNotNull { result(frame, it) }
            }
        }
    }

    /** As the other one, of a picture of exactly the input's size. */
    @JvmOverloads
    public fun detectInput(
        picture: Picture,
        stages: Int? = null,
    ): List<StageResult> {
        val (width, height) = geometry.inputWidth to geometry.inputHeight
        if (picture.width != width || picture.height != height) {
            throw DataException(
                "the input has ${picture.width} × ${picture.height} pixels; expected $inputSize; use detect for other " +
                    "pictures",
            )
        }
        val bytes = ByteArray(input.size)
        val row = ByteArray(width * 3)
        for (y in 0 until height) {
            picture.readRow(y, 0, width, row)
            row.copyInto(bytes, y * row.size)
        }
        return detectInput(bytes, stages)
    }

    /**
     * Find the landmarks of one picture, and give the answer of every stage as soon as it is there.
     *
     * Arguments and errors are those of [detect], but for `converge` and `looks`, which must be left out; they are
     * checked at the call. A stage runs when its answer is asked for, and time that the caller spends between two stages
     * counts towards the deadline. Other calls may come in between. The sequence can be gone through once. Whoever leaves
     * it before its end makes the next call copy its tensors away.
     */
    override fun stages(
        picture: Picture,
        options: DetectOptions,
    ): Sequence<StageResult> {
        if (options.converge != null || options.looks != 1) {
            throw UsageException("stages gives the answer of each stage of one look; leave converge and looks out")
        }
        val frame = start(options) // its time begins before its turn
        recognizer.check(frame.category)
        turn.withLock { leftIfItFails(frame) { prepare(frame, picture, options.box) } }
        return sequence {
            for (stage in 1..frame.limit) {
                val result = turn.withLock { leftIfItFails(frame) { result(frame, stage) } } ?: break
                yield(result)
            }
            turn.withLock { workspace.leave(frame) }
        }.constrainOnce()
    }

    /** Free what the engine holds, after what runs now. No call is answered any more. */
    override fun close(): Unit =
        turn.withLock {
            if (!closed) {
                closed = true
                closeAll(listOf(workspace) + runners)
            }
        }

    private val inputSize: String
        get() = "${geometry.inputWidth} × ${geometry.inputHeight} pixels"

    private fun now(): Double = clock.ms() / 1e3

    private fun start(options: DetectOptions): Frame {
        val start = now()
        val limit = checkStages(options.stages, stageLimit, "the session")
        return Frame(start, limit, deadlineOf(start, options.deadlineMs), options.category, pieces.size)
    }

    /** Check a call, in its turn, and hand its frame and the pixels within which landmarks are still to [work]. */
    private inline fun <T> asked(
        options: DetectOptions,
        work: (Frame, Double?) -> T,
    ): T {
        val frame = start(options) // its time begins before its turn
        recognizer.check(frame.category)
        val still = options.converge?.let { stillPx(it, bundle.manifest.convergence) }
        checkLooks(options.looks)
        return turn.withLock { work(frame, still) }
    }

    /** Let the frame, and another look at the same picture, leave the place in any case. */
    private inline fun <T> left(
        frame: Frame,
        work: () -> T,
    ): T =
        try {
            work()
        } finally {
            workspace.leave(frame)
            frame.second?.let(workspace::leave)
        }

    private inline fun <T> leftIfItFails(
        frame: Frame,
        work: () -> T,
    ): T =
        try {
            work()
        } catch (error: Throwable) {
            workspace.leave(frame)
            throw error
        }

    /** The look that is to answer: the first, or a second one at the region of what it found. */
    private fun chosen(
        first: Frame,
        picture: Picture,
        options: DetectOptions,
    ): Frame {
        prepare(first, picture, options.box)
        if (options.looks == 1) return first
        val found = see(first)
        val region = secondRegion(found, checkNotNull(first.fit), geometry.inputWidth, geometry.inputHeight)
        if (region == null || !isTimeToLookAgain(first)) return first
        val second = first.again()
        fit(second, picture, region)
        // The second one, unless stage 1 sees less clearly there than in the first.
        if (clearness(see(second)) >= clearness(found)) {
            workspace.leave(first)
            return second
        }
        workspace.leave(second)
        first.other = second
        second.other = null
        return first
    }

    private fun isTimeToLookAgain(first: Frame): Boolean {
        if (first.deadline == Double.POSITIVE_INFINITY) return true
        var stage = 0.0
        for (i in 0 until first.ran) stage += paces[first.order[i]].predict()
        stage += decoding.predict()
        return now() + (first.fitting + stage) <= first.deadline
    }

    /** What stage 1 finds in a frame that has its input. */
    private fun see(frame: Frame): Found {
        runStage(frame, 1)
        return decode(frame, 1)
    }

    private fun answer(
        frame: Frame,
        still: Double?,
    ): Detection {
        val stagesRun = runStages(frame, still)
        decode(frame, stagesRun)
        return Detection(
            stagesRun,
            frame.stopReason,
            frame.timings(now(), names),
            engine,
            frame.look,
            frame.answer(stagesRun),
        )
    }

    /** Run what the frame's limit, its deadline and still landmarks allow; the number of the last stage. */
    private fun runStages(
        frame: Frame,
        still: Double?,
    ): Int {
        var before: Found? = null
        for (stage in 1..frame.limit) {
            if (!runStage(frame, stage)) return stage - 1
            if (still == null) continue
            val found = decode(frame, stage)
            if (before != null && stage < frame.limit) {
                // Which landmarks count is what the garment seems to be by now.
                val labelled = found.recognized.labelled
                if (movedPx(before.landmarks, found.landmarks, found.scores, labelled) <= still) {
                    frame.stopReason = StopReason.CONVERGED
                    return stage
                }
            }
            before = found
        }
        frame.stopReason = if (frame.limit == bundle.stages) StopReason.ALL_STAGES else StopReason.STAGE_LIMIT
        return frame.limit
    }

    /** The answer of one stage, or null where the deadline forbids it. */
    private fun result(
        frame: Frame,
        stage: Int,
    ): StageResult? {
        if (!runStage(frame, stage)) return null
        decode(frame, stage)
        return StageResult(stage, (now() - frame.start) * 1e3, frame.answer(stage))
    }

    /** Run what a stage needs and has not been run, if the deadline allows; whether it did. */
    private fun runStage(
        frame: Frame,
        stage: Int,
    ): Boolean {
        val needed = plan[stage - 1]
        if (stage > 1 && frame.deadline < Double.POSITIVE_INFINITY) {
            var predicted = 0.0
            for (piece in needed) if (!frame.hasRun(piece)) predicted += paces[piece].predict()
            predicted += decoding.predict()
            if (now() + predicted > frame.deadline) {
                frame.stopReason = StopReason.DEADLINE
                return false
            }
        }
        for (piece in needed) if (!frame.hasRun(piece)) run(frame, piece)
        return true
    }

    private fun run(
        frame: Frame,
        piece: Int,
    ) {
        checkOpen()
        workspace.enter(frame)
        workspace.feed(piece)
        val start = now()
        try {
            workspace.run(piece)
        } catch (error: FpmEdgeException) {
            throw error
        } catch (error: RuntimeException) {
            throw FpmEdgeException(
                "$engine $engineVersion failed in ${names[piece]} (${pieces[piece].member}): " +
                    "${error.message ?: error}; try another engine",
                error,
            )
        }
        val seconds = now() - start
        paces[piece].record(seconds)
        frame.ran(piece, seconds)
    }

    /** What a stage that has run found. */
    private fun decode(
        frame: Frame,
        stage: Int,
    ): Found {
        frame.found[stage - 1]?.let { return it }
        val start = now()
        workspace.enter(frame)
        val reading = decoders[stage - 1].read(workspace.output("heatmap_$stage"))
        val found =
            Found(
                cellsToInput(reading.cells, geometry.stride),
                reading.scores,
                if (reading.doubts.isEmpty()) emptyMap() else reading.doubts.mapKeys { schema.landmarks[it.key] },
                recognizer.at(stage, reading.scores, frame.category),
            )
        frame.found[stage - 1] = found
        val seconds = now() - start
        frame.decode += seconds
        decoding.record(seconds)
        return found
    }

    private fun prepare(
        frame: Frame,
        picture: Picture,
        box: Box?,
    ) {
        fit(frame, picture, box)
        frame.preprocess = now() - frame.start
    }

    private fun fit(
        frame: Frame,
        picture: Picture,
        box: Box?,
    ) {
        checkOpen()
        val start = now()
        val fit = fitLetterbox(picture.width, picture.height, geometry.inputWidth, geometry.inputHeight, box)
        resizer.resize(picture, fit, geometry.inputWidth, geometry.inputHeight, input)
        frame.fit = fit
        workspace.enter(frame)
        workspace.show(input)
        frame.fitting = now() - start
        frame.preprocess = frame.fitting
    }

    private fun checkOpen() {
        if (closed) throw UsageException("the session was closed; load another")
    }

    private fun decoderOf(stage: Int): HeatmapDecoder {
        val spec = pieces.flatMap(Piece::outputs).first { it.name == "heatmap_$stage" }
        check(spec.size > 0) // which says that it is too large, if it is
        return HeatmapDecoder(
            dtype = spec.dtype,
            layout = spec.layout,
            height = geometry.inputHeight / geometry.stride,
            width = geometry.inputWidth / geometry.stride,
            landmarks = schema.landmarks.size,
            scale = spec.scale,
            zeroPoint = spec.zeroPoint,
        )
    }

    /** Run everything on black, and keep the time of the last run: the first one also pays for allocations. */
    private fun warmUp() {
        repeat(WARM_UP_RUNS) {
            paces.forEach(Pace::clear)
            decoding.clear()
            val frame = start(DetectOptions())
            workspace.enter(frame)
            workspace.show(input) // nothing was written into it yet
            for (stage in 1..stageLimit) {
                runStage(frame, stage)
                decode(frame, stage)
            }
            workspace.leave(frame)
        }
    }
}
