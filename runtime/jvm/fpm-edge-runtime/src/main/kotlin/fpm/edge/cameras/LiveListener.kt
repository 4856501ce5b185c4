package fpm.edge.cameras

import fpm.edge.stages.Detection

/**
 * Hears of each frame that was in work, in the order in which they were offered, on the thread that detects.
 *
 * Until the call returns, the frame's picture can be read; then the frame is closed, and the next one begins.
 */
public interface LiveListener {
    /** The frame was answered. */
    public fun onDetection(
        frame: Frame,
        detection: Detection,
    )

    /** `detect` threw [error]; the next frame may be better. */
    public fun onFailure(
        frame: Frame,
        error: Throwable,
    )
}
