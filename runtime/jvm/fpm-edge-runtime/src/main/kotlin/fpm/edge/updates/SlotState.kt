package fpm.edge.updates

import java.security.MessageDigest

/** One of the two places for bundles; [label] as its file and the state have it. */
public enum class Slot(
    public val label: String,
) {
    A("a"),
    B("b"),
    ;

    internal val other: Slot
        get() = if (this == A) B else A
}

/** What is thought of the bundle in a slot; [label] as the state has it. */
public enum class SlotStatus(
    public val label: String,
) {
    /** It is new: it must be confirmed. */
    TRIAL("trial"),

    /** It was confirmed. */
    GOOD("good"),

    /** It was given up. */
    FAILED("failed"),
}

/**
 * A bundle in a slot.
 *
 * @property digest its `Bundle.digest`.
 * @property sequence the number it was installed with.
 * @property starts since it is not good: how often it has been started.
 * @property reason why it was given up; empty if it was not.
 */
public data class SlotRecord
    @JvmOverloads
    constructor(
        public val digest: String,
        public val sequence: Long,
        public val status: SlotStatus,
        public val starts: Int = 0,
        public val reason: String = "",
    )

/**
 * Both slots.
 *
 * @property active which one to use; null before anything is installed.
 * @property highest of the sequences that were ever confirmed.
 * @property records of the slots that hold a bundle.
 */
internal data class SlotState(
    val active: Slot? = null,
    val highest: Long = 0,
    val records: Map<Slot, SlotRecord> = emptyMap(),
) {
    /** The file's content, as the Python runtime writes and reads it. */
    fun encode(): ByteArray {
        val state =
            jsonText {
                beginObject()
                name("active").value(active?.label)
                name("highest").value(highest)
                name("records").beginObject()
                for ((slot, record) in records.toSortedMap()) {
                    name(slot.label).beginObject()
                    name("digest").value(record.digest)
                    name("sequence").value(record.sequence)
                    name("status").value(record.status.label)
                    name("starts").value(record.starts)
                    name("reason").value(record.reason)
                    endObject()
                }
                endObject()
                endObject()
            }
        return "$HEAD${sha256(state)}$MIDDLE$state$END".toByteArray()
    }

    internal companion object {
        private const val HEAD = """{"version":1,"sha256":""""
        private const val MIDDLE = """","state":"""
        private const val END = "}\n"
        private const val HEX = 64

        /**
         * The state in a file's content.
         *
         * The frame must be as both runtimes write it, byte for byte, for the digest is of the bytes of the state.
         *
         * @throws IllegalArgumentException it is damaged, altered, of another version or contradicts itself.
         */
        fun decode(content: ByteArray): SlotState {
            val text = content.toString(Charsets.UTF_8)
            val begin = HEAD.length + HEX + MIDDLE.length
            require(
                text.startsWith(HEAD) && text.startsWith(MIDDLE, HEAD.length + HEX) && text.endsWith(END) &&
                    text.length > begin + END.length,
            ) { "it is not the state of two slots, version 1" }
            val state = text.substring(begin, text.length - END.length)
            require(sha256(state) == text.substring(HEAD.length, HEAD.length + HEX)) {
                "it does not have the SHA-256 it states"
            }
            return of(parseJson(state))
        }

        private fun of(value: Any?): SlotState {
            val found = fields(value, setOf("active", "highest", "records"), emptySet())
            val records = found["records"]
            require(records is Map<*, *>) { "its records are no records" }
            val active = found["active"]?.let { slotOf(it) }
            val state =
                SlotState(
                    active,
                    number(found["highest"]),
                    records.entries.associate { (slot, record) -> slotOf(slot) to recordOf(record) },
                )
            require(active == null || active in state.records) {
                "nothing is recorded of its active slot ${active?.label}"
            }
            return state
        }

        private fun recordOf(value: Any?): SlotRecord {
            val found = fields(value, setOf("digest", "sequence", "status"), setOf("starts", "reason"))
            val digest = found["digest"]
            val status = SlotStatus.entries.firstOrNull { it.label == found["status"] }
            val starts = number(found["starts"] ?: 0L)
            val reason = found["reason"] ?: ""
            require(digest is String && status != null && reason is String && starts in 0..Int.MAX_VALUE) {
                "a record has a wrong digest, status, reason or number of starts"
            }
            return SlotRecord(digest, number(found["sequence"]), status, starts.toInt(), reason)
        }

        private fun fields(
            value: Any?,
            needed: Set<String>,
            optional: Set<String>,
        ): Map<*, *> {
            require(
                value is Map<*, *> && value.keys.containsAll(needed) && (needed + optional).containsAll(value.keys),
            ) {
                "it does not have exactly the fields ${(needed + optional).joinToString()}"
            }
            return value
        }

        private fun slotOf(label: Any?): Slot =
            requireNotNull(Slot.entries.firstOrNull { it.label == label }) { "it names a slot $label" }

        private fun number(value: Any?): Long {
            require(value is Long) { "$value is no whole number" }
            return value
        }

        private fun sha256(text: String): String =
            MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).joinToString("") { "%02x".format(it) }
    }
}
