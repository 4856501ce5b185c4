package fpm.edge.stages

import fpm.edge.pixels.Box
import fpm.edge.pixels.Doubt
import fpm.edge.pixels.Letterbox
import fpm.edge.pixels.Picture

/** Why no further stage ran; [label] as the other runtimes write it. */
public enum class StopReason(
    public val label: String,
) {
    /** There are no more. */
    ALL_STAGES("all stages"),

    /** The session or the call asked for no more. */
    STAGE_LIMIT("stage limit"),

    /** The next stage would probably not have ended in time. */
    DEADLINE("deadline"),

    /** The clear landmarks had stopped moving. */
    CONVERGED("converged"),
}

/** When still landmarks end a call: see [DetectOptions.converge]. */
public sealed interface Converge {
    /** No clear landmark of the category moved by more than [px] pixels of the network's input since the stage before. */
    public data class Px(
        public val px: Double,
    ) : Converge

    /** As [Px], with what the bundle was found to bear (`Manifest.convergence`). */
    public data object Fitted : Converge
}

/**
 * How to find the landmarks of one picture.
 *
 * @property category what garment it is, to say which landmarks are meaningful; `any` for all landmarks, whatever it is;
 *   null: it is found, if the bundle has a rule for that (`Manifest.recognition`), else as `any`.
 * @property box the garment's region; null: the whole picture.
 * @property stages run at most so many; null: all that are loaded.
 * @property deadlineMs start a stage only if it will probably (95 % quantile of its last 64 runs) end within this time
 *   from the call, milliseconds. Stage 1 always runs. null: no deadline.
 * @property converge run no further stage where landmarks stand still; null: run on.
 * @property looks 2 to run stage 1 on the whole picture (or box), and all stages on the region of what it found, where
 *   that shows the garment larger and stage 1 then sees it more clearly. Deadline and timings are of both.
 */
public data class DetectOptions
    @JvmOverloads
    constructor(
        public val category: String? = null,
        public val box: Box? = null,
        public val stages: Int? = null,
        public val deadlineMs: Double? = null,
        public val converge: Converge? = null,
        public val looks: Int = 1,
    ) {
        // For Java, which has no named arguments; Kotlin has `copy`.

        /** The same with another [category]. */
        public fun withCategory(category: String?): DetectOptions = copy(category = category)

        /** The same with another [box]. */
        public fun withBox(box: Box?): DetectOptions = copy(box = box)

        /** The same with another number of [stages]. */
        public fun withStages(stages: Int?): DetectOptions = copy(stages = stages)

        /** The same with another [deadlineMs]. */
        public fun withDeadlineMs(deadlineMs: Double?): DetectOptions = copy(deadlineMs = deadlineMs)

        /** The same with another [converge]. */
        public fun withConverge(converge: Converge?): DetectOptions = copy(converge = converge)

        /** The same with another number of [looks]. */
        public fun withLooks(looks: Int): DetectOptions = copy(looks = looks)
    }

/** What both a stage and a whole detection say. */
public interface Answer {
    /** x and y of each landmark in turn, pixels of the original picture. Always finite. */
    public val landmarks: FloatArray

    /** Heatmap values at the landmarks, 0 to 1; 0 where there is a doubt. */
    public val scores: FloatArray

    /** Which landmarks the category has; all where it is not known, not one where there is no garment. */
    public val labelled: BooleanArray

    /** Landmark name → why its heatmap does not say where it is. Empty if all do. */
    public val doubts: Map<String, Doubt>

    /** As given or found; `none` where there is no garment; null where it is not known: no rule, or `any` was asked for. */
    public val category: String?

    /** Probability of the category that was found, 0 to 1; null where it was given or is not known. */
    public val categoryScore: Double?

    /**
     * Probability that each landmark lies within 0.05 of its true place, in units of the paper's NE, of a garment that
     * has it; null where the bundle has no such calibration.
     */
    public val confidences: FloatArray?
}

/**
 * The answer of one stage.
 *
 * @property stage its number, from 1.
 * @property elapsedMs from the call to this answer.
 */
public class StageResult(
    public val stage: Int,
    public val elapsedMs: Double,
    answer: Answer,
) : Answer by answer

/**
 * Where the time went, in milliseconds.
 *
 * @property preprocessMs from the call to the input: getting the pixels, resizing and padding, and before that waiting
 *   for the calls of other threads.
 * @property pieces piece name → time in the engine, in the order they ran.
 * @property decodeMs from heatmaps to landmarks.
 * @property totalMs all of the call.
 */
public class Timings(
    public val preprocessMs: Double,
    public val pieces: Map<String, Double>,
    public val decodeMs: Double,
    public val totalMs: Double,
)

/**
 * The landmarks of one picture.
 *
 * @property stagesRun how many stages ran; the last of them gave the landmarks.
 * @property engine its name.
 * @property look which look answered: 1 for that at the whole picture (or box), 2 for that at the region found in it.
 */
public class Detection(
    public val stagesRun: Int,
    public val stopReason: StopReason,
    public val timings: Timings,
    public val engine: String,
    public val look: Int,
    answer: Answer,
) : Answer by answer

/**
 * A detection, and what another model needs to be compared with it.
 *
 * @property landmarks of each stage that ran, x and y in pixels of the input; the last is the answer's.
 * @property input input height × input width × RGB, the network's input.
 * @property fit where the picture lies in the input.
 */
public class Trace(
    public val detection: Detection,
    public val landmarks: List<FloatArray>,
    public val input: ByteArray,
    public val fit: Letterbox,
)

/** A [Session], or anything else that detects. */
public interface Detector {
    /** See [Session.detect]. */
    public fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection

    /** The same with the default options. */
    public fun detect(picture: Picture): Detection = detect(picture, DetectOptions())
}
