package fpm.edge.updates

import fpm.edge.BundleException
import java.io.File
import java.security.MessageDigest

/** A bundle in three lines: its name, the sequence of its signature, its SHA-256; so that damage is noticed. */
internal class TextBundle(
    val name: String,
    override val digest: String,
    override val sequence: Long,
) : OpenedBundle {
    override fun check() {}

    override fun checkMembers() {}
}

/** Many bytes, so that a file is written in several parts. */
internal fun bundleText(
    name: String,
    sequence: Long = 0,
): String {
    val body = "$name\n$sequence\n${"$name ".repeat(20_000)}\n"
    return body + sha256(body)
}

internal fun openText(file: File): TextBundle {
    if (!file.isFile) throw BundleException("$file is missing")
    val text = file.readText()
    val body = text.dropLast(64)
    if (text.length < 64 || sha256(body) != text.takeLast(64)) {
        throw BundleException("$file: a member does not have the SHA-256 it states")
    }
    val (name, sequence) = body.lines()
    return TextBundle(name, text.takeLast(64), sequence.toLong())
}

private fun sha256(text: String): String =
    MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).joinToString("") { "%02x".format(it) }

/** The slots of such bundles. */
internal fun textSlots(
    folder: File,
    trialStarts: Int = 1,
    isSigned: Boolean = false,
    waitMs: Long = 5_000,
    disk: Disk = SystemDisk,
): SlotFolder<TextBundle> = SlotFolder(folder, trialStarts, isSigned, waitMs, disk) { file, _ -> openText(file) }

internal fun damage(file: File) {
    val content = file.readBytes()
    content[content.size / 2] = (content[content.size / 2].toInt() xor 1).toByte()
    file.writeBytes(content)
}

/** Three bundles in a folder: `old`, `good` and `new`. */
internal class ThreeBundles(
    folder: File,
) {
    val old = bundle(folder, "old")
    val good = bundle(folder, "good")
    val new = bundle(folder, "new")

    private fun bundle(
        folder: File,
        name: String,
    ): File = File(folder, "$name.fpm").apply { writeText(bundleText(name)) }

    /** Slots with `old` in a, confirmed, and `good` in b, confirmed with sequence 2 and active. */
    fun prepare(folder: File): SlotFolder<TextBundle> {
        val slots = textSlots(folder)
        slots.install(old, 1)
        slots.confirm(slots.boot().bundle.digest)
        slots.install(good, 2)
        slots.confirm(slots.boot().bundle.digest)
        return slots
    }
}
