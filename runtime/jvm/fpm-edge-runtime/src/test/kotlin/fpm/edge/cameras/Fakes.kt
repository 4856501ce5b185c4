package fpm.edge.cameras

import fpm.edge.pixels.Doubt
import fpm.edge.pixels.Picture
import fpm.edge.stages.Answer
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import fpm.edge.stages.StopReason
import fpm.edge.stages.Timings
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.TimeUnit

internal const val LONG = 30L // seconds that no test takes

/** Black. */
internal class Black(
    override val width: Int = 240,
    override val height: Int = 160,
) : Picture {
    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ): Unit = rgb.fill(0, 0, 3 * (right - left))
}

internal class Points(
    override val landmarks: FloatArray,
    override val scores: FloatArray = FloatArray(landmarks.size / 2) { 0.9f },
    override val labelled: BooleanArray = BooleanArray(landmarks.size / 2) { true },
) : Answer {
    override val doubts: Map<String, Doubt> = emptyMap()
    override val category: String? = null
    override val categoryScore: Double? = null
    override val confidences: FloatArray? = null
}

internal fun detectionOf(answer: Answer): Detection =
    Detection(1, StopReason.ALL_STAGES, Timings(0.0, emptyMap(), 0.0, 0.0), "fake", 1, answer)

/** Answers what it is told to, and notes what it was asked. */
internal class Asked(
    private val answer: (DetectOptions) -> Detection = { detectionOf(Points(floatArrayOf(50f, 60f, 150f, 100f))) },
) : Detector {
    val asked = mutableListOf<DetectOptions>()
    val pictures = mutableListOf<Picture>()

    override fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection {
        asked += options
        pictures += picture
        return answer(options)
    }
}

/** Runs a task when it is told to. */
internal class ByHand : Executor {
    private val tasks = ArrayDeque<Runnable>()
    val waiting: Int
        get() = tasks.size

    override fun execute(task: Runnable) {
        tasks += task
    }

    fun runNext() = tasks.removeFirst().run()

    fun runAll() {
        while (tasks.isNotEmpty()) runNext()
    }
}

/** What a listener heard. */
internal class Heard(
    private val then: (Frame) -> Unit = {},
) : LiveListener {
    val detections = mutableListOf<Pair<Frame, Detection>>()
    val failures = mutableListOf<Pair<Frame, Throwable>>()

    override fun onDetection(
        frame: Frame,
        detection: Detection,
    ) {
        detections += frame to detection
        then(frame)
    }

    override fun onFailure(
        frame: Frame,
        error: Throwable,
    ) {
        failures += frame to error
        then(frame)
    }
}

/** A frame that counts how often it was given back. */
internal class Lent {
    var returned = 0
        private set
    val frame = Frame(Black()) { returned += 1 }
}

internal fun CountDownLatch.awaitLong() = check(await(LONG, TimeUnit.SECONDS)) { "nothing happened" }
