package fpm.edge.updates

import java.io.File
import java.io.FileOutputStream
import java.io.InputStream

/** Of files that are not finished. One that is left over comes from a process that was killed. */
internal const val PART: String = ".part"

private const val BLOCK = 1 shl 16

/**
 * A file that has been written and flushed to disk beside its place, but is not there yet.
 *
 * @property file its place.
 * @property temporary where it is.
 */
internal class StagedFile(
    private val disk: Disk,
    private val file: File,
    val temporary: File,
) : AutoCloseable {
    private var isThere = false

    /** Rename it to its place, and flush that to disk. On failure its place may be as it was, or new; never half. */
    fun commit() {
        disk.replace(temporary, file)
        isThere = true
        disk.syncFolder(folderOf(file))
    }

    /** Remove it, if it has not been committed. */
    override fun close() {
        if (!isThere) disk.delete(temporary)
    }
}

/**
 * Write beside a file and flush to disk: all that needs space is done then. On any failure nothing is left.
 *
 * @throws java.io.IOException its folder does not exist, or the disk refused.
 */
internal fun stageFile(
    disk: Disk,
    file: File,
    content: InputStream,
): StagedFile {
    val temporary = disk.create(folderOf(file), ".${file.name}.", PART)
    val staged = StagedFile(disk, file, temporary)
    try {
        FileOutputStream(temporary).use { output ->
            val block = ByteArray(BLOCK)
            while (true) {
                val count = content.read(block)
                if (count < 0) break
                disk.write(output, block, count)
            }
            disk.sync(output)
        }
    } catch (error: Throwable) {
        staged.close()
        throw error
    }
    return staged
}

/**
 * Write beside a file, flush to disk, rename over it. On any failure the file is as it was.
 *
 * @throws java.io.IOException its folder does not exist, it is a folder itself, or the disk refused.
 */
internal fun writeAtomically(
    file: File,
    content: ByteArray,
    disk: Disk = SystemDisk,
): Unit = stageFile(disk, file, content.inputStream()).use { it.commit() }

private fun folderOf(file: File): File = file.absoluteFile.parentFile ?: file.absoluteFile
