package fpm.edge.cameras

import fpm.edge.DataException
import fpm.edge.stages.DetectOptions
import org.junit.jupiter.api.Timeout
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertSame
import kotlin.test.assertTrue

@Timeout(2 * LONG, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // `close` cannot be interrupted
class LiveTest {
    private val executor = ByHand()
    private val heard = Heard()
    private val detector = Asked()
    private var now = 0L
    private val live = Live(detector, heard, executor) { now }

    @Test
    fun `the answer is the detector's, and the frame is given back after the listener returned`() {
        val lent = Lent()
        val returnedAt = mutableListOf<Int>()
        val live = Live(detector, Heard { returnedAt += lent.returned }, executor)
        assertNull(live.latest)
        assertTrue(live.offer(lent.frame, DetectOptions(category = "all", stages = 1)))
        executor.runAll()
        assertEquals(listOf(DetectOptions(category = "all", stages = 1)), detector.asked)
        assertSame(lent.frame.picture, detector.pictures.single())
        assertEquals(listOf(0), returnedAt)
        assertEquals(1, lent.returned)
        assertEquals(LiveCounts(offered = 1, done = 1), live.counts)
        live.close()
        assertEquals(1, lent.returned)
    }

    @Test
    fun `the newest frame wins, the others are given back at once, and answers come in order`() {
        val lent = List(20) { Lent() }
        lent.forEach { assertTrue(live.offer(it.frame)) }
        assertEquals(List(19) { 1 } + 0, lent.map { it.returned })
        assertEquals(LiveCounts(offered = 20, dropped = 19), live.counts)
        assertEquals(1, executor.waiting)
        executor.runNext()
        val next = Lent()
        live.offer(next.frame)
        executor.runAll()
        assertEquals(listOf(lent.last().frame, next.frame), heard.detections.map { it.first })
        assertSame(heard.detections.last().second, live.latest)
        assertEquals(List(20) { 1 }, lent.map { it.returned })
        assertEquals(LiveCounts(offered = 21, done = 2, dropped = 19), live.counts)
    }

    @Test
    fun `a deadline counts from offer`() {
        live.offer(Lent().frame, DetectOptions(deadlineMs = 20.0))
        now += 5_000_000
        executor.runAll()
        live.offer(Lent().frame, DetectOptions(deadlineMs = 20.0))
        now += 30_000_000
        executor.runAll()
        assertEquals(listOf<Double?>(15.0, 0.0), detector.asked.map { it.deadlineMs })
    }

    @Test
    fun `waiting is taken off a deadline, and one that cannot be meant stays`() {
        for (deadline in listOf(-1.0, Double.NaN, 0.0, null)) {
            assertEquals(DetectOptions(deadlineMs = deadline), DetectOptions(deadlineMs = deadline).takenOff(5.0))
        }
        assertEquals(
            DetectOptions(deadlineMs = 2.0, stages = 1),
            DetectOptions(deadlineMs = 7.0, stages = 1).takenOff(5.0),
        )
        assertEquals(7.0, DetectOptions(deadlineMs = 7.0).takenOff(-5.0).deadlineMs)
    }

    @Test
    fun `the listener hears of errors, the frame is given back, and the next one is detected`() {
        val errors = ArrayDeque(listOf(DataException("no"), OutOfMemoryError("large")))
        val failing = Asked { errors.removeFirstOrNull()?.let { throw it } ?: Asked().detect(Black()) }
        val live = Live(failing, heard, executor)
        val lent = List(3) { Lent() }
        lent.forEach {
            live.offer(it.frame)
            executor.runAll()
        }
        assertEquals(listOf("no", "large"), heard.failures.map { it.second.message })
        assertEquals(lent.take(2).map { it.frame }, heard.failures.map { it.first })
        assertEquals(listOf(lent[2].frame), heard.detections.map { it.first })
        assertEquals(listOf(1, 1, 1), lent.map { it.returned })
        assertEquals(LiveCounts(offered = 3, done = 1, failed = 2), live.counts)
    }

    @Test
    fun `what a listener throws is the executor's, and the frame that waits is detected all the same`() {
        lateinit var live: Live
        val lent = List(2) { Lent() }
        var calls = 0
        val listener =
            Heard {
                if (calls++ == 0) {
                    live.offer(lent[1].frame)
                    error("a fault of the app")
                }
            }
        live = Live(detector, listener, executor)
        live.offer(lent[0].frame)
        assertFailsWith<IllegalStateException> { executor.runNext() }
        assertEquals(1, lent[0].returned)
        executor.runNext()
        assertEquals(1, lent[1].returned)
        assertEquals(LiveCounts(offered = 2, done = 2), live.counts)
        live.close()
    }

    @Test
    fun `cameras that share an executor are served in turn`() {
        val order = mutableListOf<String>()
        val cameras = mutableMapOf<String, Live>()
        for (name in listOf("left", "right")) {
            val listener =
                Heard {
                    order += name
                    if (order.size < 6) cameras.getValue(name).offer(Lent().frame)
                }
            cameras[name] = Live(detector, listener, executor)
        }
        cameras.values.forEach { it.offer(Lent().frame) }
        executor.runAll()
        assertEquals(listOf("left", "right", "left", "right", "left", "right"), order.take(6))
    }

    @Test
    fun `closing drops what waits, and what is offered later`() {
        val lent = List(2) { Lent() }
        live.offer(lent[0].frame)
        live.close()
        assertEquals(1, lent[0].returned)
        assertFalse(live.offer(lent[1].frame))
        assertEquals(1, lent[1].returned)
        executor.runAll()
        live.close()
        assertEquals(0, detector.asked.size)
        assertEquals(LiveCounts(offered = 2, dropped = 2), live.counts)
    }

    @Test
    fun `a frame for an executor that takes no more is given back`() {
        var full = true
        val choosy = Executor { if (full) throw RejectedExecutionException() else executor.execute(it) }
        val live = Live(detector, heard, choosy)
        val lent = List(2) { Lent() }
        assertFalse(live.offer(lent[0].frame))
        assertEquals(1, lent[0].returned)
        full = false
        assertTrue(live.offer(lent[1].frame))
        executor.runAll()
        assertEquals(LiveCounts(offered = 2, done = 1, dropped = 1), live.counts)
        live.close()
    }

    @Test
    fun `an executor that works at once is allowed`() {
        var more = 20
        lateinit var live: Live
        live = Live(detector, Heard { if (--more > 0) live.offer(Lent().frame) else live.close() }, Runnable::run)
        live.offer(Lent().frame)
        assertEquals(LiveCounts(offered = 20, done = 20), live.counts)
        assertFalse(live.offer(Lent().frame))
    }

    @Test
    fun `closing waits for the frame that is in work, on a thread of its own`() {
        val entered = CountDownLatch(1)
        val go = CountDownLatch(1)
        val worker = AtomicReference<Thread>()
        val slow =
            Asked {
                worker.set(Thread.currentThread())
                entered.countDown()
                go.awaitLong()
                Asked().detect(Black())
            }
        val running = Lent()
        val waiting = Lent()
        val live = Live(slow, heard)
        live.offer(running.frame)
        entered.awaitLong()
        live.offer(waiting.frame)
        var closed = false
        val closing =
            thread {
                live.close()
                closed = heard.detections.isNotEmpty() && running.returned == 1
            }
        while (closing.state != Thread.State.WAITING) Thread.onSpinWait()
        assertEquals(1, waiting.returned)
        assertEquals(0, running.returned)
        closing.interrupt() // no reason to give up a detector that is in use
        go.countDown()
        closing.join(LONG * 1000)
        assertTrue(closed)
        worker.get().join(LONG * 1000)
        assertFalse(worker.get().isAlive)
        assertTrue(worker.get().isDaemon)
        assertEquals(LiveCounts(offered = 2, done = 1, dropped = 1), live.counts)
    }

    @Test
    fun `from many threads every frame is given back once, and one is in work at a time`() {
        val together = AtomicInteger()
        val lonely =
            Asked {
                check(together.incrementAndGet() == 1)
                Asked().detect(Black()).also { together.decrementAndGet() }
            }
        val live = Live(lonely, heard)
        val lent = List(4) { List(500) { Counted() } }
        val threads = lent.map { frames -> thread { frames.forEach { live.offer(it.frame) } } }
        threads.forEach { it.join(LONG * 1000) }
        live.close()
        assertTrue(lent.flatten().all { it.returned.get() == 1 })
        val counts = live.counts
        assertEquals(2000, counts.offered)
        assertEquals(2000, counts.done + counts.dropped)
        assertEquals(counts.done, heard.detections.size.toLong())
        assertTrue(heard.failures.isEmpty())
    }

    private class Counted {
        val returned = AtomicInteger()
        val frame = Frame(Black()) { returned.incrementAndGet() }
    }
}
