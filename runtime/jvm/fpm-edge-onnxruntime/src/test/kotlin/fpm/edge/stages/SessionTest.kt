package fpm.edge.stages

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import fpm.edge.DataException
import fpm.edge.SchemaException
import fpm.edge.UsageException
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Box
import fpm.edge.pixels.RgbPicture
import fpm.edge.pixels.RgbaPicture
import fpm.edge.support.Tiny
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.math.abs
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The session against the Python runtime's, on the same bundle (make_detections.py). */
internal class SessionTest {
    @Test
    fun `detections are the Python runtime's`() {
        for (case in vectors["detections"].asJsonArray.map(JsonElement::getAsJsonObject)) {
            val found = case["found"].asJsonObject
            val detection = session.detect(pictures[case["scene"].asInt], optionsOf(case["asked"].asJsonObject))
            val what = "scene ${case["scene"]}, ${case["asked"]}"
            compare(detection, found, what)
            assertEquals(found["stagesRun"].asInt, detection.stagesRun, what)
            assertEquals(found["stopReason"].asString, detection.stopReason.label, what)
            assertEquals(found["looks"].asInt, detection.look, what)
            assertEquals("onnxruntime-java", detection.engine)
        }
    }

    @Test
    fun `by a clock that goes on whenever it is read, deadlines end where Python's do, and all times are equal`() {
        Tiny.bundle.session(OnnxRuntime(), threads = 1, clock = Tiny.ticking()).use { ticked ->
            for (case in vectors["deadlines"].asJsonArray.map(JsonElement::getAsJsonObject)) {
                val options =
                    DetectOptions(deadlineMs = case["deadline"].asDouble, looks = case["looks"].asInt)
                val detection = ticked.detect(pictures[case["scene"].asInt], options)
                val found = case["found"].asJsonObject
                val what = "scene ${case["scene"]}, ${case["deadline"]} ms"
                assertEquals(found["stagesRun"].asInt, detection.stagesRun, what)
                assertEquals(found["stopReason"].asString, detection.stopReason.label, what)
                assertEquals(found["looks"].asInt, detection.look, what)
                val timings = found["timings"].asJsonObject
                assertEquals(timings["preprocessMs"].asDouble, detection.timings.preprocessMs, what)
                assertEquals(timings["decodeMs"].asDouble, detection.timings.decodeMs, what)
                assertEquals(timings["totalMs"].asDouble, detection.timings.totalMs, what)
                val pieces = timings["pieces"].asJsonObject.asMap().mapValues { it.value.asDouble }
                assertEquals(pieces.toList(), detection.timings.pieces.toList(), what)
            }
            val expected = vectors["stages"].asJsonArray.map(JsonElement::getAsJsonObject)
            val results = ticked.stages(pictures[1], DetectOptions(deadlineMs = 1000.0)).toList()
            assertEquals(expected.map { it["elapsedMs"].asDouble }, results.map(StageResult::elapsedMs))
            results.zip(expected).forEach { (result, stage) -> compare(result, stage, "stage ${result.stage}") }
        }
    }

    @Test
    fun `a trace has every stage's landmarks, and the input`() {
        val trace = session.trace(pictures[2], DetectOptions(category = "blouse", stages = 2))
        assertEquals(2, trace.detection.stagesRun)
        val expected = vectors["trace"].asJsonObject
        near(expected["landmarks"].asJsonArray.flatMap { numbers(it.asJsonArray) }, trace.landmarks.flatMap { it.asList() })
        assertEquals(expected["sum"].asInt, trace.input.sumOf { it.toInt() and 255 })
        assertEquals(18 to 64, trace.fit.width to trace.fit.height)
    }

    @Test
    fun `a ready-made input is answered in its own pixels, stage by stage`() {
        val input = Tiny.goldenInputs[0]
        val picture = RgbPicture(input, 64, 64)
        val results = session.detectInput(input)
        assertEquals(listOf(1, 2, 3), results.map(StageResult::stage))
        near(session.detect(picture).landmarks.map(Float::toDouble), results[2].landmarks.asList(), 1e-4)
        assertContentEquals(results[0].landmarks, session.detectInput(picture, 1).single().landmarks)
        assertThrows<DataException> { session.detectInput(ByteArray(64 * 64 * 4)) }
        assertThrows<DataException> { session.detectInput(RgbPicture(input, 32, 128)) }
        assertThrows<UsageException> { session.detectInput(input, 4) }
    }

    @Test
    fun `stages run when they are asked for, and other calls may come in between`() {
        val alone = session.stages(pictures[1]).toList()
        val other = session.detect(pictures[2])
        val between = ArrayList<StageResult>()
        for (result in session.stages(pictures[1])) {
            between += result
            assertContentEquals(other.landmarks, session.detect(pictures[2]).landmarks)
        }
        assertEquals(3, between.size)
        alone.zip(between).forEach { (one, two) -> assertContentEquals(one.landmarks, two.landmarks) }
        session.stages(pictures[0]).first() // given up after its first stage
        assertContentEquals(other.landmarks, session.detect(pictures[2]).landmarks)
        assertContains(
            assertThrows<UsageException> { session.stages(pictures[0], DetectOptions(looks = 2)) }.message!!,
            "leave converge and looks out",
        )
    }

    @Test
    fun `the tensors of the first look come back where it answers`() {
        // Scenes of every kind: some answer with the first look after the second one ran.
        for (picture in pictures) {
            val once = session.detect(picture)
            val twice = session.detect(picture, DetectOptions(looks = 2))
            if (twice.look == 1) assertContentEquals(once.landmarks, twice.landmarks)
        }
    }

    @Test
    fun `threads take turns, and each gets its own answer`() {
        val expected = pictures.map { session.detect(it).landmarks.asList() }
        val found = java.util.concurrent.ConcurrentLinkedQueue<Boolean>()
        val threads =
            pictures.mapIndexed { i, picture ->
                kotlin.concurrent.thread {
                    repeat(5) { found += session.detect(picture).landmarks.asList() == expected[i] }
                }
            }
        threads.forEach(Thread::join)
        assertEquals(5 * pictures.size, found.count { it })
    }

    @Test
    fun `the time of a call begins before its turn`() {
        var now = 0.0
        Tiny.bundle.session(OnnxRuntime(), threads = 1, clock = { now }).use { session ->
            val begun = java.util.concurrent.CountDownLatch(1)
            var isFirst = true
            val slow =
                During(pictures[0]) {
                    begun.countDown()
                    // Until the other thread waits for its turn, with its time begun.
                    while (isFirst && !(waiting.state == Thread.State.WAITING && asked)) Thread.sleep(1)
                    if (isFirst) now += 200
                    isFirst = false
                }
            var results = emptyList<StageResult>()
            waiting =
                Thread {
                    begun.await()
                    asked = true
                    results = session.stages(pictures[1], DetectOptions(deadlineMs = 50.0)).toList()
                }
            waiting.start()
            session.detect(slow)
            waiting.join()
            assertEquals(listOf(1), results.map(StageResult::stage))
            assertTrue(results[0].elapsedMs >= 200)
        }
    }

    @Test
    fun `a picture that fails in the second look leaves nothing behind`() {
        for (picture in pictures) {
            val expected = session.detect(picture, DetectOptions(looks = 2))
            var reads = 0
            val failing = During(picture) { if (++reads > picture.height) error("recycled") }
            if (expected.look == 2) {
                assertThrows<IllegalStateException> { session.detect(failing, DetectOptions(looks = 2)) }
            }
            assertContentEquals(expected.landmarks, session.detect(picture, DetectOptions(looks = 2)).landmarks)
        }
    }

    /** Something happens at each row. */
    private class During(
        private val picture: fpm.edge.pixels.Picture,
        private val happens: () -> Unit,
    ) : fpm.edge.pixels.Picture by picture {
        override fun readRow(
            y: Int,
            left: Int,
            right: Int,
            rgb: ByteArray,
        ) {
            happens()
            picture.readRow(y, left, right, rgb)
        }
    }

    private lateinit var waiting: Thread

    @Volatile
    private var asked = false

    @Test
    fun `RGBA is answered as RGB is`() {
        val picture = pictures[1]
        val row = ByteArray(3 * picture.width)
        val rgba = ByteArray(4 * picture.width * picture.height) { -1 }
        for (y in 0 until picture.height) {
            picture.readRow(y, 0, picture.width, row)
            for (x in 0 until picture.width) row.copyInto(rgba, 4 * (y * picture.width + x), 3 * x, 3 * x + 3)
        }
        val found = session.detect(RgbaPicture(rgba, picture.width, picture.height))
        assertContentEquals(session.detect(picture).landmarks, found.landmarks)
    }

    @Test
    fun `with fewer stages loaded, they are the limit`() {
        Tiny.bundle.session(OnnxRuntime(), stages = 1).use { short ->
            assertEquals(1, short.stageLimit)
            assertEquals(StopReason.STAGE_LIMIT, short.detect(pictures[0]).stopReason)
            val error = assertThrows<UsageException> { short.detect(pictures[0], DetectOptions(stages = 2)) }
            assertContains(error.message!!, "stages is 2; the session has 1")
        }
        assertThrows<UsageException> { Tiny.bundle.session(OnnxRuntime(), threads = 0) }
        assertThrows<UsageException> { Tiny.bundle.session(OnnxRuntime(), stages = 4) }
    }

    @Test
    fun `what cannot be asked`() {
        for (wrong in listOf(
            DetectOptions(stages = 0),
            DetectOptions(stages = 4),
            DetectOptions(deadlineMs = -1.0),
            DetectOptions(deadlineMs = Double.NaN),
            DetectOptions(deadlineMs = Double.POSITIVE_INFINITY),
            DetectOptions(converge = Converge.Px(-1.0)),
            DetectOptions(looks = 3),
        )) {
            assertThrows<UsageException>("$wrong") { session.detect(pictures[0], wrong) }
        }
        assertThrows<SchemaException> { session.detect(pictures[0], DetectOptions(category = "hat")) }
        val outside = DetectOptions(box = Box(64.0, 0.0, 90.0, 10.0))
        assertThrows<DataException> { session.detect(pictures[0], outside) }
        assertThrows<UsageException> { session.stages(pictures[0], DetectOptions(stages = 4)) }
        assertThrows<SchemaException> { session.stages(pictures[0], DetectOptions(category = "hat")) }
        assertThrows<DataException> { session.stages(pictures[0], outside) }
    }

    private fun compare(
        found: Answer,
        expected: JsonObject,
        what: String,
    ) {
        near(numbers(expected["landmarks"].asJsonArray), found.landmarks.asList(), what = what)
        near(numbers(expected["scores"].asJsonArray), found.scores.asList(), 1e-4, what)
        assertEquals(expected["labelled"].asString, found.labelled.joinToString("") { if (it) "1" else "0" }, what)
        val doubts = expected["doubts"].asJsonObject.asMap().mapValues { it.value.asString }
        assertEquals(doubts, found.doubts.mapValues { it.value.label }, what)
        assertEquals(expected["category"].takeUnless { it.isJsonNull }?.asString, found.category, what)
        val score = expected["categoryScore"].takeUnless { it.isJsonNull }?.asDouble
        assertEquals(score ?: -1.0, found.categoryScore ?: -1.0, 1e-9, what)
        val confidences = expected["confidences"].takeUnless { it.isJsonNull }?.let { numbers(it.asJsonArray) }
        near(confidences.orEmpty(), found.confidences?.asList().orEmpty(), 1e-4, what)
    }

    private fun near(
        expected: List<Double>,
        found: List<Float>,
        tolerance: Double = 0.002,
        what: String = "",
    ) {
        assertEquals(expected.size, found.size, what)
        for (i in expected.indices) {
            assertTrue(abs(expected[i] - found[i]) <= tolerance, "$what: number $i is ${found[i]}, not ${expected[i]}")
        }
    }

    private fun numbers(list: JsonArray): List<Double> = list.map(JsonElement::getAsDouble)

    private fun optionsOf(asked: JsonObject): DetectOptions =
        DetectOptions(
            category = asked["category"]?.asString,
            box = asked["box"]?.asJsonArray?.let(::numbers)?.let { (x0, y0, x1, y1) -> Box(x0, y0, x1, y1) },
            stages = asked["stages"]?.asInt,
            deadlineMs = asked["deadlineMs"]?.asDouble,
            converge =
                asked["converge_px"]?.let {
                    if (it.asJsonPrimitive.isString) Converge.Fitted else Converge.Px(it.asDouble)
                },
            looks = asked["looks"]?.asInt ?: 1,
        )

    private companion object {
        val vectors = Tiny.vectors("detections")
        val pictures = Tiny.scenes(vectors)
        val session = Tiny.bundle.session(OnnxRuntime(), threads = 1)

        @JvmStatic
        @AfterAll
        fun close() = session.close()
    }
}
