package fpm.edge.updates

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import java.io.DataInputStream
import java.io.File
import java.io.IOException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.NoSuchFileException

private const val STATE = "slots.json"
private const val LOCK = "slots.lock"

/** What must be free beside a bundle for the state. */
private const val STATE_BYTES = 4096

private const val BLOCK = 1 shl 16

/** What [SlotFolder] must know of a bundle. */
internal interface OpenedBundle {
    val digest: String

    /** That of its signature, if there were keys to check it; else 0. */
    val sequence: Long

    /** Check everything, or throw [BundleException]. */
    fun check()

    /** Check the digest of every member, or throw [BundleException]. */
    fun checkMembers()
}

/** How to open a bundle, as `Bundle.open`; throws [BundleException]. */
internal fun interface BundleOpener<out B : OpenedBundle> {
    /** @param now Unix time in seconds by which it may have expired; null: this device's clock. */
    fun open(
        file: File,
        now: Double?,
    ): B
}

/** What [SlotFolder.boot] chose. */
internal class Started<out B>(
    val slot: Slot,
    val file: File,
    val bundle: B,
    val record: SlotRecord,
    val rolledBack: Boolean,
    val notes: List<String>,
)

/** The state, notes for people, and whether the state had to be found out from the slots themselves. */
private class Loaded(
    val state: SlotState,
    val notes: List<String>,
    val isRecovered: Boolean,
)

/**
 * How [Slots] does what it promises.
 *
 * @param isSigned whether [opener] takes only what a trusted key signed.
 */
internal class SlotFolder<B : OpenedBundle>(
    private val folder: File,
    private val trialStarts: Int,
    private val isSigned: Boolean,
    private val waitMs: Long,
    private val disk: Disk = SystemDisk,
    private val opener: BundleOpener<B>,
) {
    private val stateFile = File(folder, STATE)
    private val lockFile = File(folder, LOCK)

    init {
        if (trialStarts < 1) throw UsageException("trialStarts is $trialStarts; expected 1 or more")
    }

    fun file(slot: Slot): File = File(folder, "${slot.label}.fpm")

    fun install(
        source: File,
        sequence: Long?,
    ): Installed {
        if (sequence != null && (sequence < 0 || isSigned)) {
            throw UsageException("sequence is $sequence; expected 0 or more, and none where signatures are checked")
        }
        val opened = opener.open(source, null)
        opened.check()
        try {
            disk.makeFolders(folder)
            return locked(lockFile, waitMs, disk) { install(source, opened.digest, sequence ?: opened.sequence) }
        } catch (error: FileAlreadyExistsException) {
            throw UsageException("$folder is not a folder; name another for the slots", error)
        } catch (error: IOException) {
            throw FpmEdgeException(
                "the bundle cannot be installed in $folder: ${said(error)}; the bundles that were there still are. " +
                    "The folder must be writable and have ${source.length() + STATE_BYTES} bytes free",
                error,
            )
        }
    }

    private fun install(
        source: File,
        digest: String,
        sequence: Long,
    ): Installed {
        for (left in folder.listFiles().orEmpty()) {
            // Of an install that was killed: nobody else holds the lock.
            if (left.name.startsWith(".") && left.name.endsWith(PART)) disk.delete(left)
        }
        val loaded = load()
        val state = loaded.state
        if (sequence < state.highest) {
            throw BundleException(
                "the bundle has sequence $sequence and this device has confirmed ${state.highest}; an older bundle " +
                    "is not installed over a newer one",
            )
        }
        val active = state.active
        if (active != null && state.records[active]?.sequence == sequence && haveSameContent(file(active), source)) {
            return Installed(active, file(active), digest, changed = false, loaded.notes)
        }
        val slot = spare(state)
        val record = SlotRecord(digest, sequence, SlotStatus.TRIAL)
        val next = state.copy(active = slot, records = state.records + (slot to record))
        // All that needs space comes before all that changes something.
        source.inputStream().use { stageFile(disk, file(slot), it) }.use { bundle ->
            // What was written is what was checked, also if the source has changed meanwhile.
            open(bundle.temporary, digest)
            stageFile(disk, stateFile, next.encode().inputStream()).use {
                bundle.commit()
                it.commit()
            }
        }
        return Installed(slot, file(slot), digest, changed = true, loaded.notes)
    }

    fun boot(): Started<B> =
        inTurn {
            val loaded = load()
            var state = loaded.state
            var isRecovered = loaded.isRecovered
            val notes = loaded.notes.toMutableList()
            var records = state.records.toMutableMap()
            var chosen = choose(state, records, notes)
            if (chosen == null && !isRecovered) {
                // Killed after one of both bundles was replaced and before that was written down, the other being bad.
                val found = recover("neither slot holds what was installed", state.highest)
                state = found.state
                isRecovered = true
                records = state.records.toMutableMap()
                notes += found.notes
                chosen = choose(state, records, notes)
            }
            var (slot, bundle) = chosen ?: throw nothing(notes)
            val record = records.getValue(slot)
            if (record.status != SlotStatus.GOOD) {
                records[slot] = record.copy(starts = record.starts + 1)
            }
            val next = state.copy(active = slot, records = records)
            if (next != state || isRecovered) {
                try {
                    save(next)
                } catch (error: IOException) {
                    notes += "the state cannot be written (${said(error)}), so starts are not counted"
                    betterUncounted(slot, records, notes)?.let {
                        slot = slot.other
                        bundle = it
                    }
                }
            }
            Started(slot, file(slot), bundle, records.getValue(slot), slot != state.active, notes)
        }

    fun confirm(digest: String?): Slot =
        inTurn {
            val loaded = load()
            val state = loaded.state
            val slot = state.active ?: throw nothing(emptyList())
            val record = state.records.getValue(slot)
            if (digest != null && record.digest != digest) {
                throw UsageException(
                    "the active slot ${slot.label} holds bundle ${record.digest}, not $digest, which was replaced or " +
                        "rolled back meanwhile; boot again and check that one",
                )
            }
            if (record.status != SlotStatus.GOOD || loaded.isRecovered) {
                val good = SlotRecord(record.digest, record.sequence, SlotStatus.GOOD)
                val highest = maxOf(state.highest, record.sequence)
                try {
                    save(state.copy(highest = highest, records = state.records + (slot to good)))
                } catch (error: IOException) {
                    throw FpmEdgeException(
                        "slot ${slot.label} cannot be confirmed: ${said(error)}; make the folder writable",
                        error,
                    )
                }
            }
            slot
        }

    fun status(): SlotsReport =
        inTurn {
            val loaded = load()
            val state = loaded.state
            val reports =
                state.records.toSortedMap().map { (slot, record) ->
                    SlotReport(slot, file(slot), record, problem(slot, record))
                }
            SlotsReport(state.active, state.highest, reports, loaded.notes)
        }

    /** The best slot that can be used; [records] and [notes] learn why others cannot. */
    private fun choose(
        state: SlotState,
        records: MutableMap<Slot, SlotRecord>,
        notes: MutableList<String>,
    ): Pair<Slot, B>? {
        val slots = inOrder(state)
        slots.firstOrNull()?.let { slot ->
            val (_, _, status, starts) = records.getValue(slot)
            if (status == SlotStatus.TRIAL && starts >= trialStarts) {
                giveUp(slot, "not confirmed after $starts of $trialStarts starts", records, notes)
            }
        }
        for (slot in slots.sortedBy { records.getValue(it).status == SlotStatus.FAILED }) {
            try {
                return slot to open(file(slot), records.getValue(slot).digest)
            } catch (error: BundleException) {
                giveUp(slot, error.message.orEmpty(), records, notes)
            }
        }
        return null
    }

    /** The slot to install into: not the one to fall back to. */
    private fun spare(state: SlotState): Slot {
        val usable = inOrder(state).filter { problem(it, state.records.getValue(it)).isEmpty() }
        val kept = usable.minByOrNull { state.records.getValue(it).status != SlotStatus.GOOD }
        return kept?.other ?: Slot.A
    }

    /** Where starts cannot be counted, a trial could never be taken back: rather the other slot, if it is good. */
    private fun betterUncounted(
        slot: Slot,
        records: Map<Slot, SlotRecord>,
        notes: MutableList<String>,
    ): B? {
        val spare = records[slot.other]
        if (records.getValue(slot).status == SlotStatus.GOOD || spare?.status != SlotStatus.GOOD) return null
        return try {
            open(file(slot.other), spare.digest).also { notes += "slot ${slot.label} is not tried" }
        } catch (error: BundleException) {
            notes += "slot ${slot.other.label}: ${error.message}"
            null
        }
    }

    /** A slot's bundle, every byte of it checked, or [BundleException]. */
    private fun open(
        file: File,
        digest: String?,
    ): B {
        // What had not expired when it was written may stay: a device must not stop because of a date.
        val written = if (isSigned && file.exists()) file.lastModified() / 1e3 else null
        val bundle = opener.open(file, written)
        if (digest != null && bundle.digest != digest) {
            throw BundleException("$file is another bundle than the one installed there, or an install was interrupted")
        }
        bundle.checkMembers() // `install` has checked more; a bundle that is the same now passes that again
        return bundle
    }

    /** Why a slot cannot be used; empty if it can. */
    private fun problem(
        slot: Slot,
        record: SlotRecord,
    ): String =
        try {
            open(file(slot), record.digest)
            ""
        } catch (error: BundleException) {
            error.message.orEmpty()
        }

    private fun load(): Loaded {
        val lost =
            try {
                return Loaded(SlotState.decode(Files.readAllBytes(stateFile.toPath())), emptyList(), false)
            } catch (_: NoSuchFileException) {
                if (Slot.entries.none { file(it).exists() }) return Loaded(SlotState(), emptyList(), false)
                "$stateFile is missing"
            } catch (error: IOException) {
                "$stateFile cannot be read (${said(error)})"
            } catch (error: IllegalArgumentException) {
                "$stateFile cannot be read (${error.message})"
            }
        return recover("$lost; which sequences were confirmed is not known", highest = 0)
    }

    /** A state from the slots' own files. None of them counts as good, so that each has to prove itself. */
    private fun recover(
        why: String,
        highest: Long,
    ): Loaded {
        val records = mutableMapOf<Slot, SlotRecord>()
        val notes =
            mutableListOf("$why; the slots' own files are used, the older one first, and none counts as confirmed")
        for (slot in Slot.entries) {
            try {
                val bundle = open(file(slot), null)
                records[slot] = SlotRecord(bundle.digest, bundle.sequence, SlotStatus.TRIAL)
            } catch (error: BundleException) {
                notes += "slot ${slot.label}: ${error.message}"
            }
        }
        // The younger one may never have been good: it was to replace the older one.
        val active = records.keys.minByOrNull { Files.getLastModifiedTime(file(it).toPath()) }
        return Loaded(SlotState(active, highest, records), notes, true)
    }

    private fun save(state: SlotState): Unit = writeAtomically(stateFile, state.encode(), disk)

    private fun <T> inTurn(work: () -> T): T {
        if (!folder.isDirectory) throw nothing(emptyList())
        return try {
            locked(lockFile, waitMs, disk, work)
        } catch (error: IOException) {
            throw FpmEdgeException(
                "$folder cannot be used: ${said(error)}; check the disk and who may read it",
                error,
            )
        }
    }

    private fun nothing(notes: List<String>): BundleException =
        BundleException((listOf("$folder holds no bundle that can be used") + notes + "install one").joinToString("; "))
}

/** The slots that hold something, the active one first. */
private fun inOrder(state: SlotState): List<Slot> =
    state.active?.let { listOf(it, it.other).filter(state.records::containsKey) }.orEmpty()

private fun giveUp(
    slot: Slot,
    reason: String,
    records: MutableMap<Slot, SlotRecord>,
    notes: MutableList<String>,
) {
    notes += "slot ${slot.label}: $reason"
    records[slot] = records.getValue(slot).copy(status = SlotStatus.FAILED, reason = reason)
}

/** Whether both hold the same bytes; false where one cannot be read. */
private fun haveSameContent(
    one: File,
    other: File,
): Boolean =
    try {
        one.length() == other.length() &&
            DataInputStream(one.inputStream()).use { a ->
                DataInputStream(other.inputStream()).use { b -> areEqual(a, b) }
            }
    } catch (_: IOException) {
        false
    }

private fun areEqual(
    one: DataInputStream,
    other: DataInputStream,
): Boolean {
    val block = ByteArray(BLOCK)
    val expected = ByteArray(BLOCK)
    while (true) {
        val count = one.read(block)
        if (count < 0) return other.read() < 0
        other.readFully(expected, 0, count)
        for (i in 0 until count) {
            if (block[i] != expected[i]) return false
        }
    }
}

/** Its message; some have none, and say all in their name. */
private fun said(error: IOException): String = error.message ?: error.javaClass.simpleName
