package fpm.edge.fuzz

import fpm.edge.FpmEdgeException
import java.lang.management.BufferPoolMXBean
import java.lang.management.ManagementFactory

private const val MOST_BYTES = 256L shl 20
private const val MOST_SECONDS = 5.0

private val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
private val direct =
    ManagementFactory.getPlatformMXBeans(BufferPoolMXBean::class.java).first { it.name == "direct" }

/**
 * Run what may only end well or in an exception of the runtime, with bounded memory and time.
 *
 * @return how it ended: null for well.
 * @throws Throwable anything else that was thrown.
 * @throws AssertionError it took more memory, what the heap got back included, or more of a core's time.
 */
internal fun guarded(run: () -> Unit): FpmEdgeException? {
    val thread = Thread.currentThread().id
    val bytes = threads.getThreadAllocatedBytes(thread)
    val outside = direct.memoryUsed
    val start = threads.currentThreadCpuTime
    val ended =
        try {
            run()
            null
        } catch (error: FpmEdgeException) {
            error
        }
    val seconds = (threads.currentThreadCpuTime - start) / 1e9
    val taken = maxOf(threads.getThreadAllocatedBytes(thread) - bytes, direct.memoryUsed - outside)
    if (taken > MOST_BYTES) throw AssertionError("it took ${taken shr 20} MiB")
    if (seconds > MOST_SECONDS) throw AssertionError("it took $seconds s")
    return ended
}
