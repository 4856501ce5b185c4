package fpm.edge.drift

import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import fpm.edge.check.Verdict
import fpm.edge.updates.SystemDisk
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile

private const val SMALLEST = 4096L

/** When an entry must be on the disk before [DriftLog.append] returns. */
public enum class LogSync {
    ALWAYS,

    /** When its verdict is another than that of the entry before, or it has a step. */
    CHANGES,

    /** When the system gets to it. */
    NEVER,
}

/**
 * What a drift monitor said over time, in a file that survives power loss and never grows without bound; `fpm-edge
 * drift-log` reads it.
 *
 * One line an entry, see [LogEntry.line]. A line that power loss tore is known by its missing end or its wrong CRC.
 * Readers skip it; the next entry gets a line of its own. A full file becomes `NAME.1`, replacing the one before, so
 * that there are at most two. One process writes a log.
 *
 * @param file its folder must exist.
 * @param maxBytes of each of the two files.
 * @throws UsageException [maxBytes] is below 4096.
 * @throws FpmEdgeException the file cannot be opened.
 */
public class DriftLog
    @JvmOverloads
    constructor(
        private val file: File,
        private val maxBytes: Long = 1_000_000,
        private val sync: LogSync = LogSync.CHANGES,
    ) : LogSink {
        private val older = File("${file.path}.1")
        private val lock = Any()
        private var verdict: Verdict? = null

        // Not a channel, which the interruption of a thread that writes would close.
        private var opened: RandomAccessFile?

        init {
            if (maxBytes < SMALLEST) {
                throw UsageException("maxBytes is $maxBytes; a drift log needs at least $SMALLEST")
            }
            opened = guarded("opened", ::open)
        }

        /**
         * Write an entry.
         *
         * @throws UsageException it is longer than a whole file may be.
         * @throws FpmEdgeException the disk refused; what was written of it is taken back.
         */
        override fun append(entry: LogEntry) {
            val line = entry.line().toByteArray()
            if (line.size > maxBytes) {
                throw UsageException("an entry of ${line.size} bytes does not fit a drift log of $maxBytes")
            }
            synchronized(lock) {
                guarded("written") { append(line, entry.verdict != verdict || entry.step != null) }
                verdict = entry.verdict
            }
        }

        /** Flush to disk (unless [sync] is [LogSync.NEVER]) and close. An [append] would open it again. */
        override fun close() {
            synchronized(lock) {
                opened?.let { guarded("closed") { finish(it) } }
            }
        }

        private fun append(
            line: ByteArray,
            isChange: Boolean,
        ) {
            var output = opened ?: open().also { opened = it }
            if (output.length() + line.size > maxBytes) {
                finish(output)
                SystemDisk.replace(file, older)
                output = open().also { opened = it }
            }
            val size = output.length()
            try {
                output.seek(size)
                output.write(line)
                if (sync == LogSync.ALWAYS || (sync == LogSync.CHANGES && isChange)) output.fd.sync()
            } catch (error: IOException) {
                output.setLength(size)
                throw error
            }
        }

        private fun open(): RandomAccessFile {
            val output = RandomAccessFile(file, "rw")
            try {
                val size = output.length()
                if (size > 0) {
                    // A torn last line stays what it is, but the next entry must not continue it.
                    output.seek(size - 1)
                    if (output.read() != '\n'.code) output.write('\n'.code)
                } else if (sync != LogSync.NEVER) {
                    SystemDisk.syncFolder(file.absoluteFile.parentFile)
                }
            } catch (error: IOException) {
                output.close()
                throw error
            }
            return output
        }

        private fun finish(output: RandomAccessFile) {
            opened = null
            output.use {
                if (sync != LogSync.NEVER) it.fd.sync()
            }
        }

        private fun <T> guarded(
            done: String,
            work: () -> T,
        ): T =
            try {
                work()
            } catch (error: IOException) {
                throw FpmEdgeException("the drift log $file cannot be $done: ${error.message}; check the disk", error)
            }
    }
