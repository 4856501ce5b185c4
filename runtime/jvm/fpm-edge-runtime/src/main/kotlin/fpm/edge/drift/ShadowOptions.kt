package fpm.edge.drift

import kotlin.random.Random

/** Seconds between compared frames: twice as long as one person stands before a camera, say (docs/drift.md). */
public const val SPACING_S: Double = 120.0

/**
 * Which frames a [Shadow] compares.
 *
 * @property rate share of the frames to compare; 0.01 if neither this nor a budget is given.
 * @property budgetMsPerMinute time to spend on comparing, instead of a rate.
 * @property spacingS no two compared frames are nearer than this, seconds, whatever rate or budget would allow: frames
 *   of one scene are not new evidence, and the alarm's promise does not hold for them. 0 for pictures that have nothing
 *   to do with each other.
 * @property movementRate share of the frames whose earlier stages are decoded, for the proxy "stage movement".
 * @property random what the frames are drawn with.
 */
public class ShadowOptions
    @JvmOverloads
    constructor(
        public val rate: Double? = null,
        public val budgetMsPerMinute: Double? = null,
        public val spacingS: Double = SPACING_S,
        public val movementRate: Double = 0.02,
        public val random: Random = Random.Default,
    )

/**
 * What became of the frames.
 *
 * @property frames that were detected.
 * @property sampled that were to be compared.
 * @property compared that were, those among them in which there was no garment.
 * @property replaced that a newer one replaced while the float model was busy.
 * @property failed whose comparison raised an error.
 */
public data class ShadowCounts(
    public val frames: Long = 0,
    public val sampled: Long = 0,
    public val compared: Long = 0,
    public val replaced: Long = 0,
    public val failed: Long = 0,
)
