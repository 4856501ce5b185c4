package fpm.edge.litert

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.MissingExtraException
import fpm.edge.bundle.Format
import fpm.edge.bundle.Piece
import fpm.edge.bundle.TensorSpec
import fpm.edge.engines.Delegate
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Bundle
import fpm.edge.support.FakeDelegate
import fpm.edge.support.FakeInterpreter
import fpm.edge.support.WithoutLiteRt
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.tensorflow.lite.InterpreterApi
import java.io.File
import java.lang.reflect.InvocationTargetException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertSame
import kotlin.test.assertTrue

internal class LiteRtTest {
    private val bundle = Bundle.open(File("../../web/test/vectors/tiny.fpm"))
    private val pieces = bundle.manifest.pieces.getValue(Format.TFLITE)
    private val first = pieces.first()
    private val log = ArrayList<String>()
    private val made = ArrayList<FakeInterpreter>()

    private val gpu = LiteRtDelegate("gpu", Delegate.GPU) { FakeDelegate(log) }

    @Test
    fun `real pieces are what the manifest says, of every type, by the tensors' own names`() {
        val engine = engine()
        assertEquals(listOf("litert-java", "2.16.1"), listOf(engine.name, engine.version))
        assertEquals(listOf(Format.TFLITE), engine.formats)
        val types = HashSet<Dtype>()
        val shipped = Bundle.open(File("../../../fpm_edge/models/lite-m.fpm"))
        for (one in listOf(bundle, checkNotNull(bundle.reference()), shipped)) {
            for (piece in one.manifest.pieces.getValue(Format.TFLITE)) {
                engine.load(piece, one.read(piece.member), null).use { runner ->
                    assertEquals(Delegate.NONE to 0.0, runner.delegate to runner.delegated)
                }
                (piece.inputs + piece.outputs).mapTo(types, TensorSpec::dtype)
            }
        }
        assertEquals(setOf(Dtype.UINT8, Dtype.INT8, Dtype.FLOAT32), types)
        assertEquals(made.size, log.count { it == "interpreter closed" })
    }

    @Test
    fun `the same buffers are handed over at every run, and their positions stay 0`() {
        val stage2 = pieces.single { it.name == "stage_2" } // of two inputs
        for (piece in listOf(first, stage2)) {
            val tensors = buffers(piece)
            load(piece).use { runner ->
                runner.bind(tensors + ("unknown" to direct(1))).use { bound -> repeat(3) { bound.run() } }
            }
            val fake = made.last()
            assertEquals(3, fake.givenInputs.size)
            for (run in 0 until 3) {
                val (inputs, outputs) = fake.givenInputs[run] to fake.givenOutputs[run]
                inputs.forEachIndexed { i, input -> assertSame<Any?>(tensors[fake.getInputTensor(i).name()], input) }
                outputs.forEach { (i, output) -> assertSame<Any?>(tensors[fake.getOutputTensor(i).name()], output) }
                assertEquals(piece.inputs.size to piece.outputs.size, inputs.size to outputs.size)
                assertSame(fake.givenOutputs[0], outputs)
            }
            assertTrue(tensors.values.all { it.position() == 0 })
        }
    }

    @Test
    fun `each output lies in its own buffer, whatever the model's order`() {
        val tensors = buffers(first)
        val image = tensors.getValue("image")
        for (i in 0 until image.capacity()) image.put(i, (i % 5).toByte())
        val sum = (0 until image.capacity()).sumOf { image.get(it).toInt() }
        load(first).use { runner -> runner.bind(tensors).use { it.run() } }
        val names = List(2) { made.last().getOutputTensor(it).name() }
        assertEquals(setOf("heatmap_1", "features"), names.toSet())
        names.forEachIndexed { index, name ->
            val buffer = tensors.getValue(name)
            assertContentEquals(FakeInterpreter.answer(sum, index, buffer.capacity()), bytesOf(buffer), name)
        }
    }

    @Test
    fun `a run that fails says what LiteRT says, and leaves the buffers as they must be`() {
        val tensors = buffers(first)
        load(first).use { runner ->
            val bound = runner.bind(tensors)
            made.last().failure = IllegalStateException("Internal error: Failed to run")
            assertContains(assertThrows<IllegalStateException> { bound.run() }.message!!, "Failed to run")
            assertTrue(tensors.values.all { it.position() == 0 })
            made.last().failure = null
            bound.run()
        }
    }

    @Test
    fun `the model is handed over from its position on, whatever the buffer's order`() {
        val model = bundle.read(first.member)
        val within = ByteBuffer.allocateDirect(model.capacity() + 100)
        for (i in 0 until model.capacity()) within.put(i + 64, model.get(i))
        within.position(64).limit(64 + model.capacity())
        engine().load(first, within.order(ByteOrder.BIG_ENDIAN), null).close()
        assertEquals(64, within.position())
    }

    @Test
    fun `threads are passed on, or left to LiteRT`() {
        load(first, 3).close()
        load(first, null).close()
        assertEquals(listOf(3, InterpreterApi.Options().numThreads), made.map { it.options.numThreads })
    }

    @Test
    fun `a model that is damaged is a BundleException`() {
        val model = bundle.read(first.member)
        model.put(4, 0)
        val error = assertThrows<BundleException> { engine().load(first, model, null) }
        assertContains(error.message!!, "litert-java cannot load ${first.member}: ByteBuffer is not a valid")
    }

    @Test
    fun `edges that are not the manifest's are a BundleException, and nothing stays open`() {
        val (image) = first.inputs
        val (heatmap, features) = first.outputs
        for ((piece, words) in listOf(
            with(listOf(changed(image, name = "picture"))) to "the model's inputs are image; the manifest says picture",
            with(first.inputs, first.outputs.drop(1)) to "the model's outputs are features, heatmap_1",
            with(listOf(changed(image, dtype = Dtype.FLOAT32))) to "are image uint8 (1, 64, 64, 3)",
            with(listOf(changed(image, shape = listOf(1, 64, 65, 3)))) to "says image uint8 (1, 64, 65, 3)",
            with(listOf(changed(image, scale = 0.5))) to
                "tensor image has scale 0.003921569 and zero point 0; the manifest says 0.5 and 0",
            with(outputs = listOf(changed(heatmap, scale = 0.004), features)) to "the manifest says 0.004 and -128",
            with(outputs = listOf(changed(heatmap, zeroPoint = -127), features)) to "and -127; convert the model again",
        )) {
            val error = assertThrows<BundleException>(words) { load(piece) }
            assertContains(error.message!!, words)
            assertContains(error.message!!, first.member)
        }
        assertEquals(List(7) { "interpreter closed" }, log)
    }

    @Test
    fun `a tensor of a type that LiteRT for Java does not know is a BundleException`() {
        val engine =
            LiteRt(gpu, "2.16.1") { model, options ->
                object : InterpreterApi by FakeInterpreter(model, options, log) {
                    override fun getOutputTensor(index: Int) = throw IllegalArgumentException("DataType error: 10")
                }
            }
        val error = assertThrows<BundleException> { engine.load(first, bundle.read(first.member), null) }
        assertContains(error.message!!, "cannot load ${first.member}: DataType error: 10")
        assertEquals(listOf("interpreter closed", "delegate closed"), log)
    }

    @Test
    fun `an image without scale is not compared, real numbers are`() {
        val (image) = first.inputs
        load(with(listOf(TensorSpec(image.name, image.dtype, image.shape, image.layout, null, null)))).close()
        val (heatmap) = first.outputs
        val real = TensorSpec(heatmap.name, heatmap.dtype, heatmap.shape, heatmap.layout, null, null)
        val error = assertThrows<BundleException> { load(with(outputs = listOf(real) + first.outputs.drop(1))) }
        assertContains(error.message!!, "the manifest says none and none")
    }

    @Test
    fun `a delegate is each piece's own, is closed after its interpreter, and nothing is claimed of it`() {
        val engine = engine(gpu)
        assertEquals("litert-java-gpu", engine.name)
        val runners = pieces.take(2).map { engine.load(it, bundle.read(it.member), 1) }
        val delegates = made.map { it.options.delegates.single() }
        assertFalse(delegates[0] === delegates[1])
        assertEquals(Delegate.GPU to 0.0, runners[0].delegate to runners[0].delegated)
        runners[0].close()
        assertEquals(listOf("interpreter closed", "delegate closed"), log)
        runners[1].close()
        load(first).close()
        val (processors) = made.drop(2)
        assertEquals(0, processors.options.delegates.size)
    }

    @Test
    fun `a delegate that refuses a piece is no fault of the bundle, unless the processor refuses it too`() {
        val onlyProcessor: (ByteBuffer, InterpreterApi.Options) -> InterpreterApi = { model, options ->
            require(options.delegates.isEmpty()) { "Internal error: Failed to apply delegate: no" }
            FakeInterpreter(model, options, log)
        }
        val engine = LiteRt(gpu, "2.16.1", onlyProcessor)
        val error = assertThrows<FpmEdgeException> { engine.load(first, bundle.read(first.member), null) }
        assertFalse(error is BundleException)
        assertContains(error.message!!, "litert-java-gpu cannot run ${first.member}: gpu is not there")
        assertContains(error.message!!, "Failed to apply delegate")
        assertEquals(listOf("delegate closed", "interpreter closed"), log)
        assertThrows<BundleException> { engine.load(first, direct(1000), null) }
        val absent = LiteRtDelegate("gpu", Delegate.GPU) { throw UnsupportedOperationException("no such GPU") }
        val unmade = assertThrows<FpmEdgeException> { engine(absent).load(first, bundle.read(first.member), null) }
        assertContains(unmade.message!!, "gpu is not there, or does not take all of its operations (no such GPU)")
    }

    @Test
    fun `what is not there is a MissingExtraException that says what brings it`() {
        // The interfaces are here, what is behind them is not: an app with litert-api alone.
        val behind = assertThrows<MissingExtraException> { LiteRt() }
        assertContains(behind.message!!, "add com.google.ai.edge.litert:litert in an app for Android")
        assertTrue(behind.cause is IllegalStateException)
        val model = bundle.read(first.member)
        val native = LiteRt(null, "2.16.1") { _, _ -> throw UnsatisfiedLinkError("no") }
        val unlinked = assertThrows<MissingExtraException> { native.load(first, model, null) }
        assertContains(unlinked.message!!, "LiteRT does not start: no; add com.google.ai.edge.litert:litert")
        val absent = LiteRtDelegate("gpu", Delegate.GPU) { throw NoClassDefFoundError("GpuDelegate") }
        val library = assertThrows<MissingExtraException> { engine(absent).load(first, model, null) }
        assertContains(
            library.message!!,
            "gpu does not start: GpuDelegate; add the library of this delegate to the app",
        )
    }

    @Test
    fun `without LiteRT's classes the engine says so`() {
        val engine = WithoutLiteRt().loadClass("fpm.edge.litert.LiteRt").getDeclaredConstructor()
        val error = assertThrows<InvocationTargetException> { engine.newInstance() }.targetException
        assertTrue(error is MissingExtraException, "$error")
        assertTrue(error.cause is NoClassDefFoundError)
    }

    @Test
    fun `a session runs on it`() {
        bundle.session(engine(), threads = 2).use { session ->
            assertEquals("litert-java", session.engine)
            val found = session.detect(RgbPicture(ByteArray(64 * 64 * 3) { it.toByte() }, 64, 64))
            assertEquals(3, found.stagesRun)
            assertTrue(found.landmarks.all(Float::isFinite))
        }
        assertEquals(List(pieces.size) { "interpreter closed" }, log)
    }

    private fun engine(delegate: LiteRtDelegate? = null) =
        LiteRt(delegate, "2.16.1") { model, options -> FakeInterpreter(model, options, log).also(made::add) }

    private fun load(
        piece: Piece,
        threads: Int? = 1,
    ) = engine().load(piece, bundle.read(piece.member), threads)

    private fun with(
        inputs: List<TensorSpec> = first.inputs,
        outputs: List<TensorSpec> = first.outputs,
    ) = Piece(first.name, first.member, inputs, outputs)

    private fun changed(
        spec: TensorSpec,
        name: String = spec.name,
        dtype: Dtype = spec.dtype,
        shape: List<Int> = spec.shape,
        scale: Double? = spec.scale,
        zeroPoint: Int? = spec.zeroPoint,
    ) = TensorSpec(name, dtype, shape, spec.layout, scale, zeroPoint)

    private fun buffers(piece: Piece): Map<String, ByteBuffer> =
        (piece.inputs + piece.outputs).associate { it.name to direct(it.size * it.dtype.bytes) }

    private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

    private fun bytesOf(buffer: ByteBuffer): ByteArray = ByteArray(buffer.capacity()) { buffer.get(it) }
}
