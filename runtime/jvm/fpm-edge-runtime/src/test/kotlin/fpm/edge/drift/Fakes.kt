package fpm.edge.drift

import fpm.edge.bundle.Format
import fpm.edge.bundle.Geometry
import fpm.edge.bundle.Interval
import fpm.edge.bundle.LandmarkSchema
import fpm.edge.bundle.Manifest
import fpm.edge.bundle.Measured
import fpm.edge.bundle.Quantization
import fpm.edge.bundle.StageMeasurement
import fpm.edge.pixels.Box
import fpm.edge.pixels.Doubt
import fpm.edge.pixels.Letterbox
import fpm.edge.pixels.Picture
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Answer
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.FloatSession
import fpm.edge.stages.StageResult
import fpm.edge.stages.StopReason
import fpm.edge.stages.Timings
import fpm.edge.stages.Trace
import fpm.edge.stages.Watchable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.TimeUnit

internal val NAMES = listOf("left", "right", "hem")
internal const val SIZE = 64

/** What no test takes, seconds. */
internal const val LONG = 30L

internal fun schemaOf(
    landmarks: List<String> = NAMES,
    flip: List<Int> = listOf(1, 0, 2),
): LandmarkSchema =
    LandmarkSchema("fake", landmarks, flip, mapOf("all" to landmarks.indices.toList()), emptyMap(), emptyMap())

internal fun geometryOf(stride: Int = 8): Geometry = Geometry(SIZE, SIZE, stride)

internal fun measured(uppers: List<Double>): Measured {
    val none = Interval(0.0, 0.0, 0.0)
    val stages =
        uppers.mapIndexed { i, upper -> StageMeasurement(i + 1, 0.0, 0.0, none, none, Interval(0.0, 0.0, upper)) }
    return Measured("fake", 1, Format.ONNX, "fake", stages)
}

internal fun manifestOf(measured: Measured?): Manifest =
    Manifest(
        schemaVersion = 1,
        name = "fake",
        created = "",
        landmarks = schemaOf(),
        geometry = geometryOf(),
        quantization = Quantization("int8", "ptq", emptyMap()),
        stages = 2,
        pieces = emptyMap(),
        digests = emptyMap(),
        versions = emptyMap(),
        calibration = null,
        measured = measured,
        maxNeDrift = null,
        maxPartDrift = null,
        convergence = null,
        recognition = null,
        model = emptyMap(),
    )

/** A picture that the fakes do not look at. */
internal val PICTURE: Picture = RgbPicture(ByteArray(SIZE * SIZE * 3), SIZE, SIZE)

private val STILL = floatArrayOf(16f, 16f, 48f, 16f, 32f, 48f)

/** All landmarks at their places, moved by [off] pixels of the input (which is the picture) to the right. */
internal class Moved(
    off: Float,
    override val labelled: BooleanArray,
    override val categoryScore: Double?,
) : Answer {
    override val landmarks = FloatArray(STILL.size) { if (it % 2 == 0) STILL[it] + off else STILL[it] }
    override val scores = floatArrayOf(0.9f, 0.8f, 0.7f)
    override val doubts: Map<String, Doubt> = emptyMap()
    override val category: String? = null
    override val confidences: FloatArray? = null
}

/** Detects by what it was told; notes what it was asked. */
internal class FakeSession(
    override val schema: LandmarkSchema = schemaOf(),
) : Watchable {
    override val digest = "d1g3st"
    override val geometry = geometryOf()
    override val engine = "fake"
    override val engineVersion = "1.0"
    override val stageLimit = 2

    /** How far to the right of its place each landmark is found, pixels of the input. */
    @Volatile
    var off = 0f
    var labelled = booleanArrayOf(true, true, true)
    var categoryScore: Double? = null

    /** Thrown by [detect] and [trace]. */
    var fail: Exception? = null
    val asked = mutableListOf<Pair<String, DetectOptions>>()

    override fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection {
        synchronized(asked) { asked += "detect" to options }
        return answer(options)
    }

    override fun trace(
        picture: Picture,
        options: DetectOptions,
    ): Trace {
        synchronized(asked) { asked += "trace" to options }
        val detection = answer(options)
        val fit = Letterbox(Box(0.0, 0.0, SIZE.toDouble(), SIZE.toDouble()), SIZE, SIZE, 0, 0, 1.0, 1.0)
        return Trace(detection, List(detection.stagesRun) { detection.landmarks }, ByteArray(3 * SIZE * SIZE), fit)
    }

    private fun answer(options: DetectOptions): Detection {
        fail?.let { throw it }
        val answer = Moved(off, labelled, categoryScore)
        val timings = Timings(0.0, emptyMap(), 0.0, 0.0)
        return Detection(options.stages ?: stageLimit, StopReason.ALL_STAGES, timings, engine, 1, answer)
    }
}

/** The float model: finds every landmark at its place, while [hold] was not called or [go] was. */
internal class FakeReference(
    override val geometry: Geometry = geometryOf(),
    override val stageLimit: Int = 2,
) : FloatSession {
    override val schema = schemaOf()
    var labelled = booleanArrayOf(true, true, true)
    var categoryScore: Double? = null
    var fail: Throwable? = null

    @Volatile
    var calls = 0

    /** What called last. */
    @Volatile
    var caller: Thread? = null
    private var gate = CountDownLatch(0)
    private var reached = CountDownLatch(1)

    fun hold() {
        gate = CountDownLatch(1)
        reached = CountDownLatch(1)
    }

    fun go() = gate.countDown()

    /** Until it was called after [hold]. */
    fun awaitCall() = check(reached.await(LONG, TimeUnit.SECONDS)) { "it was not called" }

    override fun detectInput(
        input: ByteArray,
        stages: Int?,
    ): List<StageResult> {
        calls += 1
        caller = Thread.currentThread()
        reached.countDown()
        check(gate.await(LONG, TimeUnit.SECONDS)) { "it was not let go" }
        fail?.let { throw it }
        return List(stages ?: stageLimit) { StageResult(it + 1, 0.0, Moved(0f, labelled, categoryScore)) }
    }
}

/** Does what it is given when the test says so. */
internal class ByHand : Executor {
    private val given = ArrayDeque<Runnable>()

    override fun execute(work: Runnable) {
        given += work
    }

    val size: Int
        get() = given.size

    /** All that was given, and what comes of it. */
    fun run() {
        while (given.isNotEmpty()) given.removeFirst().run()
    }
}
