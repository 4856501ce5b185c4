package fpm.edge.updates

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption

/** All that is done to files here that can fail or be cut off: a test has one that fails at any of its operations. */
internal interface Disk {
    /** A new, empty file beside others, whose name begins and ends so. */
    fun create(
        folder: File,
        prefix: String,
        suffix: String,
    ): File

    fun write(
        file: FileOutputStream,
        bytes: ByteArray,
        count: Int,
    )

    /** Have what was written on the disk, not only in the system's memory. */
    fun sync(file: FileOutputStream)

    /** Rename [from] over [to], whole or not at all. */
    fun replace(
        from: File,
        to: File,
    )

    /** Have a folder's names on the disk, so that new ones survive power loss. */
    fun syncFolder(folder: File)

    /** Remove a file if it is there. */
    fun delete(file: File)

    fun makeFolders(folder: File)

    /** Open a file to lock it; make it if need be. null where it may neither be written nor read. */
    fun openLock(file: File): Lockable?
}

/** An open file, and whether it may be locked against everybody, or only against those who may write it. */
internal class Lockable(
    val channel: FileChannel,
    val isWritable: Boolean,
)

/** The device's. */
internal object SystemDisk : Disk {
    // Streams instead of channels: a thread's interruption closes a channel, whatever it is doing.
    override fun create(
        folder: File,
        prefix: String,
        suffix: String,
    ): File = File.createTempFile(prefix, suffix, folder)

    override fun write(
        file: FileOutputStream,
        bytes: ByteArray,
        count: Int,
    ): Unit = file.write(bytes, 0, count)

    override fun sync(file: FileOutputStream): Unit = file.fd.sync()

    override fun replace(
        from: File,
        to: File,
    ) {
        Files.move(from.toPath(), to.toPath(), StandardCopyOption.ATOMIC_MOVE)
    }

    override fun syncFolder(folder: File) {
        if (File.separatorChar == '\\') return // Windows opens no folders
        val interrupted = Thread.interrupted()
        try {
            FileChannel.open(folder.absoluteFile.toPath(), StandardOpenOption.READ).use { it.force(true) }
        } finally {
            if (interrupted) Thread.currentThread().interrupt()
        }
    }

    override fun delete(file: File) {
        Files.deleteIfExists(file.toPath())
    }

    override fun makeFolders(folder: File) {
        Files.createDirectories(folder.absoluteFile.toPath())
    }

    override fun openLock(file: File): Lockable? {
        try {
            val options = arrayOf(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)
            return Lockable(FileChannel.open(file.toPath(), *options), isWritable = true)
        } catch (error: FileSystemException) {
            if (error !is AccessDeniedException && error.reason != READ_ONLY) throw error
        }
        return try {
            Lockable(FileChannel.open(file.toPath(), StandardOpenOption.READ), isWritable = false)
        } catch (_: IOException) {
            null
        }
    }

    private const val READ_ONLY = "Read-only file system"
}
