package fpm.edge.drift

import com.google.gson.JsonParser
import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.bundle.GoldenSet
import fpm.edge.bundle.LimitedBundle
import fpm.edge.bundle.Manifest
import fpm.edge.bundle.Measured
import fpm.edge.check.Verdict
import fpm.edge.support.Vectors
import java.io.File
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

private const val SAVED = 10_000

private val ABC = listOf("a", "b", "c")
private val LIMITS = doubleArrayOf(0.004, 0.002)

internal class DriftMonitorTest {
    @ParameterizedTest
    @MethodSource("streams")
    fun `a stream is judged as by the Python runtime`(name: String) {
        val stream = STREAMS.first { it.name == name }
        val monitor = stream.monitor()
        val random = Uniform()
        val left = ArrayDeque(stream.seen)
        for (number in 0 until stream.length) {
            monitor.addShadow(stream.sample(number, random))
            frame(number, random).let { (scores, movement) -> monitor.addFrame(scores, movement) }
            if (number + 1 == left.first()["samples"].asInt) {
                val expected = left.removeFirst()
                val said = said(monitor.report())
                assertEquals(said.keys, expected.keySet())
                for ((field, value) in said) assertClose(expected[field], value, "$name, sample ${number + 1}, $field")
                assertEquals(expected["verdict"].asString, monitor.verdict.label)
            }
        }
        assertTrue(left.isEmpty())
    }

    private fun said(report: MonitorReport): Map<String, Any?> {
        val means = { parts: List<PartMean> -> parts.map { listOf(it.mean, it.count) } }
        return mapOf(
            "samples" to report.samples,
            "verdict" to report.verdict.label,
            "reason" to report.reason,
            "evidence" to report.evidence,
            "mostEvidence" to report.mostEvidence,
            "alarmSample" to report.alarmSample,
            "estimate" to report.estimate,
            "lower" to report.lower,
            "upper" to report.upper,
            "certified" to report.certified,
            "fastAlarms" to report.fastAlarms,
            "stages" to means(report.stages),
            "landmarks" to means(report.landmarks.take(5)),
            "proxies" to report.proxies.map { listOf(it.mean, it.recent, it.count) },
        )
    }

    @Test
    fun `states are those of the Python runtime, and it goes on from one`() {
        val stream = STREAMS[0]
        val python = File("../../web/test/vectors/drift-state.json").readText()
        val whole = stream.monitor()
        val restored = stream.monitor()
        val random = Uniform()
        for (number in 0 until stream.length) {
            val sample = stream.sample(number, random)
            val (scores, movement) = frame(number, random)
            for (monitor in if (number < SAVED) listOf(whole) else listOf(whole, restored)) {
                monitor.addShadow(sample)
                monitor.addFrame(scores, movement)
            }
            if (number + 1 == SAVED) {
                sameState(python, whole.state())
                restored.restore(python, "drift-state.json")
                assertEquals(SAVED.toLong(), restored.report().samples)
                // What Python's text holds is kept to the last bit.
                assertEquals(restored.state(), stream.monitor().also { it.restore(restored.state()) }.state())
                assertEquals(JsonParser.parseString(python), JsonParser.parseString(restored.state()))
            }
        }
        val (one, other) = listOf(whole, restored).map { JsonParser.parseString(it.state()).asJsonObject }
        sameState("$one", "$other")
    }

    private fun sameState(
        expected: String,
        found: String,
    ) {
        val (wanted, mine) = listOf(expected, found).map { JsonParser.parseString(it).asJsonObject }
        assertEquals(wanted.keySet().toList(), mine.keySet().toList())
        for (
        field in wanted.keySet() -
            setOf(
                "arrays",
                "proxies",
            )
        ) {
            assertClose(wanted[field], plain(mine[field]), field)
        }
        for (name in wanted["proxies"].asJsonObject.keySet()) {
            assertClose(wanted["proxies"].asJsonObject[name], plain(mine["proxies"].asJsonObject[name]), name)
        }
        val arrays = wanted["arrays"].asJsonObject
        assertEquals(arrays.keySet(), mine["arrays"].asJsonObject.keySet())
        for ((name, text) in arrays.entrySet()) {
            val (its, my) = listOf(text.asString, mine["arrays"].asJsonObject[name].asString).map(::numbers)
            assertEquals(its.size, my.size)
            for (i in its.indices) assertEquals(its[i], my[i], 1e-9 * its[i], "$name[$i]")
        }
    }

    private fun numbers(text: String): DoubleArray = assertNotNull(decodeNumbers(text, 3 * text.length / 32))

    private fun plain(value: com.google.gson.JsonElement): Any? =
        when {
            value.isJsonNull -> null
            value.isJsonArray -> value.asJsonArray.map(::plain)
            value.asJsonPrimitive.isNumber -> value.asDouble
            else -> value.asString
        }

    private fun watched(
        samples: Int = 0,
        shift: Double = 0.0,
        alpha: Double = 0.01,
    ): DriftMonitor {
        val monitor = DriftMonitor(LIMITS, ABC, alpha = alpha)
        val random = Uniform()
        repeat(samples) {
            monitor.addShadow(
                List(2) { DoubleArray(3) { random.nextDouble().let { u -> 0.004 * u * u * u + shift } } },
            )
        }
        return monitor
    }

    private fun rows(
        value: Double,
        stages: Int = 2,
    ): List<DoubleArray> = List(stages) { DoubleArray(3) { value } }

    @Test
    fun `before any sample nothing is claimed`() {
        val report = watched().report()
        assertEquals(listOf(Verdict.OK, 0L, null, null), report.run { listOf(verdict, samples, estimate, certified) })
        assertEquals(listOf(0.0, CAP, 1.0), report.run { listOf(lower, upper, evidence) })
        assertTrue(!Regex("NaN|Infinity").containsMatchIn("$report"))
    }

    @Test
    fun `a shift is an alarm that stays until reset`() {
        val monitor = watched(300, 0.005)
        val report = monitor.report()
        assertEquals(Verdict.DRIFTED, report.verdict)
        assertTrue(assertNotNull(report.alarmSample) < 40)
        assertTrue(report.reason.endsWith("reached 100 at sample ${report.alarmSample}"))
        assertNull(report.certified)
        repeat(3000) { monitor.addShadow(rows(0.0)) }
        assertEquals(Verdict.DRIFTED, monitor.verdict)
        assertTrue(monitor.report().run { evidence < 1 && mostEvidence > 100 })
        monitor.reset()
        assertEquals(watched().report(), monitor.report())
        assertEquals(watched().state(), monitor.state())
    }

    @Test
    fun `the alarm needs as much evidence as alpha says`() {
        assertEquals(Verdict.OK, watched(6, 0.005, 1e-6).verdict)
        assertEquals(Verdict.DRIFTED, watched(12, 0.005, 0.1).verdict)
    }

    @Test
    fun `each frame is held to the limit of the stage that answered`() {
        val (first, second) = List(2) { watched() }
        repeat(300) {
            first.addShadow(rows(0.003, 1))
            second.addShadow(rows(0.003))
        }
        assertEquals(Verdict.OK to Verdict.DRIFTED, first.verdict to second.verdict)
        assertNull(first.report().stages[1].mean)
    }

    @Test
    fun `distances are capped and absent landmarks left out`() {
        val monitor = watched()
        val absent = Double.NaN
        monitor.addShadow(listOf(doubleArrayOf(0.0, absent, 0.0), doubleArrayOf(9.0, absent, 0.05)))
        assertEquals((CAP + 0.05) / 2, monitor.report().estimate)
        assertEquals(
            listOf(CAP to 1L, null to 0L, 0.05 to 1L),
            monitor.report().landmarks.map { it.mean to it.count },
        )
    }

    @Test
    fun `goldens, failures and fast alarms count`() {
        val monitor = watched(10)
        monitor.addGolden(Verdict.WARNING)
        assertEquals(Verdict.WARNING, monitor.verdict)
        monitor.addGolden(Verdict.DRIFTED)
        assertEquals(Verdict.DRIFTED to null, monitor.report().run { verdict to certified })
        assertEquals(Verdict.DRIFTED, monitor.anew(golden = Verdict.DRIFTED).verdict)
        assertEquals(Verdict.OK, monitor.anew().verdict)
        monitor.addGolden(Verdict.OK)
        assertEquals(Verdict.OK, monitor.verdict)
        monitor.addFailure("OutOfMemoryError: no memory")
        assertContains(monitor.report().reason, "(1 in all): OutOfMemoryError: no memory")
        monitor.addShadow(rows(0.0))
        assertEquals(Verdict.OK to 1L, monitor.report().run { verdict to failures })
        repeat(220) { monitor.addFrame(floatArrayOf(if (it < 200) 0.9f else 0.1f)) }
        assertEquals(listOf("peak height"), monitor.report().fastAlarms)
        assertContains(monitor.report().reason, "promises nothing")
        monitor.addFlip(0.25)
        assertEquals(Proxy("flip", 0.25, 0.25, 1), monitor.report().proxies.last())
    }

    @Test
    fun `numbers in reasons are rounded as Python does`() {
        // 1 / 0.4 is 2.5, and Python's format says 2.
        assertContains(watched(20, 0.005, 0.4).report().reason, "the evidence reached 2 at sample")
        val warned = (1..50).map { watched(it, 0.005, 1e-6).report() }.first { it.verdict == Verdict.WARNING }
        assertTrue(Regex("evidence \\d+\\.\\d of the 1000000 that would be an alarm").matches(warned.reason))
    }

    @Test
    fun `a state that does not fit is refused and changes nothing`() {
        val state = watched(5).state()
        val others =
            listOf(
                Triple(
                    DriftMonitor(doubleArrayOf(0.004, 0.003), ABC),
                    state,
                    "another version, bundle, limits or alpha",
                ),
                Triple(DriftMonitor(LIMITS, ABC, subject = "other"), state, "another version"),
                Triple(DriftMonitor(LIMITS, ABC, alpha = 0.05), state, "another version"),
                Triple(DriftMonitor(LIMITS, ABC.take(2)), state, "another version"),
                Triple(watched(), state.replace("\"version\":1", "\"version\":2"), "another version"),
                Triple(watched(), state.dropLast(40), "is no state of a drift monitor: wrong JSON"),
                Triple(watched(), "$state x", "wrong JSON"),
                Triple(watched(), "", "wrong JSON"),
                Triple(watched(), "[]", "is no state"),
                Triple(watched(), "null", "is no state"),
                Triple(watched(), "[".repeat(100_000), "is no state"),
                Triple(watched(), "{}", "wrong version, subject, limits"),
                Triple(watched(), state.replace("\"samples\":5", "\"samples\":\"5\""), "wrong samples"),
                Triple(watched(), state.replace("\"samples\":5", "\"samples\":5.5"), "wrong samples"),
                Triple(watched(), state.replace("\"samples\":5", "\"samples\":NaN"), "wrong JSON"),
                Triple(watched(), state.replace("\"total\":", "\"total\":1e999,\"x\":"), "wrong total, x"),
                Triple(watched(), state.replace("\"golden\":null", "\"golden\":\"fine\""), "wrong golden"),
                Triple(watched(), state.replace("\"golden\":null,", ""), "wrong golden"),
                Triple(watched(), state.replace("\"version\":1", "\"version\":1,\"more\":1"), "wrong more"),
                Triple(watched(), state.replace("\"flip\"", "\"flop\""), "no whole state"),
                Triple(watched(), state.replace("\"started\":\"", "\"started\":\"AAAA"), "no whole state"),
                Triple(watched(), state.replace("\"above\":\"", "\"above\":\"!"), "no whole state"),
                Triple(watched(), state.replace("\"above\"", "\"abode\""), "no whole state"),
            )
        for ((monitor, content, says) in others) {
            val error = assertFailsWith<DataException>(says) { monitor.restore(content, "here") }
            assertContains(error.message!!, says)
            assertTrue(error.message!!.startsWith("here"))
            assertEquals(monitor.anew().state(), monitor.state())
        }
    }

    @Test
    fun `a state of JavaScript's, which writes whole numbers without a point`() {
        val state = watched(0).state().replace("1.0,", "1,").replace(Regex("0\\.0\\b"), "0")
        assertNotEquals(state, watched(0).state())
        watched().restore(state)
    }

    @Test
    fun `what is no disagreement is refused`() {
        val none = Double.NaN
        val bad =
            listOf(
                emptyList(),
                rows(0.0, 3),
                listOf(DoubleArray(4)),
                listOf(DoubleArray(3), DoubleArray(0)),
                rows(none),
                listOf(doubleArrayOf(0.0, none, 0.0), DoubleArray(3)),
                listOf(DoubleArray(3), doubleArrayOf(0.0, none, 0.0)),
                rows(-0.1),
                rows(Double.NEGATIVE_INFINITY),
            )
        for (disagreement in bad) {
            val monitor = watched()
            assertFailsWith<DataException> { monitor.addShadow(disagreement) }
            assertEquals(0, monitor.report().samples)
        }
    }

    @Test
    fun `what would spoil a mean is refused`() {
        val monitor = watched()
        assertFailsWith<DataException> { monitor.addFrame(FloatArray(0)) }
        assertFailsWith<DataException> { monitor.addFrame(floatArrayOf(Float.NaN)) }
        assertFailsWith<DataException> { monitor.addFrame(floatArrayOf(0.5f), Double.POSITIVE_INFINITY) }
        assertFailsWith<DataException> { monitor.addFlip(Double.NaN) }
        assertEquals(watched().state(), monitor.state())
    }

    @Test
    fun `settings out of range are refused`() {
        for (limits in listOf(
            doubleArrayOf(),
            doubleArrayOf(0.0, 0.1),
            doubleArrayOf(0.3, 0.1),
            doubleArrayOf(Double.NaN),
        )) {
            assertFailsWith<UsageException> { DriftMonitor(limits, ABC) }
        }
        for (alpha in listOf(0.0, 1.0, Double.NaN)) {
            assertFailsWith<UsageException> { DriftMonitor(LIMITS, ABC, alpha = alpha) }
        }
    }

    private class Limited(
        uppers: List<Double>?,
        private val goldens: List<Double>?,
    ) : LimitedBundle {
        override val digest = "abc"
        override val manifest: Manifest = manifestOf(uppers?.let(::measuredOf))

        override fun golden(): GoldenSet? = goldens?.let { GoldenSet(emptyList(), it) }
    }

    @Test
    fun `limits come from what was measured, else from the goldens`() {
        val goldens = DriftMonitor.of(Limited(null, listOf(0.01, 0.02)))
        assertEquals(listOf(0.01, 0.02).map { DriftLimit(it, LimitSource.GOLDENS) }, goldens.limits)
        assertEquals(listOf("abc", NAMES, 0.01), goldens.run { listOf(subject, landmarks, alpha) })
        val measured = Limited(listOf(0.002, 0.003), listOf(0.01, 0.02))
        val given = DriftMonitor.of(measured, tolerance = 0.5 / 1024, alpha = 0.1)
        assertEquals(
            listOf(0.002 + 0.5 / 1024, 0.003 + 0.5 / 1024).map { DriftLimit(it, LimitSource.MEASURED) },
            given.limits,
        )
        assertEquals(0.1, given.alpha)
        assertEquals(LimitSource.GOLDENS, driftLimits(Limited(listOf(0.002), listOf(0.01, 0.02)))[0].source)
        assertFailsWith<UsageException> { DriftMonitor.of(measured, tolerance = -1.0) }
        assertContains(
            assertFailsWith<UsageException> { DriftMonitor.of(Limited(null, null)) }.message!!,
            "there is no limit",
        )
    }

    @Test
    fun `several threads may feed it`() {
        val monitor = watched()
        val threads =
            List(4) {
                thread {
                    repeat(500) {
                        monitor.addShadow(rows(0.001))
                        monitor.addFrame(floatArrayOf(0.5f), 0.01)
                        monitor.addFlip(0.01)
                        monitor.addFailure("x")
                        monitor.verdict
                    }
                }
            }
        threads.forEach { it.join() }
        val report = monitor.report()
        assertEquals(2000L to 2000L, report.samples to report.failures)
        assertEquals(listOf(2000L, 2000L, 2000L), report.proxies.map { it.count })
    }

    internal companion object {
        private val STREAMS = Vectors.load("drift")["streams"].asJsonArray.map { Stream(it.asJsonObject) }

        @JvmStatic
        fun streams(): List<String> = STREAMS.map { it.name }

        private fun measuredOf(uppers: List<Double>): Measured = measured(uppers)
    }
}
