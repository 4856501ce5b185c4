package fpm.edge.example

import fpm.edge.DataException
import fpm.edge.cameras.Frame
import fpm.edge.cameras.Live
import fpm.edge.cameras.LiveCounts
import fpm.edge.cameras.LiveListener
import fpm.edge.check.checkGoldens
import fpm.edge.drift.DriftLog
import fpm.edge.drift.DriftMonitor
import fpm.edge.drift.FileStateStore
import fpm.edge.drift.MonitorReport
import fpm.edge.drift.Shadow
import fpm.edge.engines.Engine
import fpm.edge.pixels.Picture
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Session
import java.io.File

/**
 * Everything of the app that is not its screen: frames in, landmarks out, and what is known of drift.
 *
 * @param float the float model, which drift is measured from.
 * @param folder of the app, for what is known of drift: `Context.filesDir`.
 * @param found is told each answer, on the thread that detects, with the size of the picture it is about.
 * @param failed is told what went wrong with a frame.
 */
class Finder(
    bundle: Bundle,
    float: Bundle,
    engine: Engine,
    folder: File,
    private val found: (Detection, width: Int, height: Int) -> Unit,
    private val failed: (Throwable) -> Unit,
) : AutoCloseable {
    /** Milliseconds a frame may take, from when the camera gave it; null: all stages run. */
    @Volatile
    var deadlineMs: Double? = 33.0

    val names: List<String> = bundle.manifest.landmarks.landmarks
    private val session: Session = bundle.session(engine, threads = 2)
    private val store = FileStateStore(folder)
    private val monitor = DriftMonitor.of(bundle)
    private val reference: Session = float.session(engine, threads = 1)
    private val shadow: Shadow
    private val live: Live

    init {
        try {
            monitor.load(store)
        } catch (error: DataException) {
            failed(error) // of another bundle, or damaged: what was known is lost, and the app goes on
        }
        monitor.addGolden(checkGoldens(session).verdict)
        shadow = Shadow(session, reference, monitor, log = DriftLog(File(folder, "drift.jsonl")))
        live =
            Live(
                shadow,
                object : LiveListener {
                    override fun onDetection(
                        frame: Frame,
                        detection: Detection,
                    ) = found(detection, frame.picture.width, frame.picture.height)

                    override fun onFailure(
                        frame: Frame,
                        error: Throwable,
                    ) = failed(error)
                },
            )
    }

    /** The newest frame; [release] gives its buffers back to the camera, once, whatever becomes of it. */
    fun offer(
        picture: Picture,
        release: Runnable,
    ) {
        live.offer(Frame(picture, release = release), DetectOptions(deadlineMs = deadlineMs))
    }

    /** What can be certified of drift by now. */
    fun certificate(): MonitorReport = monitor.report()

    val counts: LiveCounts
        get() = live.counts

    /** Keep what is known of drift, as in `onStop`: the app may not come back. */
    fun keep(): Unit = monitor.save(store)

    override fun close() {
        live.close()
        shadow.close()
        keep()
        reference.close()
        session.close()
    }
}
