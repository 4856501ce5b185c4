package fpm.edge.stages

import fpm.edge.bundle.Geometry
import fpm.edge.bundle.LandmarkSchema

/** The float model's session, such as one of `Bundle.reference`. */
public interface FloatSession {
    public val schema: LandmarkSchema
    public val geometry: Geometry

    /** How many stages are loaded. */
    public val stageLimit: Int

    /**
     * See [Session.detectInput].
     *
     * @param stages run at most so many; null: all that are loaded.
     */
    public fun detectInput(
        input: ByteArray,
        stages: Int?,
    ): List<StageResult>
}
