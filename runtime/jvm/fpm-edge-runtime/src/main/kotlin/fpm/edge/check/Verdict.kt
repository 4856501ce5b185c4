package fpm.edge.check

/** A disagreement over this share of its limit is worth a warning. */
private const val WARNING_SHARE = 0.75

/** Whether a device answers as the float model does, best first; [label] as the other runtimes write it. */
public enum class Verdict(
    public val label: String,
) {
    OK("ok"),
    WARNING("warning"),
    DRIFTED("drifted"),
}

/** `DRIFTED` over the limit (or not finite), `WARNING` over three quarters of it, otherwise `OK`. */
internal fun verdictOf(
    value: Double,
    limit: Double,
): Verdict =
    when {
        !(value <= limit) -> Verdict.DRIFTED
        value > WARNING_SHARE * limit -> Verdict.WARNING
        else -> Verdict.OK
    }
