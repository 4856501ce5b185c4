package fpm.edge.r8

import fpm.edge.BundleException
import fpm.edge.bundle.Format
import fpm.edge.bundle.TrustedKey
import fpm.edge.cameras.Tracker
import fpm.edge.check.checkGoldens
import fpm.edge.coroutines.awaitDetection
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.HeatmapDecoder
import fpm.edge.pixels.Layout
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Answer
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Session
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Goes once through the rooms of the runtime, and prints what it finds: the same whether shrunk or not. */
public object App {
    /** [args]: the path of a bundle with golden cases. */
    @JvmStatic
    public fun main(args: Array<String>) {
        val bytes = File(args[0]).readBytes()
        val bundle = Bundle.open(ByteBuffer.wrap(bytes))
        bundle.check()
        println("${bundle.digest} ${bundle.stages} ${bundle.formats} ${bundle.manifest.landmarks.categories.keys}")
        println(bundle.members)
        refuse(bytes)
        decode()
        bundle.session(OnnxRuntime(), format = Format.ONNX).use { session ->
            detect(bundle, session)
            watch(bundle, session)
        }
        update(File(args[0]))
    }

    private fun refuse(bytes: ByteArray) {
        val damaged = bytes.copyOf().also { it[it.size / 2] = (it[it.size / 2] + 1).toByte() }
        report { Bundle.open(ByteBuffer.wrap(damaged)).check() }
        report { Bundle.open(ByteBuffer.wrap(bytes.copyOf(99))) }
        report { Bundle.open(ByteBuffer.wrap(bytes), trustedKeys = listOf(TrustedKey.of(ByteArray(32)))) }
    }

    private fun report(what: () -> Unit) {
        try {
            what()
        } catch (error: BundleException) {
            println(error.message)
        }
    }

    private fun decode() {
        val maps = ByteBuffer.allocateDirect(9 * 7 * 3).order(ByteOrder.nativeOrder())
        for (at in 0 until maps.limit()) maps.put(at, (at * 37 % 101).toByte())
        val read = HeatmapDecoder(Dtype.INT8, Layout.NHWC, 9, 7, 2, 1 / 128.0, -10).read(maps)
        println("${read.cells.asList()} ${read.scores.asList()} ${read.doubts}")
    }

    private fun detect(
        bundle: Bundle,
        session: Session,
    ) {
        val (height, width) = session.geometry.run { inputHeight to inputWidth }
        val tracker = Tracker(session)
        for ((i, case) in checkNotNull(bundle.golden()).cases.withIndex()) {
            val picture = RgbPicture(bundle.goldenInput(case), width, height)
            session.stages(picture).forEach(::show)
            show(runBlocking { session.awaitDetection(picture, DetectOptions(looks = 2)) })
            show(tracker.detect(picture, timeS = i / 30.0).landmarks)
        }
        val report = checkGoldens(session)
        println("${report.verdict} ${report.stages.map { "${it.worst} ${it.worstCase} ${it.verdict.label}" }}")
    }

    private fun show(answer: Answer) {
        println("${answer.category} ${answer.categoryScore} ${answer.doubts} ${answer.scores.asList()}")
        show(answer.landmarks)
    }

    private fun show(landmarks: FloatArray) {
        println(landmarks.asList())
    }
}
