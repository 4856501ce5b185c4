package fpm.edge.check

/**
 * One stage over all self-check cases.
 *
 * @property stage counts from 1.
 * @property mean disagreement with the float model averaged over the cases, NE units; infinite where an answer is not
 *   finite.
 * @property worst the largest mean disagreement of a single case; this is what is held against the limit.
 * @property worstCase the bundle member of that case.
 * @property limit the largest mean disagreement of a case that counts as healthy.
 * @property verdict of [worst] against [limit].
 */
public class GoldenStage internal constructor(
    public val stage: Int,
    public val mean: Double,
    public val worst: Double,
    public val worstCase: String,
    public val limit: Double,
) {
    public val verdict: Verdict = verdictOf(worst, limit)

    /** The worst disagreement as a share of its limit. */
    internal val load: Double
        get() = if (limit > 0) worst / limit else if (worst == 0.0) 0.0 else Double.POSITIVE_INFINITY
}

/**
 * What [checkGoldens] found.
 *
 * @property cases how many.
 * @property stages those that the session has loaded.
 */
public class GoldenReport internal constructor(
    public val cases: Int,
    public val stages: List<GoldenStage>,
) {
    /** The worst of the stages' verdicts. */
    public val verdict: Verdict = stages.maxOf(GoldenStage::verdict)

    /** False only where a stage has drifted. */
    public val isOk: Boolean
        get() = verdict != Verdict.DRIFTED

    /** The stage furthest into (or over) its limit. */
    public val worst: GoldenStage = stages.maxBy(GoldenStage::load)
}
