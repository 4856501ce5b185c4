package kiosk

import fpm.edge.check.checkGoldens
import fpm.edge.drift.DriftLog
import fpm.edge.drift.DriftMonitor
import fpm.edge.drift.Shadow
import fpm.edge.drift.ShadowOptions
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Picture
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Session
import java.io.File

/**
 * The session, and beside it a comparison with the float model, if there is one that runs here.
 *
 * @param given the float model; null for the one inside the bundle.
 * @param isVideo whether the pictures are of one scene: two that are near each other say the same about drift.
 */
internal class Watch(
    bundle: Bundle,
    given: Bundle?,
    log: File?,
    isVideo: Boolean,
) : AutoCloseable {
    private val engine = OnnxRuntime()
    private val session: Session = bundle.session(engine)
    private val reference: Session?
    private val shadow: Shadow?

    /** What is known of drift; null where there is nothing to compare with. */
    val monitor: DriftMonitor?

    init {
        val float = (given ?: bundle.reference())?.takeIf { engine.formats.any(it.formats::contains) }
        reference = float?.session(engine, threads = 1)
        monitor = reference?.let { DriftMonitor.of(bundle) }
        shadow =
            if (reference != null && monitor != null) {
                monitor.addGolden(checkGoldens(session).verdict)
                val options = if (isVideo) ShadowOptions(rate = 1.0) else ShadowOptions(rate = 1.0, spacingS = 0.0)
                Shadow(session, reference, monitor, options, log?.let { DriftLog(it) })
            } else {
                null
            }
    }

    fun detect(
        picture: Picture,
        options: DetectOptions,
    ): Detection = shadow?.detect(picture, options) ?: session.detect(picture, options)

    /** Wait for the comparison that runs: a folder has an end, and no picture is to be left out. */
    fun settle() {
        shadow?.flush()
    }

    override fun close() {
        shadow?.close()
        reference?.close()
        session.close()
    }
}
