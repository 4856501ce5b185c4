package fpm.edge.android

import android.content.res.AssetManager
import android.graphics.Bitmap
import fpm.edge.DataException
import fpm.edge.bundle.TrustedKey
import fpm.edge.cameras.Frame
import fpm.edge.cameras.Live
import fpm.edge.check.checkGoldens
import fpm.edge.drift.DriftLog
import fpm.edge.drift.DriftMonitor
import fpm.edge.drift.Shadow
import fpm.edge.drift.StateStore
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Picture
import fpm.edge.pixels.Plane
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Session
import fpm.edge.updates.Boot
import fpm.edge.updates.Slots
import java.io.File
import java.nio.ByteBuffer

/*
 * The code of docs/android.md, word for word, so that it is compiled: `tests/fpm_edge/test_docs_kotlin.py` holds the page
 * to it.
 */

/** As CameraX has it. */
internal interface ImageProxy : AutoCloseable {
    val format: Int
    val width: Int
    val height: Int
    val planes: List<PlaneProxy>
    val imageInfo: ImageInfo

    interface PlaneProxy {
        val buffer: ByteBuffer
        val rowStride: Int
        val pixelStride: Int
    }

    interface ImageInfo {
        val rotationDegrees: Int
    }
}

internal fun fiveMinutes(
    assets: AssetManager,
    bitmap: Bitmap,
) {
    val bundle = openBundle(assets, "garments.fpm")
    bundle.session(OnnxRuntime(), threads = 2).use { session ->
        val found = session.detect(BitmapPicture.of(bitmap), DetectOptions(deadlineMs = 33.0))
        bundle.manifest.landmarks.landmarks.forEachIndexed { i, name ->
            if (found.labelled[i]) {
                println("$name ${found.landmarks[2 * i]} ${found.landmarks[2 * i + 1]} ${found.scores[i]}") // pixels
            }
        }
        println("${found.category}, ${found.stagesRun} stages, stopped by: ${found.stopReason.label}")
    }
}

internal class Camera(
    private val live: Live,
) {
    fun offer(image: ImageProxy) {
        val planes = image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        val picture =
            try {
                pictureOf(image.format, image.width, image.height, planes, image.imageInfo.rotationDegrees)
            } catch (error: DataException) {
                image.close() // nobody else will
                throw error
            }
        live.offer(Frame(picture) { image.close() }, DetectOptions(deadlineMs = 33.0))
    }
}

internal fun stageByStage(
    session: Session,
    picture: Picture,
    draw: (FloatArray, Int, Double) -> Unit,
) {
    for (stage in session.stages(picture)) {
        draw(stage.landmarks, stage.stage, stage.elapsedMs)
    }
}

internal fun drift(
    bundle: Bundle,
    store: StateStore,
    session: Session,
    reference: Session,
    folder: File,
    picture: Picture,
) {
    val monitor = DriftMonitor.of(bundle)
    monitor.load(store) // what was known before the app was closed
    monitor.addGolden(checkGoldens(session).verdict)
    val shadow = Shadow(session, reference, monitor, log = DriftLog(File(folder, "drift.jsonl")))
    val found = shadow.detect(picture)
    println(monitor.report().certified) // at most so far from the float model, NE; null: not known yet
    check(found.stagesRun > 0)
}

internal fun updates(
    pem: String,
    folder: File,
    downloaded: File,
): Boot {
    val keys = listOf(TrustedKey.of(pem))
    val slots = Slots(File(folder, "bundles"), trustedKeys = keys)
    slots.install(downloaded)
    val boot = slots.boot()
    return boot
}
