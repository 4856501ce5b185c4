package fpm.edge.updates

import fpm.edge.bundle.TrustedKey
import fpm.edge.stages.Bundle
import java.io.File

/**
 * The bundle to use now.
 *
 * @property file of its [slot].
 * @property bundle it, open; every member's digest has been checked.
 * @property status `GOOD`: confirmed. `TRIAL`: run the self-check, then confirm it. `FAILED`: it was given up, and
 *   there is nothing better.
 * @property starts how often it has been started without being confirmed, this time included.
 * @property rolledBack another bundle was to be used and could not be; [notes] say why.
 * @property notes what was noticed, for people.
 */
public class Boot internal constructor(
    public val slot: Slot,
    public val file: File,
    public val bundle: Bundle,
    public val status: SlotStatus,
    public val starts: Int,
    public val rolledBack: Boolean,
    public val notes: List<String>,
)

/**
 * Two slots for bundles on a device: an update goes into the one not in use, and proves itself or is taken back.
 *
 * The folder holds `a.fpm`, `b.fpm`, `slots.json` and `slots.lock`; the Python runtime's `Slots` reads and writes the
 * same, but not at the same time: on Linux its lock is of another kind. Several processes and threads may use one
 * folder with this class; one of them at a time is at work in it. Nothing is read or written before the first call.
 *
 * @param folder of the slots, and of nothing else. [install] makes it.
 * @param trialStarts how often a new bundle may start without being confirmed before it is taken back.
 * @param trustedKeys as for [Bundle.open]: bundles must be signed with one of them, at [install] and at [boot], and
 *   must not have expired when they are installed. null takes any bundle.
 * @param waitMs how long to wait for another process that is at work in the folder.
 * @throws fpm.edge.UsageException [trialStarts] is below 1.
 */
public class Slots
    @JvmOverloads
    constructor(
        folder: File,
        trialStarts: Int = 1,
        trustedKeys: Iterable<TrustedKey>? = null,
        waitMs: Long = 30_000,
    ) {
        private val keys = trustedKeys?.toList()
        private val slots =
            SlotFolder(folder, trialStarts, isSigned = keys != null, waitMs) { file, now ->
                Opened(Bundle.open(file, keys, now))
            }

        /** The file of a slot. */
        public fun file(slot: Slot): File = slots.file(slot)

        /**
         * Put a bundle into the slot that is not in use. The next [boot] tries it.
         *
         * It is checked in full before and after it is written. At every moment, also if the process is killed or the
         * power fails, [boot] gives either the bundle it gave before or the new one. Needs space for one more bundle
         * and a kilobyte.
         *
         * @param source a `.fpm` file.
         * @param sequence number of the update: one lower than the highest confirmed is refused. With trusted keys it
         *   is the signature's; without, it is 0 unless given.
         * @throws fpm.edge.BundleException the bundle is not intact, or its sequence is too low. The slots are as they
         *   were.
         * @throws fpm.edge.FpmEdgeException the folder cannot be written, the disk is full, or another process is at
         *   work in the folder. What could be booted still can.
         * @throws fpm.edge.UsageException the sequence is negative, or given although there are trusted keys; the
         *   folder is none.
         */
        @JvmOverloads
        public fun install(
            source: File,
            sequence: Long? = null,
        ): Installed = slots.install(source, sequence)

        /**
         * The bundle to use now, checked in full. Call it once at each start of the device's application.
         *
         * A bundle on trial that has had its starts without being confirmed is given up, and so is a file that is not
         * what was installed; the other slot is used then, and the result says so. If neither slot holds anything
         * better, a bundle that was given up is tried again.
         *
         * @throws fpm.edge.BundleException no slot holds a usable bundle.
         * @throws fpm.edge.FpmEdgeException another process is at work in the folder.
         */
        public fun boot(): Boot =
            with(slots.boot()) { Boot(slot, file, bundle.bundle, record.status, record.starts, rolledBack, notes) }

        /**
         * Say that a bundle is good: from now on it is what a later one is rolled back to. Returns its slot.
         *
         * @param digest of the bundle that was checked, `boot.bundle.digest`; another process may have installed or
         *   rolled back meanwhile. null takes the active slot's, whatever it is.
         * @throws fpm.edge.UsageException the active slot does not hold this bundle.
         * @throws fpm.edge.BundleException nothing is installed.
         * @throws fpm.edge.FpmEdgeException the folder cannot be written, or another process is at work in it.
         */
        @JvmOverloads
        public fun confirm(digest: String? = null): Slot = slots.confirm(digest)

        /**
         * What is in the slots, their files checked in full; changes nothing.
         *
         * @throws fpm.edge.FpmEdgeException another process is at work in the folder.
         * @throws fpm.edge.BundleException there is no such folder.
         */
        public fun status(): SlotsReport = slots.status()
    }

private class Opened(
    val bundle: Bundle,
) : OpenedBundle {
    override val digest: String
        get() = bundle.digest

    override val sequence: Long
        get() = bundle.signature?.sequence ?: 0

    override fun check(): Unit = bundle.check()

    override fun checkMembers(): Unit = bundle.members.forEach { bundle.read(it) }
}
