package fpm.edge.updates

import fpm.edge.FpmEdgeException
import java.io.File
import java.nio.channels.FileChannel
import java.nio.channels.FileLock
import java.nio.channels.OverlappingFileLockException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit

/** Between two attempts, milliseconds. */
private const val PAUSE_MS = 20L

/**
 * Who holds a lock in this process. Locks of files are the process's, and closing *any* channel of a file gives them
 * back on Linux, so threads must not try at once.
 */
private val held = ConcurrentHashMap<String, Semaphore>()

/**
 * Do [work] while holding the lock on a file, which is made if need be and stays. The system takes the lock back when
 * its process dies.
 *
 * Where the file neither is there nor can be made, because its folder is read-only, nobody can change anything in the
 * folder, and there is no lock. It is a lock by `fcntl`: the Python runtime, which uses `flock`, does not see it on
 * Linux, so processes of only one of both runtimes may use a folder at one time.
 *
 * @param file held by nothing but this: its content does not matter.
 * @param waitMs how long to wait for another holder, in this process or in another.
 * @throws FpmEdgeException another holder did not let go in time, or this thread was interrupted.
 * @throws java.io.IOException its folder does not exist.
 */
internal fun <T> locked(
    file: File,
    waitMs: Long,
    disk: Disk = SystemDisk,
    work: () -> T,
): T {
    val deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMs)
    val mine = held.getOrPut(file.canonicalPath) { Semaphore(1, true) }
    if (!uninterrupted(file) { mine.tryAcquire(waitMs, TimeUnit.MILLISECONDS) }) throw busy(file, waitMs)
    try {
        val lockable = disk.openLock(file) ?: return work()
        // Closing the channel gives the lock back.
        return lockable.channel.use { channel ->
            while (take(channel, shared = !lockable.isWritable) == null) {
                if (System.nanoTime() - deadline >= 0) throw busy(file, waitMs)
                uninterrupted(file) { Thread.sleep(PAUSE_MS) }
            }
            work()
        }
    } finally {
        mine.release()
    }
}

private fun take(
    channel: FileChannel,
    shared: Boolean,
): FileLock? =
    try {
        channel.tryLock(0, Long.MAX_VALUE, shared)
    } catch (_: OverlappingFileLockException) {
        null // by this library, loaded once more in this process
    }

private fun <T> uninterrupted(
    file: File,
    wait: () -> T,
): T =
    try {
        wait()
    } catch (error: InterruptedException) {
        Thread.currentThread().interrupt()
        throw FpmEdgeException("the thread was interrupted while it waited for $file", error)
    }

private fun busy(
    file: File,
    waitMs: Long,
): FpmEdgeException =
    FpmEdgeException("$file is locked by another process, for more than $waitMs ms; wait for it, or end it")
