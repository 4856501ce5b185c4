package fpm.edge.drift

import java.time.Instant
import java.time.temporal.ChronoUnit

/** Characters of a reason or a note. */
private const val LONGEST = 500

private val UNPRINTABLE = Regex("""[\p{C}\p{Zl}\p{Zp}]""")

/** A step of a drift policy; [label] as the logs have it. What takes it is the app. */
public enum class Step(
    public val label: String,
) {
    REPORT("report"),
    MORE_STAGES("more stages"),
    ENGINE("engine"),
    FLOAT("float"),
    RAISE("raise"),
}

/** What a step of a drift policy put in force: see [Shadow.switchTo]. */
public enum class Fallback {
    /** All stages run, whatever the call says. */
    MORE_STAGES,

    /** Another engine took the place of one that had drifted. */
    ENGINE,

    /** The float model answers. */
    FLOAT,
}

/**
 * One step of a drift policy, taken or skipped. [StepTaken.now] makes one.
 *
 * @property time ISO 8601, UTC.
 * @property reason why the verdict was `DRIFTED`.
 * @property before what answered until then, such as `onnxruntime 1.30.0` or `onnxruntime 1.30.0, all stages`.
 * @property after what answers since; null where the step was skipped.
 * @property note why it was skipped, or what else is to be said of it.
 */
public data class StepTaken(
    public val time: String,
    public val step: Step,
    public val reason: String,
    public val before: String,
    public val after: String?,
    public val note: String,
) {
    public companion object {
        /** A step of this moment; long texts are cut, and what cannot be printed is left out. */
        @JvmStatic
        @JvmOverloads
        public fun now(
            step: Step,
            reason: String,
            before: String,
            after: String?,
            note: String = "",
        ): StepTaken = StepTaken(timeNow(), step, short(reason), before, after, short(note))
    }
}

/** What answers, in words; [engine] is its name and version. */
internal fun answerer(
    engine: String,
    fallback: Fallback?,
): String =
    when (fallback) {
        Fallback.FLOAT -> "float model in $engine"
        Fallback.MORE_STAGES -> "$engine, all stages"
        else -> engine
    }

/** ISO 8601, UTC, whole seconds, as Python writes it. */
internal fun timeNow(): String =
    Instant
        .now()
        .truncatedTo(ChronoUnit.SECONDS)
        .toString()
        .removeSuffix("Z") + "+00:00"

private fun short(text: String): String {
    val printable = text.replace(UNPRINTABLE, " ")
    if (printable.codePointCount(0, printable.length) <= LONGEST) return printable
    return "${printable.substring(0, printable.offsetByCodePoints(0, LONGEST - 3))}..."
}
