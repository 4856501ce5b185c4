package fpm.edge.drift

import fpm.edge.check.Verdict

/** Mean capped disagreement of one landmark or stage, NE units; null where it was in no frame. */
public data class PartMean(
    public val name: String,
    public val mean: Double?,
    public val count: Long,
)

/** Something that needs no float model: its mean over all frames, and over about the last hundred. */
public data class Proxy(
    public val name: String,
    public val mean: Double?,
    public val recent: Double?,
    public val count: Long,
)

/**
 * What a [DriftMonitor] knows: plain values, all of them finite, so that JSON can have it.
 *
 * @property verdict `DRIFTED`: the alarm fired or a golden case failed, until [DriftMonitor.reset]. `WARNING`: a tenth
 *   of the alarm's evidence, a golden case near its limit, a failed comparison, or a fast alarm. Otherwise `OK`, also
 *   before any sample.
 * @property reason of a verdict that is not `OK`; one line.
 * @property samples frames that were compared with the float model.
 * @property alpha promised false-alarm probability; also that of [lower] and [upper] together.
 * @property evidence of the alarm now; 1 at the start. It fires at 1/α.
 * @property mostEvidence the most that there ever was.
 * @property alarmSample the sample at which the alarm fired; null if it did not.
 * @property estimate mean disagreement of all samples, NE units; null before the first.
 * @property lower bound of that mean, valid at all times; so is [upper].
 * @property certified NE is within this of the float model's (see [DriftMonitor]); null before a sample or after the
 *   alarm.
 * @property limits by stage.
 * @property golden verdict of the last self-check; null without.
 * @property fastAlarms which fired, of `disagreement` and `peak height`. They promise nothing.
 * @property failures comparisons that failed since the monitor was made; a reason tells the last.
 * @property stages descriptive means; so are [landmarks].
 * @property proxies `peak height`, `stage movement`, `flip`.
 */
public data class MonitorReport(
    public val verdict: Verdict,
    public val reason: String,
    public val samples: Long,
    public val alpha: Double,
    public val evidence: Double,
    public val mostEvidence: Double,
    public val alarmSample: Long?,
    public val estimate: Double?,
    public val lower: Double,
    public val upper: Double,
    public val certified: Double?,
    public val limits: List<DriftLimit>,
    public val golden: Verdict?,
    public val fastAlarms: List<String>,
    public val failures: Long,
    public val stages: List<PartMean>,
    public val landmarks: List<PartMean>,
    public val proxies: List<Proxy>,
)
