package fpm.edge.onnxruntime

import ai.onnxruntime.OrtException
import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec
import fpm.edge.engines.Delegate
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Bundle
import fpm.edge.stages.DetectOptions
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

internal class OnnxRuntimeTest {
    private val bundle = Bundle.open(File("../../web/test/vectors/tiny.fpm"))
    private val first = bundle.manifest.pieces.getValue(Format.ONNX).first()
    private val model = bundle.read(first.member)

    @Test
    fun `what a piece gives lies in its buffers, and other names are ignored`() {
        val engine = OnnxRuntime()
        assertEquals("onnxruntime-java", engine.name)
        assertTrue(Regex("""\d+\.\d+\.\d+.*""").matches(engine.version))
        engine.load(first, model, 1).use { runner ->
            assertEquals(Delegate.NONE to 0.0, runner.delegate to runner.delegated)
            val tensors = (first.inputs + first.outputs).associate { it.name to direct(it.size * it.dtype.bytes) }
            runner.bind(tensors + ("unknown" to direct(1))).use { binding ->
                val image = tensors.getValue("image")
                val heatmap = tensors.getValue("heatmap_1")
                fill(image, 128)
                binding.run()
                val grey = bytesOf(heatmap)
                fill(image, 255)
                binding.run()
                val white = bytesOf(heatmap)
                assertFalse(grey.contentEquals(white))
                fill(image, 128)
                binding.run()
                assertContentEquals(grey, bytesOf(heatmap))
                assertEquals(0, heatmap.position())
            }
        }
    }

    @Test
    fun `a model that is damaged, or not as the manifest says, is a BundleException`() {
        val cut = direct(model.limit() / 2)
        for (i in 0 until cut.capacity()) cut.put(i, model.get(i))
        assertContains(refused(first, cut), "onnxruntime-java cannot load ${first.member}: ")
        val (spec) = first.inputs
        val renamed = first.outputs.map { TensorSpec(it.name + "x", it.dtype, it.shape, it.layout, it.scale, it.zeroPoint) }
        assertContains(refused(Piece(first.name, first.member, first.inputs, renamed)), "the manifest says features")
        val fewer = Piece(first.name, first.member, first.inputs, first.outputs.drop(1))
        assertContains(refused(fewer), "the model's outputs are")
        val larger = TensorSpec(spec.name, spec.dtype, listOf(1, 64, 65, 3), spec.layout, spec.scale, spec.zeroPoint)
        assertContains(
            refused(Piece(first.name, first.member, listOf(larger), first.outputs)),
            "are image uint8 (1, 64, 64, 3); the manifest says image uint8 (1, 64, 65, 3)",
        )
        val retyped = TensorSpec(spec.name, Dtype.FLOAT32, spec.shape, spec.layout, null, null)
        val message = refused(Piece(first.name, first.member, listOf(retyped), first.outputs))
        assertContains(message, "the manifest says image float32")
    }

    @Test
    fun `a provider takes all of a piece, or there is an error that is not the bundle's`() {
        val engine = OnnxRuntime(ExecutionProvider("qnn", Delegate.NPU) { it.addQnn(emptyMap()) })
        assertEquals("onnxruntime-java-qnn", engine.name)
        val error = assertThrows<FpmEdgeException> { engine.load(first, model, null) }
        assertFalse(error is BundleException)
        assertContains(error.message!!, "qnn is not there, or does not take all of its operations")
        val cut = direct(900)
        for (i in 0 until cut.capacity()) cut.put(i, model.get(i))
        assertThrows<BundleException> { engine.load(first, cut, null) }
    }

    @Test
    fun `buffers that are not direct would be copied at each run, and are refused`() {
        OnnxRuntime().load(first, model, 1).use { runner ->
            val heap = (first.inputs + first.outputs).associate { it.name to ByteBuffer.allocate(it.size * it.dtype.bytes) }
            assertContains(assertThrows<FpmEdgeException> { runner.bind(heap) }.message!!, "is not direct")
        }
    }

    @Test
    fun `a session runs all stages, and a closed one none`() {
        val picture = RgbPicture(ByteArray(90 * 120 * 3) { (it % 251).toByte() }, 90, 120)
        val session = bundle.session(OnnxRuntime(), threads = 1)
        val detection = session.use { it.detect(picture, DetectOptions(stages = 1)) }
        assertEquals("onnxruntime-java", detection.engine)
        assertNotEquals(0f, detection.scores.max())
        assertContains(assertThrows<FpmEdgeException> { session.detect(picture) }.message!!, "closed")
    }

    @Test
    fun `the question whether products are exact is one that it understands`() {
        assertThrows<OrtException> { ai.onnxruntime.OrtEnvironment.getEnvironment().createSession(ByteArray(3)) }
        isExact(ai.onnxruntime.OrtEnvironment.getEnvironment()) // a model that it understands
    }

    private fun refused(
        piece: Piece,
        bytes: ByteBuffer = model,
    ): String = assertThrows<BundleException> { OnnxRuntime().load(piece, bytes, null) }.message!!

    private fun direct(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())

    private fun fill(
        buffer: ByteBuffer,
        value: Int,
    ) {
        for (i in 0 until buffer.capacity()) buffer.put(i, value.toByte())
    }

    private fun bytesOf(buffer: ByteBuffer): ByteArray = ByteArray(buffer.capacity()) { buffer.get(it) }
}
