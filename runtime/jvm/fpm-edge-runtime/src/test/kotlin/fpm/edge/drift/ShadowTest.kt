package fpm.edge.drift

import fpm.edge.UsageException
import fpm.edge.check.Verdict
import fpm.edge.pixels.Box
import fpm.edge.stages.Converge
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.FloatSession
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue
import org.junit.jupiter.api.Timeout

@Timeout(LONG)
internal class ShadowTest {
    private val session = FakeSession()
    private val reference = FakeReference()
    private val monitor = DriftMonitor(doubleArrayOf(0.01, 0.01), NAMES, subject = "d1g3st")
    private val hand = ByHand()

    private fun shadow(
        options: ShadowOptions = ShadowOptions(rate = 1.0, spacingS = 0.0),
        log: LogSink? = null,
        executor: Executor? = hand,
    ): Shadow = Shadow(session, reference, monitor, options, log, executor)

    @Test
    fun `the answer is the session's, and what it is compared with feeds the monitor`() {
        val shadow = shadow()
        session.off = 0.32f
        val options = DetectOptions(category = "all", box = Box(1.0, 2.0, 30.0, 40.0))
        val found = shadow.detect(PICTURE, options)
        assertEquals(session.detect(PICTURE).landmarks.toList(), found.landmarks.toList())
        assertEquals("trace" to options, session.asked[0])
        assertFalse(shadow.flush(0), "it was not compared yet")
        assertEquals(0, reference.calls)
        hand.run()
        assertTrue(shadow.flush())
        val report = monitor.report()
        assertEquals(1, report.samples)
        assertEquals(0.32 / SIZE, report.estimate!!, 1e-6)
        assertEquals(listOf(1L, 1L, 0L), report.proxies.map { it.count })
        assertEquals(ShadowCounts(frames = 1, sampled = 1, compared = 1), shadow.counts)
    }

    @Test
    fun `a device that answers elsewhere has drifted`() {
        val shadow = shadow()
        session.off = 6f
        repeat(12) {
            shadow.detect(PICTURE)
            hand.run()
        }
        assertEquals(Verdict.DRIFTED, shadow.verdict)
    }

    @Test
    fun `the newest frame wins`() {
        val shadow = shadow()
        repeat(20) {
            session.off = it / 100f
            shadow.detect(PICTURE)
        }
        assertEquals(ShadowCounts(frames = 20, sampled = 20, replaced = 19), shadow.counts)
        assertEquals(1, hand.size, "the executor is asked once")
        hand.run()
        assertEquals(1, shadow.counts.compared)
        assertEquals(0.19 / SIZE, monitor.report().estimate!!, 1e-6)
    }

    @Test
    fun `detecting never waits for the float model`() {
        val shadow = shadow(executor = null)
        reference.hold()
        shadow.detect(PICTURE)
        reference.awaitCall()
        repeat(19) {
            session.off = it / 100f
            shadow.detect(PICTURE)
        }
        assertEquals(ShadowCounts(frames = 20, sampled = 20, replaced = 18), shadow.counts)
        assertFalse(shadow.flush(5))
        reference.go()
        assertTrue(shadow.flush(LONG * 1000))
        assertEquals(2, shadow.counts.compared)
        val caller = reference.caller!!
        assertTrue(caller.isDaemon && caller.priority == Thread.MIN_PRIORITY)
        shadow.close()
        caller.join()
    }

    @Test
    fun `frames that are not drawn are only detected`() {
        val shadow = shadow(ShadowOptions(rate = 0.0, spacingS = 0.0, movementRate = 0.0))
        shadow.detect(PICTURE)
        assertEquals(listOf("detect"), session.asked.map { it.first })
        assertEquals(ShadowCounts(frames = 1), shadow.counts)
        assertEquals(listOf(1L, 0L, 0L), monitor.report().proxies.map { it.count })
        assertEquals(0.8, monitor.report().proxies[0].mean!!, 1e-6)
        val moving = shadow(ShadowOptions(rate = 0.0, spacingS = 0.0, movementRate = 1.0))
        moving.detect(PICTURE)
        assertEquals(listOf(2L, 1L, 0L), monitor.report().proxies.map { it.count })
        assertEquals(0 to 0L, hand.size to moving.counts.sampled)
    }

    @Test
    fun `what fails beside is seen and not thrown`() {
        val shadow = shadow()
        for (failure in listOf(IllegalStateException("the accelerator is gone"), OutOfMemoryError("no memory"))) {
            reference.fail = failure
            shadow.detect(PICTURE)
            hand.run()
            assertEquals(Verdict.WARNING, shadow.verdict)
            assertContains(monitor.report().reason, "${failure.javaClass.simpleName}: ${failure.message}")
        }
        assertEquals(2L to 0L, shadow.counts.run { failed to compared })
        reference.fail = null
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(Triple(2L, 1L, Verdict.OK), shadow.counts.run { Triple(failed, compared, shadow.verdict) })
    }

    @Test
    fun `an executor that takes no more is a failure, and nothing waits for it`() {
        var isOpen = false
        val shadow =
            shadow(executor = { if (isOpen) it.run() else throw RejectedExecutionException("it was shut down") })
        shadow.detect(PICTURE)
        assertTrue(shadow.flush(0))
        assertEquals(1L, shadow.counts.failed)
        assertEquals(Verdict.WARNING, shadow.verdict)
        assertContains(monitor.report().reason, "it was shut down")
        isOpen = true
        shadow.detect(PICTURE)
        assertEquals(1L to Verdict.OK, shadow.counts.compared to shadow.verdict)
        shadow.close()
    }

    @Test
    fun `an exception of detect is detect's, and the frame does not count`() {
        val shadow = shadow()
        session.fail = UsageException("stages is 9")
        assertContains(assertFailsWith<UsageException> { shadow.detect(PICTURE) }.message!!, "stages is 9")
        assertEquals(0, shadow.counts.frames)
        session.fail = null
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(1, shadow.counts.compared)
    }

    @Test
    fun `what a session answered never counts for the next one`() {
        val shadow = shadow()
        val next = monitor.anew()
        shadow.detect(PICTURE)
        shadow.switchTo(session, next, Fallback.MORE_STAGES)
        monitor.addGolden(Verdict.DRIFTED)
        hand.run()
        assertEquals(Verdict.OK, shadow.verdict)
        assertEquals(1L to 0L, monitor.report().samples to next.report().samples)
        val found =
            shadow.detect(
                PICTURE,
                DetectOptions("all", stages = 1, deadlineMs = 0.0, converge = Converge.Px(1.0)),
            )
        assertEquals(2 to Fallback.MORE_STAGES, found.stagesRun to shadow.fallback)
        assertEquals(DetectOptions("all"), session.asked.last().second)
        hand.run()
        assertEquals(1L to 1L, monitor.report().samples to next.report().samples)
        shadow.switchTo(session, next, Fallback.FLOAT)
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(1L to 2L, next.report().samples to shadow.counts.sampled)
    }

    @Test
    fun `closing waits for the comparison that runs, and detecting goes on`() {
        val closed = mutableListOf<String>()
        val log =
            object : LogSink {
                override fun append(entry: LogEntry) {}

                override fun close() {
                    closed += "closed after ${reference.calls} calls"
                }
            }
        val shadow = shadow(log = log, executor = null)
        reference.hold()
        shadow.detect(PICTURE)
        reference.awaitCall()
        shadow.detect(PICTURE)
        val closers = List(2) { thread { shadow.close() } }
        closers[0].join(50)
        assertTrue(closers.all { it.isAlive } && closed.isEmpty())
        reference.go()
        closers.forEach { it.join() }
        shadow.close()
        assertEquals(listOf("closed after 1 calls"), closed)
        assertEquals(1, shadow.counts.compared)
        shadow.detect(PICTURE)
        assertTrue(shadow.flush(0))
        assertEquals(Triple(3L, 2L, 1), shadow.counts.run { Triple(frames, sampled, reference.calls) })
    }

    @Test
    fun `closing does not wait for what the executor has not begun`() {
        val entries = mutableListOf<LogEntry>()
        val shadow = shadow(log = { entries += it })
        shadow.detect(PICTURE)
        shadow.record(StepTaken.now(Step.REPORT, "it drifted", "fake 1.0", "fake 1.0"), monitor.report())
        shadow.close()
        assertEquals(listOf(Step.REPORT, null), entries.map { it.step?.step })
        hand.run()
        assertEquals(0 to 2, reference.calls to entries.size)
        assertEquals(0, monitor.report().failures)
    }

    @Test
    fun `the log has changes of the verdict, every fiftieth sample, the steps and the end`() {
        val entries = mutableListOf<LogEntry>()
        val shadow = shadow(log = { entries += it })
        repeat(70) {
            session.off = if (it < 60) 0f else 20f
            shadow.detect(PICTURE)
            hand.run()
        }
        shadow.record(StepTaken.now(Step.ENGINE, "it drifted", "fake 1.0", null, "no other"), monitor.report())
        hand.run()
        shadow.close()
        val said = entries.map { Triple(it.report.samples, it.verdict, it.step?.step) }
        assertEquals(listOf(Triple(1L, Verdict.OK, null), Triple(51L, Verdict.OK, null)), said.take(2))
        assertEquals(
            listOf(Triple(70L, Verdict.DRIFTED, Step.ENGINE), Triple(70L, Verdict.DRIFTED, null)),
            said.takeLast(2),
        )
        assertTrue(said[2].first > 60 && said.size <= 6)
        assertEquals(Triple("d1g3st", "fake 1.0", 1L), entries[0].run { Triple(subject, engine, frames) })
    }

    @Test
    fun `a log that fails is tried again`() {
        val steps = mutableListOf<Step?>()
        var isFull = true
        val shadow =
            shadow(
                log = {
                    check(!isFull) { "the disk is full" }
                    steps += it.step?.step
                },
            )
        shadow.record(StepTaken.now(Step.REPORT, "it drifted", "fake 1.0", "fake 1.0"), monitor.report())
        hand.run()
        assertContains(monitor.report().reason, "the disk is full")
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(Triple(1L, 0L, Verdict.WARNING), shadow.counts.run { Triple(compared, failed, shadow.verdict) })
        isFull = false
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(listOf(Step.REPORT, null), steps)
        assertEquals(Verdict.OK, shadow.verdict)
    }

    @Test
    fun `a budget measures the float model at the start, and then compares`() {
        val shadow = shadow(ShadowOptions(budgetMsPerMinute = 60_000.0, spacingS = 0.0))
        shadow.detect(PICTURE)
        assertEquals(0 to 0L, reference.calls to shadow.counts.sampled)
        hand.run()
        assertEquals(1 to 0L, reference.calls to monitor.report().samples)
        for (i in 0 until 200) {
            Thread.sleep(1)
            shadow.detect(PICTURE)
            if (shadow.counts.sampled > 0) break
        }
        assertTrue(shadow.counts.sampled > 0)
    }

    @Test
    fun `without being told otherwise a scene is compared once`() {
        val shadow = shadow(ShadowOptions(rate = 1.0))
        repeat(5) {
            shadow.detect(PICTURE)
            hand.run()
        }
        assertEquals(ShadowCounts(frames = 5, sampled = 1, compared = 1), shadow.counts)
    }

    @Test
    fun `models that do not fit are refused`() {
        val refused = { reference: FloatSession, options: ShadowOptions ->
            assertFailsWith<UsageException> { Shadow(session, reference, monitor, options) }.message!!
        }
        val options = ShadowOptions()
        assertContains(refused(FakeReference(stageLimit = 1), options), "1 stages loaded, the session 2")
        assertContains(refused(FakeReference(geometryOf(stride = 4)), options), "other landmarks or geometry")
        val other = FakeSession(schemaOf(listOf("a", "b", "c")))
        assertFailsWith<UsageException> { Shadow(other, reference, monitor) }
        assertContains(refused(reference, ShadowOptions(movementRate = 2.0)), "movementRate is 2")
        assertContains(refused(reference, ShadowOptions(rate = 2.0)), "rate is 2")
        assertContains(refused(reference, ShadowOptions(rate = 1.0, budgetMsPerMinute = 1.0)), "not both")
    }

    @Test
    fun `the landmarks that count are those both models say the garment has`() {
        val counted = {
            val (row) = disagreementOf(session.trace(PICTURE, DetectOptions(stages = 1)), reference)
            row.map { !it.isNaN() }
        }
        session.labelled = booleanArrayOf(true, true, false)
        reference.labelled = booleanArrayOf(false, true, true)
        assertEquals(listOf(true, true, false), counted(), "given: the device's")
        session.categoryScore = 0.9
        reference.categoryScore = 0.9
        assertEquals(listOf(false, true, false), counted(), "found: those of both")
        session.labelled = booleanArrayOf(true, false, false)
        assertEquals(listOf(false, true, true), counted(), "found, and nothing in common: the float model's")
        reference.labelled = BooleanArray(3)
        assertEquals(List(3) { false }, counted(), "no garment")
    }

    @Test
    fun `frames without a garment are compared and show nothing`() {
        val shadow = shadow()
        session.labelled = BooleanArray(3)
        reference.labelled = BooleanArray(3)
        session.categoryScore = 0.9
        reference.categoryScore = 0.9
        shadow.detect(PICTURE)
        hand.run()
        assertEquals(
            Triple(1L, 0L, 0L),
            monitor.report().run { Triple(shadow.counts.compared, samples, proxies[0].count) },
        )
    }

    @Test
    fun `several threads may detect, and each frame counts once`() {
        val shadow = shadow(executor = null)
        val threads = List(4) { thread { repeat(500) { shadow.detect(PICTURE) } } }
        threads.forEach { it.join() }
        assertTrue(shadow.flush(LONG * 1000))
        val counts = shadow.counts
        assertEquals(2000L to 2000L, counts.frames to counts.sampled)
        assertEquals(2000L, counts.compared + counts.replaced)
        assertEquals(counts.compared, monitor.report().samples)
        assertNotEquals(0, counts.compared)
        shadow.close()
        assertNull(shadow.fallback)
    }
}
