package fpm.edge.drift

import fpm.edge.FpmEdgeException
import fpm.edge.updates.writeAtomically
import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.nio.file.NoSuchFileException

/** Where what must survive a restart is kept: files, see [FileStateStore], or what the app has. */
public interface StateStore {
    /** What was saved last under this name; null if nothing was. */
    public fun load(name: String): String?

    /** Keep the text in place of what was there: all of it or, when that fails, what was there before. */
    public fun save(
        name: String,
        text: String,
    )
}

/**
 * A file for each text, written beside, flushed to the disk and renamed: also when the power fails, there is what was
 * saved last or what was there before.
 *
 * @param folder of the files; it is made when the first one is saved.
 */
public class FileStateStore(
    private val folder: File,
) : StateStore {
    /**
     * The file of a name: letters, digits, `-`, `_` and `.` as they are, other bytes of its UTF-8 as `%20`; and
     * `.json`.
     */
    public fun file(name: String): File =
        File(
            folder,
            name.toByteArray().joinToString("", postfix = ".json") {
                val byte = it.toInt() and 255
                if (byte.toChar() in PLAIN) "${byte.toChar()}" else "%%%02X".format(byte)
            },
        )

    /** @throws FpmEdgeException it cannot be read. */
    override fun load(name: String): String? {
        val file = file(name)
        return try {
            Files.readAllBytes(file.toPath()).toString(Charsets.UTF_8)
        } catch (_: NoSuchFileException) {
            null
        } catch (error: IOException) {
            throw FpmEdgeException("$file cannot be read: $error; check who may read it", error)
        }
    }

    /** @throws FpmEdgeException it cannot be written. */
    override fun save(
        name: String,
        text: String,
    ) {
        val file = file(name)
        try {
            Files.createDirectories(folder.absoluteFile.toPath())
            writeAtomically(file, text.toByteArray())
        } catch (error: IOException) {
            throw FpmEdgeException("$file cannot be written: $error; what it held before it still holds", error)
        }
    }

    private companion object {
        val PLAIN = (('a'..'z') + ('A'..'Z') + ('0'..'9') + listOf('-', '_', '.')).toSet()
    }
}
