package fpm.edge.r8

import fpm.edge.check.checkGoldens
import fpm.edge.drift.DriftLog
import fpm.edge.drift.DriftMonitor
import fpm.edge.drift.FileStateStore
import fpm.edge.drift.Shadow
import fpm.edge.drift.ShadowOptions
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Bundle
import fpm.edge.stages.Session
import fpm.edge.updates.Slots
import java.io.File

/** Compare what [session] finds with the float model, and print the verdict, before and after it was kept in a file. */
internal fun watch(
    bundle: Bundle,
    session: Session,
) = inFolder { folder ->
    val monitor = DriftMonitor.of(bundle)
    monitor.addGolden(checkGoldens(session).verdict)
    checkNotNull(bundle.reference()).session(OnnxRuntime()).use { reference ->
        val always = ShadowOptions(rate = 1.0, spacingS = 0.0, movementRate = 1.0)
        val log = DriftLog(File(folder, "drift.jsonl"))
        Shadow(session, reference, monitor, always, log, executor = { it.run() }).use { shadow ->
            for (case in checkNotNull(bundle.golden()).cases) {
                val (height, width) = session.geometry.run { inputHeight to inputWidth }
                shadow.detect(RgbPicture(bundle.goldenInput(case), width, height))
            }
            println(shadow.counts)
        }
    }
    println(monitor.report())
    val store = FileStateStore(folder)
    monitor.save(store)
    val again = DriftMonitor.of(bundle)
    println("${again.load(store)} ${again.report()} ${again.state()}")
}

/** Install [bundle] and start with it. */
internal fun update(bundle: File): Unit =
    inFolder { folder ->
        val slots = Slots(File(folder, "bundles"))
        println("${slots.install(bundle).slot} ${slots.boot().status} ${slots.confirm()} ${slots.boot().status}")
        println(slots.status().slots.map { "${it.slot} ${it.record.digest} ${it.problem}" })
    }

private fun inFolder(what: (File) -> Unit) {
    val folder = File.createTempFile("fpm-edge", "").apply { delete() }
    folder.mkdirs()
    try {
        what(folder)
    } finally {
        folder.deleteRecursively()
    }
}
