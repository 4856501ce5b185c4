package fpm.edge.coroutines

import fpm.edge.DataException
import fpm.edge.stages.DetectOptions
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Timeout
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

@OptIn(ExperimentalCoroutinesApi::class)
@Timeout(60) // what is never run by hand would be waited for
class DetectingTest {
    private val work = ByHand()
    private val dispatcher = work.asCoroutineDispatcher()

    @Test
    fun `the answer is the detector's, and waiting is taken off the deadline`() =
        runTest {
            val detector = Asked()
            var now = 0L
            val options = DetectOptions(stages = 2, deadlineMs = 20.0)
            val found = async { detector.awaitDetection(Black(7), options, dispatcher) { now } }
            runCurrent()
            now += 5_000_000
            work.runNext()
            assertEquals(7, found.await().number)
            assertEquals(listOf(options.copy(deadlineMs = 15.0)), detector.asked)
        }

    @Test
    fun `a call that has not begun is not begun once it is cancelled`() =
        runTest {
            val detector = Asked()
            val call = launch { detector.awaitDetection(Black(), dispatcher = dispatcher) }
            runCurrent()
            call.cancel()
            work.runNext()
            call.join()
            assertTrue(call.isCancelled)
            assertEquals(0, detector.asked.size)
        }

    @Test
    fun `a call that has begun is finished before its caller goes on`() =
        runTest {
            var thrown: Throwable? = null
            lateinit var cancel: () -> Unit
            val detector = Asked { cancel() }
            val call =
                launch {
                    thrown = runCatching { detector.awaitDetection(Black(), dispatcher = dispatcher) }.exceptionOrNull()
                }
            var finished = true
            cancel = {
                call.cancel()
                runCurrent()
                finished = call.isCompleted
            }
            runCurrent()
            work.runNext()
            assertFalse(finished)
            call.join()
            assertTrue(thrown is CancellationException)
        }

    @Test
    fun `errors arrive`() =
        runTest {
            val error = assertFailsWith<DataException> { Asked { throw DataException("no") }.awaitDetection(Black()) }
            assertEquals("no", error.message)
        }

    @Test
    fun `by default one call is in work at a time, and not on the caller's thread`() =
        runBlocking {
            val caller = Thread.currentThread()
            val together = AtomicInteger()
            val detector =
                Asked {
                    check(together.incrementAndGet() == 1 && Thread.currentThread() !== caller)
                    Thread.yield()
                    together.decrementAndGet()
                }
            val found = List(200) { async { detector.awaitDetection(Black(it)) } }.awaitAll()
            assertEquals(List(200) { it }, found.map { it.number })
        }
}
