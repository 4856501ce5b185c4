package fpm.edge.stages

import fpm.edge.pixels.Picture

/** A [Session], or anything else that gives the answer of every stage as soon as it is there. */
public interface StagedDetector {
    /**
     * See [Session.stages].
     *
     * The sequence can be iterated once. A stage runs when its answer is asked for, on the thread that asks: that may
     * be another one for each stage, and whoever asks may stop at any time, so nothing is locked or borrowed between
     * two answers.
     */
    public fun stages(
        picture: Picture,
        options: DetectOptions,
    ): Sequence<StageResult>

    /** The same with the default options. */
    public fun stages(picture: Picture): Sequence<StageResult> = stages(picture, DetectOptions())
}
