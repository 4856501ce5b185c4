package fpm.edge.updates

import java.io.File

/**
 * What [Slots.install] did.
 *
 * @property slot where the bundle is now.
 * @property file it.
 * @property digest its `Bundle.digest`, for [Slots.confirm].
 * @property changed false where the slot in use held this very bundle already, and nothing was written.
 * @property notes what else was noticed, for people.
 */
public class Installed internal constructor(
    public val slot: Slot,
    public val file: File,
    public val digest: String,
    public val changed: Boolean,
    public val notes: List<String>,
)

/** One slot: what is known of it, and why its file cannot be used (empty where it can). */
@ConsistentCopyVisibility
public data class SlotReport internal constructor(
    public val slot: Slot,
    public val file: File,
    public val record: SlotRecord,
    public val problem: String,
)

/** All there is to know of a folder of slots; [active] is the one that was booted last, or is to be tried next. */
@ConsistentCopyVisibility
public data class SlotsReport internal constructor(
    public val active: Slot?,
    public val highest: Long,
    public val slots: List<SlotReport>,
    public val notes: List<String>,
)
