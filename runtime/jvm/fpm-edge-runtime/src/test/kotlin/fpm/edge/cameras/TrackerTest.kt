package fpm.edge.cameras

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.pixels.Box
import fpm.edge.pixels.Picture
import fpm.edge.stages.Converge
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import fpm.edge.support.Vectors
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import kotlin.math.abs
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

private val OFFSETS = listOf(-25 to -15, 25 to -15, 0 to 20, 10 to 5)

class TrackerTest {
    @TestFactory
    fun `a video is tracked as by the Python runtime`(): List<DynamicTest> =
        Vectors.load("cameras").getAsJsonArray("streams").mapIndexed { number, stream ->
            dynamicTest("stream $number") { track(stream.asJsonObject) }
        }

    private fun track(stream: JsonObject) {
        val tracker =
            Tracker(
                Scripted(),
                smoothing = smoothing(stream.getAsJsonObject("smoothing")),
                cropping = stream["cropping"].takeUnless { it.isJsonNull }?.let { cropping(it.asJsonObject) },
            )
        val times = Uniform()
        var time = 0.0
        stream.getAsJsonArray("frames").map { it.asJsonObject }.forEachIndexed { number, expected ->
            time += 0.01 + 0.1 * times.next()
            val found = tracker.detect(Black(), time)
            val where = "frame $number"
            assertNear(expected.getAsJsonArray("landmarks").toList(), found.landmarks.map { it.toDouble() }, where)
            assertEquals(expected.getAsJsonArray("held").map { it.asBoolean }, found.held.toList(), where)
            assertEquals(expected["restarted"].asBoolean, found.restarted, where)
            assertEquals(expected["box"].isJsonNull, found.box == null, where)
            found.box?.let {
                assertNear(expected.getAsJsonArray("box").toList(), listOf(it.x0, it.y0, it.x1, it.y1), where)
            }
        }
    }

    private fun smoothing(json: JsonObject): Smoothing {
        var settings = Smoothing()
        for ((name, value) in json.entrySet().map { it.key to it.value.asDouble }) {
            settings =
                when (name) {
                    "still_hz" -> settings.copy(stillHz = value)
                    "hz_per_speed" -> settings.copy(hzPerSpeed = value)
                    "speed_hz" -> settings.copy(speedHz = value)
                    "clear" -> settings.copy(clear = value)
                    "hold_s" -> settings.copy(holdS = value)
                    "cut" -> settings.copy(cut = value)
                    else -> error(name)
                }
        }
        return settings
    }

    private fun cropping(json: JsonObject): Cropping {
        var settings = Cropping()
        for ((name, value) in json.entrySet().map { it.key to it.value.asDouble }) {
            settings =
                when (name) {
                    "margin" -> settings.copy(margin = value)
                    "follow" -> settings.copy(follow = value)
                    "clear" -> settings.copy(clear = value)
                    "whole_every" -> settings.copy(wholeEvery = value.toInt())
                    else -> error(name)
                }
        }
        return settings
    }

    /** The vectors are rounded to four decimals. */
    private fun assertNear(
        expected: List<JsonElement>,
        found: List<Double>,
        where: String,
    ) {
        assertEquals(expected.size, found.size, where)
        expected.forEachIndexed { i, value ->
            val near = if (value.isJsonNull) found[i].isNaN() else abs(found[i] - value.asDouble) < 1e-4
            assertTrue(near, "$where, $i: ${found[i]}, expected $value")
        }
    }

    @Test
    fun `the detector is asked as usual`() {
        val detector = Asked()
        val options = DetectOptions(stages = 1, deadlineMs = 5.0, converge = Converge.Fitted)
        val tracker = Tracker(detector, "all", cropping = Cropping())
        val first = tracker.detect(Black(), 1.0, options)
        assertEquals(options.copy(category = "all"), detector.asked.single())
        assertNull(first.box)
        assertContentEquals(first.detection.landmarks, first.landmarks)
        val second = tracker.detect(Black(), 2.0)
        // Landmarks span 100 pixels: a margin of 50 around pixel centres, and the picture ends at 160.
        assertEquals(Box(0.5, 10.5, 200.5, 150.5), second.box)
        assertEquals(DetectOptions(category = "all", box = second.box), detector.asked.last())
    }

    @Test
    fun `a failed frame leaves the track as it was, and reset forgets it`() {
        var fails = false
        val detector = Asked { if (fails) throw DataException("no picture") else Asked().detect(Black()) }
        val tracker = Tracker(detector, cropping = Cropping())
        tracker.detect(Black(), 1.0)
        fails = true
        assertFailsWith<DataException> { tracker.detect(Black(), 2.0) }
        fails = false
        val early = assertFailsWith<UsageException> { tracker.detect(Black(), 1.0) }
        assertContains(early.message!!, "expected later times")
        assertNotNull(tracker.detect(Black(), 2.0).box)
        tracker.reset()
        val again = tracker.detect(Black(), 0.0)
        assertNull(again.box)
        assertTrue(again.restarted)
    }

    /** The region after each of these places of the garment. */
    private fun regions(
        cropping: Cropping,
        vararg at: Pair<Float, Float>,
    ): List<Box?> {
        var place = at[0]
        val detector =
            Asked {
                val points = OFFSETS.take(3).flatMap { (x, y) -> listOf(x + place.first, y + place.second) }
                detectionOf(Points(points.toFloatArray()))
            }
        val tracker = Tracker(detector, smoothing = Smoothing(stillHz = 1e9), cropping = cropping)
        val boxes =
            (at.toList() + at.last()).mapIndexed { number, here ->
                place = here
                tracker.detect(Black(), number / 10.0).box
            }
        return boxes.drop(1)
    }

    private fun assertBox(
        box: Box?,
        vararg edges: Double,
    ) = listOf(box!!.x0, box.y0, box.x1, box.y1).forEachIndexed { i, x -> assertEquals(edges[i], x, 1e-3) }

    @Test
    fun `the region grows at once and shrinks slowly, and another scene has one of its own`() {
        val cropping = Cropping(margin = 0.2, follow = 0.25)
        val (first, second) = regions(cropping, 100f to 80f, 108f to 80f)
        // Landmarks span 50 pixels: a margin of 10 around pixel centres.
        assertBox(first, 65.5, 55.5, 135.5, 110.5)
        assertBox(second, 65.5 + 0.25 * 8, 55.5, 135.5 + 8, 110.5)
        val (_, other) = regions(cropping, 60f to 80f, 180f to 80f)
        assertBox(other, 145.5, 55.5, 215.5, 110.5)
        assertBox(regions(Cropping(margin = 2.0), 30f to 30f).single(), 0.0, 0.0, 155.5, 150.5)
    }

    @Test
    fun `a whole frame now and then, and where nothing would be seen`() {
        val boxes = regions(Cropping(wholeEvery = 3), *Array(8) { 120f to 80f })
        assertEquals(listOf(false, false, false, true, false, false, false, true), boxes.map { it == null })
        val close = detectionOf(Points(floatArrayOf(50f, 50f, 60f, 50f)))
        val tracker = Tracker(Asked { close }, cropping = Cropping(margin = 0.2))
        tracker.detect(Black(), 0.0)
        assertNull(tracker.detect(Black(), 1.0).box)
    }

    @Test
    fun `few clear landmarks of the category and the next frame is seen whole`() {
        var answer = Points(floatArrayOf(50f, 50f, 100f, 50f, 70f, 90f))
        val tracker = Tracker(Asked { detectionOf(answer) }, cropping = Cropping(clear = 0.9))
        tracker.detect(Black(), 0.0)
        answer = Points(answer.landmarks, floatArrayOf(0.9f, 0.9f, 0.1f))
        val poor = tracker.detect(Black(), 0.1)
        assertNotNull(poor.box)
        assertContentEquals(booleanArrayOf(false, false, true), poor.held)
        answer = Points(answer.landmarks, labelled = booleanArrayOf(true, true, false))
        val whole = tracker.detect(Black(), 0.2)
        assertNull(whole.box)
        assertContentEquals(booleanArrayOf(false, false, true), whole.held)
        assertNotNull(tracker.detect(Black(), 0.3).box, "both landmarks that the category has are clear")
        answer = Points(answer.landmarks, labelled = booleanArrayOf(true, false, false))
        tracker.detect(Black(), 0.4)
        assertNull(tracker.detect(Black(), 0.5).box, "one landmark has no extent to make a region of")
    }

    @Test
    fun `what cannot be meant is refused`() {
        for (make in listOf<() -> Any>(
            { Cropping(margin = -0.1) },
            { Cropping(margin = 10.0) },
            { Cropping(follow = 0.0) },
            { Cropping(follow = 1.1) },
            { Cropping(clear = Double.NaN) },
            { Cropping(wholeEvery = -1) },
        )) {
            assertContains(assertFailsWith<UsageException> { make() }.message!!, "expected a margin of 0 to 10")
        }
        val tracker = Tracker(Asked())
        for (options in listOf(
            DetectOptions(category = "all"),
            DetectOptions(box = Box(0.0, 0.0, 9.0, 9.0)),
            DetectOptions(looks = 2),
        )) {
            assertFailsWith<UsageException> { tracker.detect(Black(), 1.0, options) }
        }
    }

    /** The garment of vectors/make_cameras.py. */
    private class Scripted : Detector {
        private val uniform = Uniform()
        private var number = 0

        override fun detect(
            picture: Picture,
            options: DetectOptions,
        ): Detection {
            val x = 60 + 0.7 * number + (if (number >= 40) 90 else 0)
            val y = 80 - 0.3 * number
            val landmarks = FloatArray(2 * OFFSETS.size)
            val scores = FloatArray(OFFSETS.size)
            OFFSETS.forEachIndexed { i, (across, down) ->
                landmarks[2 * i] = (x + across + 2 * uniform.next()).toFloat()
                landmarks[2 * i + 1] = (y + down + 2 * uniform.next()).toFloat()
                // Python asks for the condition first.
                scores[i] = if (uniform.next() < 0.2) uniform.next().toFloat() else 0.9f
            }
            number += 1
            return detectionOf(Points(landmarks, scores, booleanArrayOf(true, true, true, number < 60)))
        }
    }

    /** Numbers from 0 to 1, the same in every language. */
    private class Uniform {
        private var state = 1u

        fun next(): Double {
            state = 1664525u * state + 1013904223u
            return state.toDouble() / 4294967296.0
        }
    }
}
