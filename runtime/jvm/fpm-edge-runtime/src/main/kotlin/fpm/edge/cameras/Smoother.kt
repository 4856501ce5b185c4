package fpm.edge.cameras

import fpm.edge.DataException
import fpm.edge.UsageException
import kotlin.math.PI
import kotlin.math.sqrt

/**
 * Smooths one stream of landmarks: the 1€ filter, for each landmark by itself. Not for several threads at a time.
 *
 * Casiez, Roussel, Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems", CHI
 * 2012, pp. 2527-2530. A low-pass whose cutoff frequency grows with speed: steady while still, quick while moving.
 */
public class Smoother
    @JvmOverloads
    constructor(
        public val settings: Smoothing = Smoothing(),
    ) {
        private val clear = settings.clear.toFloat() // scores are float32, and are compared as such
        private var time = Double.NEGATIVE_INFINITY

        // Of each landmark: when it was last clear, seconds; and, x and y in turn, where it was found then, where
        // smoothing put it, and its speed in pixels a second.
        private var seen = DoubleArray(0)
        private var raw = DoubleArray(0)
        private var place = DoubleArray(0)
        private var speed = DoubleArray(0)

        /** Forget everything; the next frame may have any time. */
        public fun reset() {
            time = Double.NEGATIVE_INFINITY
            resize(0)
        }

        /**
         * The next frame.
         *
         * @param landmarks x and y of each in turn, pixels of the picture.
         * @param scores as [fpm.edge.stages.Detection] has them: 0 where there is a doubt.
         * @param timeS when the frame was taken, seconds on any clock; later than the last. Frames may come unevenly.
         * @param side pixels (see [Smoothing]).
         * @throws UsageException the time is not later, or the side not over 0.
         * @throws DataException there are other landmarks than in the frame before.
         */
        public fun update(
            landmarks: FloatArray,
            scores: FloatArray,
            timeS: Double,
            side: Double,
        ): Steady {
            checkFrame(landmarks, scores, timeS, side)
            time = timeS
            val count = scores.size
            val restarted = seen.isEmpty() || isCut(landmarks, scores, side)
            if (restarted) {
                resize(count)
            }
            val shown = FloatArray(2 * count)
            val held = BooleanArray(count)
            for (i in 0 until count) {
                val isClear = isClear(landmarks, scores, i)
                val known = timeS - seen[i] <= settings.holdS
                if (isClear) {
                    step(i, landmarks[2 * i].toDouble(), landmarks[2 * i + 1].toDouble(), known, side)
                }
                held[i] = known && !isClear
                val isShown = known || isClear
                shown[2 * i] = if (isShown) place[2 * i].toFloat() else Float.NaN
                shown[2 * i + 1] = if (isShown) place[2 * i + 1].toFloat() else Float.NaN
            }
            return Steady(shown, held, restarted)
        }

        private fun checkFrame(
            landmarks: FloatArray,
            scores: FloatArray,
            timeS: Double,
            side: Double,
        ) {
            if (!(timeS.isFinite() && timeS > time)) {
                throw UsageException("timeS is $timeS after $time; expected later times (reset starts a new stream)")
            }
            if (!(side.isFinite() && side > 0)) {
                throw UsageException("side is $side; expected pixels, over 0")
            }
            val count = if (seen.isEmpty()) scores.size else seen.size
            if (scores.size != count || landmarks.size != 2 * count) {
                throw DataException(
                    "${landmarks.size} coordinates, ${scores.size} scores; expected ${2 * count} and $count, as before",
                )
            }
        }

        private fun resize(count: Int) {
            if (seen.size != count) {
                seen = DoubleArray(count)
                raw = DoubleArray(2 * count)
                place = DoubleArray(2 * count)
                speed = DoubleArray(2 * count)
            }
            seen.fill(Double.NEGATIVE_INFINITY)
        }

        private fun isClear(
            landmarks: FloatArray,
            scores: FloatArray,
            i: Int,
        ): Boolean = scores[i] >= clear && landmarks[2 * i].isFinite() && landmarks[2 * i + 1].isFinite()

        /** A clear landmark: from where it was if that is [known], else it starts here. */
        private fun step(
            i: Int,
            x: Double,
            y: Double,
            known: Boolean,
            side: Double,
        ) {
            if (known) {
                follow(i, x, y, time - seen[i], side)
            } else {
                place[2 * i] = x
                place[2 * i + 1] = y
                speed.fill(0.0, 2 * i, 2 * i + 2)
            }
            raw[2 * i] = x
            raw[2 * i + 1] = y
            seen[i] = time
        }

        /** One step of the filter; [interval] is the time since the landmark itself was last clear. */
        private fun follow(
            i: Int,
            x: Double,
            y: Double,
            interval: Double,
            side: Double,
        ) {
            val dx = x - place[2 * i]
            val dy = y - place[2 * i + 1]
            val weight = alpha(settings.speedHz, interval)
            val speedX = speed[2 * i] + weight * (dx / interval - speed[2 * i])
            val speedY = speed[2 * i + 1] + weight * (dy / interval - speed[2 * i + 1])
            // fc = fcmin + β |speed|; the length of the vector, so that the picture's axes make no difference.
            val pace = sqrt(speedX * speedX + speedY * speedY) / side
            val a = alpha(settings.stillHz + settings.hzPerSpeed * pace, interval)
            speed[2 * i] = speedX
            speed[2 * i + 1] = speedY
            place[2 * i] += a * dx
            place[2 * i + 1] += a * dy
        }

        /** Whether most landmarks jumped, compared with where they were found, not with where smoothing put them. */
        private fun isCut(
            landmarks: FloatArray,
            scores: FloatArray,
            side: Double,
        ): Boolean {
            var both = 0
            var jumped = 0
            for (i in scores.indices) {
                if (isClear(landmarks, scores, i) && time - seen[i] <= settings.holdS) {
                    val dx = landmarks[2 * i] - raw[2 * i]
                    val dy = landmarks[2 * i + 1] - raw[2 * i + 1]
                    both += 1
                    jumped += if (sqrt(dx * dx + dy * dy) > settings.cut * side) 1 else 0
                }
            }
            return jumped >= 2 && 2 * jumped > both
        }
    }

/** Weight of the new value: α = 1 / (1 + τ / Te), τ = 1 / (2 π fc). */
private fun alpha(
    cutoff: Double,
    interval: Double,
): Double = 1 / (1 + 1 / (2 * PI * cutoff * interval))
