package fpm.edge.updates

import java.io.File
import java.io.FileOutputStream
import java.io.IOException

/** What a killed process does not catch. */
internal class Killed : Error("killed")

/** How a [FaultyDisk] fails. */
internal enum class Fault {
    /** The process ends instead of the operation. */
    KILL,

    /** So it does, and what was not flushed to disk is lost; also where it ends by itself. */
    POWER,

    /** Half is written, and no more from then on. */
    SHORT,

    /** From then on every operation of that kind fails. */
    REFUSED,
}

/** Flushes nothing: for tests of other things. */
internal object Unflushed : Disk by SystemDisk {
    override fun sync(file: FileOutputStream) {}

    override fun syncFolder(folder: File) {}
}

/**
 * Counts operations, and fails at number [at].
 *
 * Not flushed are: the content of files since their last sync, and renames since the last sync of a folder.
 */
internal class FaultyDisk(
    private val fault: Fault,
    private val at: Int,
) : Disk {
    var count: Int = 0
        private set
    var failed: String? = null
        private set
    var hasRenamed: Boolean = false
        private set
    private var isDead = false
    private val temporaries = mutableSetOf<File>()
    private val unflushed = mutableSetOf<File>()
    private val renames = mutableListOf<Pair<File, ByteArray?>>() // a place, and what was there before
    private var writing: File? = null

    override fun create(
        folder: File,
        prefix: String,
        suffix: String,
    ): File {
        step("create")
        return SystemDisk.create(folder, prefix, suffix).also {
            temporaries += it
            writing = it
        }
    }

    override fun write(
        file: FileOutputStream,
        bytes: ByteArray,
        count: Int,
    ) {
        unflushed += checkNotNull(writing)
        step("write") {
            if (fault == Fault.SHORT) SystemDisk.write(file, bytes, count / 2)
        }
        SystemDisk.write(file, bytes, count)
    }

    override fun sync(file: FileOutputStream) {
        step("sync")
        unflushed -= checkNotNull(writing)
    }

    override fun replace(
        from: File,
        to: File,
    ) {
        step("replace")
        renames += to to (if (to.exists()) to.readBytes() else null)
        SystemDisk.replace(from, to)
        if (unflushed.remove(from)) unflushed += to
        hasRenamed = true
    }

    override fun syncFolder(folder: File) {
        step("syncFolder")
        renames.clear()
    }

    override fun delete(file: File) {
        step("delete")
        SystemDisk.delete(file)
    }

    override fun makeFolders(folder: File) {
        step("makeFolders")
        SystemDisk.makeFolders(folder)
    }

    override fun openLock(file: File): Lockable? {
        step("openLock")
        return SystemDisk.openLock(file)
    }

    /** What it said it did must be there even if the power fails right after. */
    fun end() {
        if (fault == Fault.POWER && !isDead) lose()
    }

    private fun step(
        name: String,
        half: () -> Unit = {},
    ) {
        if (isDead) throw Killed()
        count += 1
        if (count == at) {
            failed = name
            half()
        }
        if (failed != name) return
        when (fault) {
            Fault.KILL, Fault.POWER -> {
                if (fault == Fault.POWER) lose()
                isDead = true
                throw Killed()
            }
            Fault.SHORT, Fault.REFUSED -> throw IOException("No space left on device")
        }
    }

    private fun lose() {
        for (file in unflushed) {
            if (file.exists()) file.writeText("")
        }
        // A disk may keep the earlier ones.
        for ((place, before) in renames.drop(renames.size / 2).asReversed()) {
            if (before == null) place.delete() else place.writeBytes(before)
        }
    }
}
