package fpm.edge.coroutines

import fpm.edge.cameras.Frame
import fpm.edge.pixels.Doubt
import fpm.edge.pixels.Picture
import fpm.edge.stages.Answer
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import fpm.edge.stages.StageResult
import fpm.edge.stages.StopReason
import fpm.edge.stages.Timings
import java.util.concurrent.Executor
import java.util.concurrent.atomic.AtomicInteger

/** Black; [number] tells it from others. */
internal class Black(
    val number: Int = 0,
) : Picture {
    override val width = 240
    override val height = 160

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ): Unit = rgb.fill(0, 0, 3 * (right - left))
}

/** Two landmarks, the first of them at [x]. */
internal class Points(
    x: Int,
) : Answer {
    override val landmarks = floatArrayOf(x.toFloat(), 60f, x + 100f, 100f)
    override val scores = floatArrayOf(0.9f, 0.9f)
    override val labelled = booleanArrayOf(true, true)
    override val doubts: Map<String, Doubt> = emptyMap()
    override val category: String? = null
    override val categoryScore: Double? = null
    override val confidences: FloatArray? = null
}

// Their constructors are the runtime's own.
private inline fun <reified T> make(vararg arguments: Any): T =
    T::class.java.constructors.single().newInstance(*arguments) as T

internal fun detectionOf(number: Int): Detection =
    make(1, StopReason.ALL_STAGES, make<Timings>(0.0, emptyMap<String, Double>(), 0.0, 0.0), "fake", 1, Points(number))

internal fun stageOf(number: Int): StageResult = make(number, 1.0 * number, Points(number))

/** Which picture an answer of [Asked] is of. */
internal val Answer.number: Int
    get() = landmarks[0].toInt()

/** Answers with the picture's number, and notes what it was asked. */
internal class Asked(
    private val before: (Int) -> Unit = {},
) : Detector {
    val asked = mutableListOf<DetectOptions>()
    val numbers = mutableListOf<Int>()

    override fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection {
        val number = (picture as Black).number
        asked += options
        numbers += number
        before(number)
        return detectionOf(number)
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
}

/** A frame that counts how often it was given back. */
internal class Lent(
    number: Int,
) {
    private val times = AtomicInteger()
    val returned: Int
        get() = times.get()
    val frame = Frame(Black(number), timeNs = 1_000_000_000L * number) { times.incrementAndGet() }
}
