package fpm.edge.cameras

import fpm.edge.pixels.Picture
import java.util.concurrent.atomic.AtomicReference

/**
 * A picture of a camera, and how its buffer is given back.
 *
 * ```
 * Frame(picture, imageProxy.imageInfo.timestamp) { imageProxy.close() }
 * ```
 *
 * Who takes a frame closes it: once it is offered to a [Live], that does, whatever becomes of the frame.
 *
 * @property picture its pixels; not to be read once the frame is closed.
 * @property timeNs when it was taken, nanoseconds on any clock: for a [Smoother], which wants seconds ([timeS]).
 * @param release gives the buffer back. It is called once, however often the frame is closed, on the thread that first
 *   closes it.
 */
public class Frame
    @JvmOverloads
    constructor(
        public val picture: Picture,
        public val timeNs: Long = System.nanoTime(),
        release: Runnable? = null,
    ) : AutoCloseable {
        private val release = AtomicReference(release)

        /** [timeNs] in seconds. */
        public val timeS: Double
            get() = timeNs / 1e9

        /** Give the buffer back. Throws what its release throws. */
        override fun close() {
            release.getAndSet(null)?.run()
        }
    }
