package fpm.edge.cameras

import fpm.edge.UsageException
import fpm.edge.pixels.Box
import fpm.edge.pixels.Picture
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector

/**
 * The smoothed landmarks of one frame of a video, and where they come from.
 *
 * @property box the region that the network saw; null for the whole frame.
 * @property detection what was found in this frame, before smoothing.
 */
public class Tracked internal constructor(
    steady: Steady,
    public val box: Box?,
    public val detection: Detection,
) : Steady(steady.landmarks, steady.held, steady.restarted)

/**
 * Landmarks on video: looks where the garment was in the last frame, and smooths what is found.
 *
 * One video through a session, or what else detects. Several may share it; one is not for several threads at a time.
 *
 * @param category of the garment; null: it is found, as for `detect`.
 * @param smoothing how landmarks are smoothed.
 * @param cropping null: every frame is seen whole.
 */
public class Tracker
    @JvmOverloads
    constructor(
        private val detector: Detector,
        private val category: String? = null,
        smoothing: Smoothing = Smoothing(),
        cropping: Cropping? = null,
    ) {
        private val smoother = Smoother(smoothing)
        private val region = cropping?.let(::Region)
        private var scores = FloatArray(0)
        private var clear = BooleanArray(0)

        /** Forget the frames so far. */
        public fun reset() {
            smoother.reset()
            region?.reset()
        }

        /**
         * Find the landmarks of the next frame. One that fails leaves everything as it was.
         *
         * @param timeS when the frame was taken, as for [Smoother.update].
         * @param options of `detect`. Category and region are the tracker's, and there is one look.
         * @throws UsageException the options have a category, a region or another look; or as [Smoother.update].
         * @throws fpm.edge.FpmEdgeException as `detect`.
         */
        @JvmOverloads
        public fun detect(
            picture: Picture,
            timeS: Double,
            options: DetectOptions = DetectOptions(),
        ): Tracked {
            if (options.category != null || options.box != null || options.looks != 1) {
                throw UsageException(
                    "options have category ${options.category}, box ${options.box}, looks ${options.looks}; expected " +
                        "none, none and 1: give the category to the tracker, which chooses the region itself",
                )
            }
            val box = region?.box
            val found = detector.detect(picture, options.copy(category = category, box = box))
            val side = if (box != null) maxOf(box.x1 - box.x0, box.y1 - box.y0) else longerSide(picture)
            val steady = smoother.update(found.landmarks, scoresOf(found), timeS, side)
            region?.let {
                markClear(found)
                it.update(steady, clear, found.labelled, picture.width, picture.height)
            }
            return Tracked(steady, box, found)
        }

        private fun longerSide(picture: Picture): Double = maxOf(picture.width, picture.height).toDouble()

        /** Landmarks that the category does not have are never clear. */
        private fun scoresOf(found: Detection): FloatArray {
            if (scores.size != found.scores.size) {
                scores = FloatArray(found.scores.size)
                clear = BooleanArray(found.scores.size)
            }
            for (i in scores.indices) {
                scores[i] = if (found.labelled[i]) found.scores[i] else -1f
            }
            return scores
        }

        private fun markClear(found: Detection) {
            val least = smoother.settings.clear.toFloat()
            for (i in clear.indices) {
                clear[i] = found.labelled[i] && scores[i] >= least
            }
        }
    }
