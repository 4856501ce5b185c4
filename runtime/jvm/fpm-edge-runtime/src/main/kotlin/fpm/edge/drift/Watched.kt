package fpm.edge.drift

import fpm.edge.bundle.Geometry
import fpm.edge.bundle.LandmarkSchema
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detector
import fpm.edge.stages.StageResult
import fpm.edge.stages.Trace

/** The session that a [Shadow] watches: a [fpm.edge.stages.Session], or anything else that traces. */
public interface Watchable : Detector {
    /** Of its bundle. */
    public val digest: String

    public val schema: LandmarkSchema
    public val geometry: Geometry

    /** How many stages are loaded. */
    public val stageLimit: Int

    /** Name of what answers. */
    public val engine: String
    public val engineVersion: String

    /** See [fpm.edge.stages.Session.trace]. */
    public fun trace(
        picture: Picture,
        options: DetectOptions,
    ): Trace
}

/** The float model's session, such as one of `Bundle.reference`. */
public interface FloatSession {
    public val schema: LandmarkSchema
    public val geometry: Geometry

    /** How many stages are loaded. */
    public val stageLimit: Int

    /**
     * See [fpm.edge.stages.Session.detectInput].
     *
     * @param stages run at most so many; null: all that are loaded.
     */
    public fun detectInput(
        input: ByteArray,
        stages: Int?,
    ): List<StageResult>
}
