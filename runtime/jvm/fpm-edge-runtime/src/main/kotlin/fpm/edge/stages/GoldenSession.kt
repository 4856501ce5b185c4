package fpm.edge.stages

import fpm.edge.bundle.BundleContents

/** What answers ready-made inputs: the part of [Session] that a self-check uses. */
public interface GoldenSession {
    /** The bundle whose cases are answered. */
    public val bundle: BundleContents

    /** See [Session.detectInput]. */
    public fun detectInput(
        input: ByteArray,
        stages: Int?,
    ): List<StageResult>

    /** The same of all stages. */
    public fun detectInput(input: ByteArray): List<StageResult> = detectInput(input, null)
}
