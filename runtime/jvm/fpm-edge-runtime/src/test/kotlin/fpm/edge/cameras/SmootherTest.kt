package fpm.edge.cameras

import fpm.edge.DataException
import fpm.edge.UsageException
import org.junit.jupiter.api.assertAll
import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.sqrt
import kotlin.random.Random
import kotlin.random.asJavaRandom
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class SmootherTest {
    private val side = 200.0
    private val sure = floatArrayOf(1f, 1f, 1f)
    private val start = floatArrayOf(50f, 60f, 100f, 60f, 75f, 120f)

    private fun missing(steady: Steady) = List(steady.held.size) { steady.landmarks[2 * it].isNaN() }

    private fun moved(by: (Int) -> Float) = FloatArray(start.size) { start[it] + by(it) }

    @Test
    fun `it is the filter of the paper at uneven times`() {
        val random = Random(0)
        val smoother = Smoother(Smoothing(stillHz = 0.7, hzPerSpeed = 20.0, speedHz = 1.3))
        val paper = OneEuro(0.7, 20.0 / side, 1.3)
        var time = 0.0
        var x = 100f
        repeat(40) {
            time += random.nextDouble(0.01, 0.1)
            x += 3 * random.asJavaRandom().nextGaussian().toFloat()
            // Moving along x only, so that the speed's length is that of one number; in sides, hence β / side.
            val found = smoother.update(floatArrayOf(x, 7f), floatArrayOf(1f), time, side).landmarks
            assertEquals(paper.next(x.toDouble(), time), found[0].toDouble(), 1e-3)
            assertEquals(7f, found[1])
        }
    }

    @Test
    fun `axes make no difference, and the side is the unit`() {
        val random = Random(1)
        val straight = Smoother()
        val turned = Smoother()
        val larger = Smoother()
        val at = start.copyOf()
        for (number in 0 until 30) {
            for (i in at.indices) at[i] += random.nextDouble(-3.0, 3.0).toFloat()
            val time = number / 30.0
            val here = straight.update(at, sure, time, side).landmarks
            assertNear(turn(here), turned.update(turn(at), sure, time, side).landmarks)
            val large = larger.update(FloatArray(6) { 4 * at[it] }, sure, time, 4 * side).landmarks
            assertNear(FloatArray(6) { 4 * here[it] }, large)
        }
    }

    @Test
    fun `noise shrinks and motion is followed`() {
        val random = Random(2).asJavaRandom()
        val smoother = Smoother()
        var squares = 0.0
        var before = start
        for (number in 0 until 90) {
            val now = smoother.update(moved { random.nextGaussian().toFloat() }, sure, number / 30.0, side).landmarks
            if (number > 30) now.forEachIndexed { i, x -> squares += (x - before[i]) * (x - before[i]) }
            before = now
        }
        assertTrue(sqrt(squares / (59 * 6)) < 0.3 * sqrt(2.0))
        for (number in 0 until 30) { // 1 side a second
            val truth = moved { (number * side / 30).toFloat() }
            before = smoother.update(truth, sure, 3 + number / 30.0, side).landmarks
            if (number == 29) before.forEachIndexed { i, x -> assertTrue(abs(x - truth[i]) < side / 30) }
        }
    }

    @Test
    fun `an unclear landmark keeps its place and then is missing`() {
        val smoother = Smoother(Smoothing(holdS = 0.25))
        smoother.update(start, sure, 0.0, side)
        val wild = moved { if (it / 2 == 1) 30f else 0f }
        val unclear = floatArrayOf(1f, 0.1f, 1f)
        val held = smoother.update(wild, unclear, 0.125, side)
        assertContentEquals(start, held.landmarks)
        assertContentEquals(booleanArrayOf(false, true, false), held.held)
        assertContentEquals(start, smoother.update(wild, unclear, 0.25, side).landmarks)
        val gone = smoother.update(wild, unclear, 0.375, side)
        assertEquals(listOf(false, true, false), missing(gone))
        assertFalse(gone.held.any { it })
    }

    @Test
    fun `back within the hold it goes on, by the time since it was last seen`() {
        val smoother = Smoother(Smoothing(stillHz = 1.0, hzPerSpeed = 0.0))
        smoother.update(start, sure, 0.0, side)
        smoother.update(start, floatArrayOf(1f, 0f, 1f), 0.1, side)
        val back = smoother.update(moved { 1f }, sure, 0.3, side).landmarks
        val weights = listOf(0.2, 0.3, 0.2).map { 1 / (1 + 1 / (2 * PI * it)) }
        back.forEachIndexed { i, x -> assertEquals(weights[i / 2], (x - start[i]).toDouble(), 1e-4) }
    }

    @Test
    fun `back after the hold it starts where it is found`() {
        val smoother = Smoother(Smoothing(holdS = 0.1))
        smoother.update(start, sure, 0.0, side)
        smoother.update(start, floatArrayOf(1f, 0f, 1f), 0.2, side)
        val elsewhere = moved { if (it / 2 == 1) 80f else 0f }
        val back = smoother.update(elsewhere, sure, 0.3, side)
        assertFalse(back.restarted)
        assertContentEquals(elsewhere, back.landmarks)
    }

    @Test
    fun `places that are no numbers are not clear, and answers are not changed by later frames`() {
        val smoother = Smoother()
        val first = smoother.update(start, sure, 0.0, side)
        val broken = start.copyOf().also { it[5] = Float.NaN }
        val second = smoother.update(broken, sure, 0.1, side)
        assertContentEquals(start, second.landmarks)
        assertContentEquals(booleanArrayOf(false, false, true), second.held)
        smoother.update(moved { 5f }, sure, 0.2, side)
        assertContentEquals(start, first.landmarks)
    }

    /** What comes after landmarks moved to the right by these shares of the side within one frame. */
    private fun after(
        moves: List<Double>,
        scores: FloatArray = sure,
    ): Steady {
        val smoother = Smoother(Smoothing(cut = 0.2))
        smoother.update(start, sure, 0.0, side)
        return smoother.update(
            moved { if (it % 2 == 0) (moves[it / 2] * side).toFloat() else 0f },
            scores,
            1 / 30.0,
            side,
        )
    }

    @Test
    fun `most landmarks jump and everything starts anew`() {
        val answer = after(listOf(0.3, 0.3, 0.0))
        assertTrue(answer.restarted)
        assertNear(floatArrayOf(110f, 60f, 160f, 60f, 75f, 120f), answer.landmarks)
        val partly = after(listOf(0.3, 0.3, 0.0), floatArrayOf(1f, 1f, 0f))
        assertTrue(partly.restarted)
        assertEquals(listOf(false, false, true), missing(partly))
        assertFalse(partly.held.any { it })
    }

    @Test
    fun `what is no other scene`() {
        assertFalse(after(listOf(0.3, 0.0, 0.0)).restarted, "one landmark that jumped")
        assertFalse(after(listOf(0.19, 0.19, 0.19)).restarted, "quick")
        assertFalse(after(listOf(0.3, 0.0, 0.0), floatArrayOf(1f, 0f, 0f)).restarted, "the only one that is clear")
        val lagging = Smoother(Smoothing(stillHz = 0.05, hzPerSpeed = 0.0, cut = 0.1))
        for (number in 0 until 60) {
            val answer = lagging.update(moved { 2f * number }, sure, number / 30.0, side)
            assertEquals(number == 0, answer.restarted, "far from the smoothed place: $number")
        }
    }

    @Test
    fun `reset starts a new stream`() {
        val smoother = Smoother()
        smoother.update(start, sure, 100.0, side)
        smoother.reset()
        val answer = smoother.update(floatArrayOf(1f, 2f), floatArrayOf(1f), 0.0, side)
        assertTrue(answer.restarted)
        assertContentEquals(floatArrayOf(1f, 2f), answer.landmarks)
    }

    @Test
    fun `what cannot be meant is refused`() {
        val settings: Map<String, (Double) -> Smoothing> =
            mapOf(
                "stillHz" to { Smoothing(stillHz = it) },
                "hzPerSpeed" to { Smoothing(hzPerSpeed = it) },
                "speedHz" to { Smoothing(speedHz = it) },
                "clear" to { Smoothing(clear = it) },
                "holdS" to { Smoothing(holdS = it) },
                "cut" to { Smoothing(cut = it) },
            )
        for ((name, of) in settings) {
            for (value in listOf(-1.0, Double.NaN, Double.POSITIVE_INFINITY)) {
                val message = assertFailsWith<UsageException> { of(value) }.message!!
                assertContains(message, "$name is $value; expected a number")
            }
            if (name in listOf("stillHz", "speedHz", "cut")) {
                assertContains(assertFailsWith<UsageException> { of(0.0) }.message!!, "over 0")
            } else {
                of(0.0)
            }
        }
        val smoother = Smoother()
        smoother.update(start, sure, 1.0, side)
        assertAll(
            listOf(1.0, 0.5, Double.NaN, Double.POSITIVE_INFINITY).map { time ->
                { assertFailsWith<UsageException> { smoother.update(start, sure, time, side) } }
            },
        )
        assertAll(
            listOf(0.0, -1.0, Double.NaN).map { wrong ->
                { assertFailsWith<UsageException> { smoother.update(start, sure, 2.0, wrong) } }
            },
        )
        val fewer = floatArrayOf(1f, 2f)
        val error = assertFailsWith<DataException> { smoother.update(fewer, floatArrayOf(1f), 2.0, side) }
        assertEquals("2 coordinates, 1 scores; expected 6 and 3, as before", error.message)
        smoother.update(start, sure, 1.5, side) // what failed left the time as it was
    }

    private fun turn(points: FloatArray) =
        FloatArray(points.size) {
            val x = points[it / 2 * 2]
            val y = points[it / 2 * 2 + 1]
            if (it % 2 == 0) 0.6f * x - 0.8f * y else 0.8f * x + 0.6f * y
        }

    private fun assertNear(
        expected: FloatArray,
        found: FloatArray,
    ) {
        assertEquals(expected.size, found.size)
        expected.forEachIndexed { i, x -> assertEquals(x, found[i], 5e-3f) }
    }

    /** The filter of the paper for one number, written as there, without anything around it. */
    private class OneEuro(
        private val fcmin: Double,
        private val beta: Double,
        private val dcutoff: Double,
    ) {
        private var place = Double.NaN
        private var speed = 0.0
        private var before = 0.0

        private fun alpha(
            cutoff: Double,
            interval: Double,
        ) = 1.0 / (1.0 + 1.0 / (2.0 * PI * cutoff) / interval)

        fun next(
            value: Double,
            time: Double,
        ): Double {
            val interval = time - before
            before = time
            if (place.isNaN()) {
                place = value
                return place
            }
            val slow = alpha(dcutoff, interval)
            speed = slow * (value - place) / interval + (1 - slow) * speed
            val a = alpha(fcmin + beta * abs(speed), interval)
            place = a * value + (1 - a) * place
            return place
        }
    }
}
