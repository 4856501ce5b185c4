package fpm.edge.coroutines

import fpm.edge.DataException
import fpm.edge.UsageException
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.StageResult
import fpm.edge.stages.StagedDetector
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Timeout
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotSame
import kotlin.test.assertTrue

@OptIn(ExperimentalCoroutinesApi::class)
@Timeout(60) // what is never run by hand would be waited for
class StageFlowTest {
    private val work = ByHand()
    private val dispatcher = work.asCoroutineDispatcher()

    /** Three stages; notes which began. */
    private class Staged(
        private val before: (Int) -> Unit = {},
    ) : StagedDetector {
        val asked = mutableListOf<DetectOptions>()
        val began = mutableListOf<Int>()

        override fun stages(
            picture: Picture,
            options: DetectOptions,
        ): Sequence<StageResult> {
            asked += options
            return sequence {
                for (stage in 1..3) {
                    began += stage
                    before(stage)
                    yield(stageOf(stage))
                }
            }.constrainOnce()
        }
    }

    @Test
    fun `every stage is answered in order, from each collection anew`() =
        runTest {
            val detector = Staged()
            val flow = detector.stageFlow(Black(), DetectOptions(category = "all"))
            assertEquals(0, detector.asked.size)
            assertEquals(listOf(1, 2, 3), flow.map { it.stage }.toList())
            assertEquals(listOf(1, 2, 3), flow.buffer().map { it.stage }.toList())
            assertEquals(List(2) { DetectOptions(category = "all") }, detector.asked)
        }

    @Test
    fun `who has seen enough ends the work`() =
        runTest {
            val detector = Staged()
            assertEquals(2, detector.stageFlow(Black()).first { it.stage == 2 }.stage)
            assertEquals(listOf(1, 2), detector.began)
        }

    @Test
    fun `cancellation between two stages ends the work, also where the next one waits for its turn`() =
        runTest {
            val detector = Staged()
            val seen = mutableListOf<Int>()
            val flow = detector.stageFlow(Black(), dispatcher = dispatcher)
            val collecting = launch { flow.collect { seen += it.stage } }
            runCurrent()
            work.runNext() // the call
            runCurrent()
            work.runNext() // stage 1
            runCurrent()
            assertEquals(listOf(1), seen)
            assertEquals(1, work.waiting)
            collecting.cancel()
            work.runNext()
            collecting.join()
            assertTrue(collecting.isCancelled)
            assertEquals(listOf(1), detector.began)
            assertEquals(0, work.waiting)
        }

    @Test
    fun `a deadline counts from the begin of the collection`() =
        runTest {
            val detector = Staged()
            var now = 0L
            val flow = detector.stageFlow(Black(), DetectOptions(deadlineMs = 20.0), dispatcher) { now }
            now += 100_000_000
            val collecting = launch { flow.collect {} }
            runCurrent()
            now += 5_000_000
            work.runNext()
            assertEquals(15.0, detector.asked.single().deadlineMs)
            collecting.cancel()
        }

    @Test
    fun `errors arrive, of the call and of a stage`() =
        runTest {
            val seen = mutableListOf<Int>()
            val failing = Staged { if (it == 2) throw DataException("no") }
            val error = assertFailsWith<DataException> { failing.stageFlow(Black()).collect { seen += it.stage } }
            assertEquals("no", error.message)
            assertEquals(listOf(1), seen)
            val refusing =
                object : StagedDetector {
                    override fun stages(
                        picture: Picture,
                        options: DetectOptions,
                    ) = throw UsageException("stages is 9")
                }
            assertFailsWith<UsageException> { refusing.stageFlow(Black()).toList() }
        }

    @Test
    fun `stages do not run on the collector's thread`() =
        runBlocking {
            val collector = Thread.currentThread()
            val detector = Staged { assertNotSame(collector, Thread.currentThread()) }
            detector.stageFlow(Black()).collect { check(Thread.currentThread() === collector) }
            assertEquals(listOf(1, 2, 3), detector.began)
        }
}
