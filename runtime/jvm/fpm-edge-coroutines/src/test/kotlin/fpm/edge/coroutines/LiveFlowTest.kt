package fpm.edge.coroutines

import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.cameras.Cropping
import fpm.edge.cameras.Frame
import fpm.edge.cameras.Tracked
import fpm.edge.cameras.Tracker
import fpm.edge.stages.DetectOptions
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.onFailure
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.consumeAsFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Timeout
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

@OptIn(ExperimentalCoroutinesApi::class)
@Timeout(60) // what is never run by hand would be waited for
class LiveFlowTest {
    private val work = ByHand()
    private val dispatcher = work.asCoroutineDispatcher()
    private val camera = Channel<Frame>(Channel.UNLIMITED)
    private val lent = List(20) { Lent(it) }

    private fun returned() = lent.map { it.returned }

    private fun TestScope.atOnce() = StandardTestDispatcher(testScheduler)

    private fun TestScope.show(vararg numbers: Int) {
        numbers.forEach { assertTrue(camera.trySend(lent[it].frame).isSuccess) }
        runCurrent()
    }

    @Test
    fun `the newest frame wins, the others are given back at once, and answers come in order`() =
        runTest {
            val detector = Asked()
            val found = async { camera.consumeAsFlow().landmarks(detector, dispatcher = dispatcher).toList() }
            runCurrent()
            show(0)
            show(1, 2, 3)
            assertEquals(listOf(0, 1, 1, 0), returned().take(4))
            work.runNext()
            assertEquals(listOf(1, 1, 1, 0), returned().take(4), "before the collector goes on")
            runCurrent()
            show(4)
            camera.close()
            runCurrent()
            work.runNext()
            runCurrent()
            work.runNext() // the frame that waited when the camera ended
            assertEquals(listOf(0, 3, 4), found.await().map { it.number })
            assertEquals(listOf(0, 3, 4), detector.numbers)
            assertEquals(List(5) { 1 } + List(15) { 0 }, returned())
        }

    @Test
    fun `a slow collector sees the newest frames`() =
        runTest {
            val frames = lent.asFlow().map { it.frame }.onEach { delay(10) } // from 10 to 200 ms
            val seen = mutableListOf<Int>()
            frames.landmarks(Asked(), dispatcher = atOnce()).collect {
                seen += it.number
                delay(33)
            }
            // At 10, 43, 76, 109, 142, 175 and 208 ms: what came last until then.
            assertEquals(listOf(0, 3, 6, 9, 13, 16, 19), seen)
            assertEquals(List(20) { 1 }, returned())
        }

    @Test
    fun `waiting is taken off the deadline`() =
        runTest {
            val detector = Asked()
            val options = DetectOptions(deadlineMs = 20.0)
            val clock = { 1_000_000 * currentTime }
            val collecting =
                launch { camera.consumeAsFlow().landmarks(detector, options, dispatcher, clock).collect {} }
            runCurrent()
            show(0)
            delay(5)
            show(1)
            work.runNext()
            runCurrent()
            delay(30)
            work.runNext()
            assertEquals(listOf<Double?>(15.0, 0.0), detector.asked.map { it.deadlineMs })
            collecting.cancel()
        }

    @Test
    fun `errors of the detector arrive, the camera's flow ends and all frames are given back`() =
        runTest {
            val detector = Asked { if (it == 0) throw DataException("no") }
            var ended = false
            val frames =
                flow {
                    try {
                        emit(lent[0].frame)
                        delay(1)
                        emit(lent[1].frame)
                        awaitCancellation()
                    } finally {
                        ended = true
                    }
                }
            val found = async { runCatching { frames.landmarks(detector, dispatcher = dispatcher).toList() } }
            delay(2)
            work.runNext()
            val error = found.await().exceptionOrNull()
            assertTrue(error is DataException)
            assertEquals("no", error.message)
            assertTrue(ended)
            assertEquals(listOf(1, 1, 0), returned().take(3))
            assertEquals(listOf(0), detector.numbers)
        }

    @Test
    fun `errors of the camera arrive, and what waits is given back`() =
        runTest {
            val detector = Asked()
            val collecting =
                async { runCatching { camera.consumeAsFlow().landmarks(detector, dispatcher = dispatcher).toList() } }
            runCurrent()
            show(0)
            show(1)
            camera.close(DataException("unplugged"))
            runCurrent()
            work.runNext() // the frame whose turn never came
            assertTrue(collecting.await().exceptionOrNull() is DataException)
            assertEquals(listOf(1, 1, 0), returned().take(3))
            assertEquals(0, detector.asked.size)
        }

    @Test
    fun `cancelled, no frame that has not begun is begun, and each is given back`() =
        runTest {
            val detector = Asked()
            val collecting = launch { camera.consumeAsFlow().landmarks(detector, dispatcher = dispatcher).collect {} }
            runCurrent()
            show(0)
            show(1)
            collecting.cancel()
            runCurrent()
            work.runNext()
            collecting.join()
            assertEquals(listOf(1, 1, 0), returned().take(3))
            assertEquals(0, detector.asked.size)
        }

    @Test
    fun `who has seen enough leaves no frame behind`() =
        runTest {
            val found = async { camera.consumeAsFlow().landmarks(Asked(), dispatcher = dispatcher).first() }
            runCurrent()
            show(0)
            show(1)
            work.runNext()
            assertEquals(0, found.await().number)
            assertEquals(listOf(1, 1, 0), returned().take(3))
            assertEquals(0, work.waiting)
        }

    @Test
    fun `a camera's callback through a channel loses no frame, as the documentation has it`() =
        runTest {
            val frames = Channel<Frame>(Channel.CONFLATED) { it.close() }
            val callback = { frame: Frame -> frames.trySend(frame).onFailure { frame.close() } }
            lent.take(3).forEach { callback(it.frame) }
            assertEquals(listOf(1, 1, 0), returned().take(3))
            val collecting = launch { frames.consumeAsFlow().landmarks(Asked(), dispatcher = dispatcher).collect {} }
            runCurrent()
            callback(lent[3].frame)
            runCurrent()
            callback(lent[4].frame)
            collecting.cancel()
            runCurrent()
            work.runNext()
            collecting.join()
            callback(lent[5].frame)
            assertEquals(List(6) { 1 } + 0, returned().take(7))
        }

    @Test
    fun `frames are tracked at their own times`() =
        runTest {
            val tracker = Tracker(Asked(), cropping = Cropping())
            val seen = mutableListOf<Tracked>()
            val collecting =
                launch { camera.consumeAsFlow().tracked(tracker, dispatcher = atOnce()).collect { seen += it } }
            runCurrent()
            show(1)
            show(2)
            assertEquals(listOf(true, false), seen.map { it.restarted })
            assertNotNull(seen[1].box)
            collecting.cancel()
            runCurrent()
            // Of the same time again: the tracker was asked with the frame's.
            assertFailsWith<UsageException> {
                flowOf(Lent(2).frame).tracked(tracker, dispatcher = atOnce()).toList()
            }
        }

    @Test
    fun `on threads, every frame is given back once, whenever the collector ends`() =
        runTest {
            for (enough in 1..40) {
                val frames = List(200) { Lent(it) }
                var overtaken = false
                var last = -1
                withContext(Dispatchers.Default) {
                    val collecting =
                        launch {
                            frames.asFlow().map { it.frame }.onEach { yield() }.landmarks(Asked()).collect {
                                overtaken = overtaken || it.number <= last
                                last = it.number
                                if (it.number >= enough) throw CancellationException("enough")
                            }
                        }
                    collecting.join()
                }
                assertFalse(overtaken)
                assertTrue(frames.all { it.returned <= 1 })
                val taken = frames.indexOfLast { it.returned > 0 }
                assertTrue(frames.take(taken + 1).all { it.returned == 1 }, "$enough")
                assertTrue(last in enough..taken)
            }
        }
}
