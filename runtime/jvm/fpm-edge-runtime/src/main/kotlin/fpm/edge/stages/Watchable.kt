package fpm.edge.stages

import fpm.edge.bundle.Geometry
import fpm.edge.bundle.LandmarkSchema
import fpm.edge.pixels.Picture

/** The session that a shadow comparison watches: a [Session], or anything else that traces. */
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

    /** See [Session.trace]. */
    public fun trace(
        picture: Picture,
        options: DetectOptions,
    ): Trace

    /** The same with the default options. */
    public fun trace(picture: Picture): Trace = trace(picture, DetectOptions())
}
