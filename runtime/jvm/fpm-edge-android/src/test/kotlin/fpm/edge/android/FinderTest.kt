package fpm.edge.android

import android.content.res.AssetFileDescriptor
import android.graphics.ImageFormat
import android.os.ParcelFileDescriptor
import fpm.edge.example.Finder
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Plane
import fpm.edge.stages.Detection
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The code of examples/android from a camera's planes to landmarks, in a real engine. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
internal class FinderTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `planes of a camera held upright give landmarks in a real engine, and are given back once`() {
        val file = File("../../web/test/vectors/tiny.fpm")
        val descriptor = ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY)
        val bundle = openBundle(AssetFileDescriptor(descriptor, 0, file.length()), "tiny.fpm")
        val golden = bundle.golden()!!.cases[0]
        val rgb = bundle.goldenInput(golden)
        val said = AtomicReference<Triple<Detection, Int, Int>>()
        val problem = AtomicReference<Throwable>()
        val released = AtomicInteger()
        val answered = CountDownLatch(1)
        val found = { detection: Detection, width: Int, height: Int ->
            said.set(Triple(detection, width, height))
            answered.countDown()
        }
        val failed = { error: Throwable ->
            problem.set(error)
            answered.countDown()
        }
        Finder(bundle, bundle.reference()!!, OnnxRuntime(), folder.root, found, failed).use { finder ->
            finder.deadlineMs = null
            // The sensor lies on its side, as in most phones: a quarter turn to the right makes the picture upright.
            val picture = pictureOf(ImageFormat.YUV_420_888, 128, 128, lying(rgb), 90)
            finder.offer(picture) { released.incrementAndGet() }
            assertTrue(answered.await(30, TimeUnit.SECONDS))
            assertEquals("ok", finder.certificate().golden?.label)
        }
        assertNull(problem.get())
        val (detection, width, height) = said.get()
        assertEquals(128 to 128, width to height)
        assertEquals(3, detection.stagesRun)
        assertEquals(1, released.get())
        // The picture is twice as large as the input; colours of two pixels are one. Most landmarks are where they were.
        val members = bundle.manifest.landmarks.categories.getValue(golden.category)
        val near =
            members.count { i ->
                val expected = golden.landmarks.last()
                (0..1).all { kotlin.math.abs((detection.landmarks[2 * i + it] + 0.5) / 2 - 0.5 - expected[2 * i + it]) < 2.5 }
            }
        assertTrue(near >= members.size * 3 / 4, "$near of ${members.size}")
        assertTrue(File(folder.root, "drift.jsonl").length() > 0)
    }

    /** The planes of a sensor that sees a picture of 64 × 64, twice as large, turned a quarter to the left. */
    private fun lying(rgb: ByteArray): List<Plane> {
        val y = ByteArray(128 * 128)
        val u = ByteArray(64 * 64)
        val v = ByteArray(64 * 64)
        for (row in 0 until 128) {
            for (column in 0 until 128) {
                // The upright pixel at (x, y) is the sensor's at (y, 127 − x).
                val from = 3 * (column / 2 * 64 + (127 - row) / 2)
                val (r, g, b) = List(3) { rgb[from + it].toInt() and 255 }
                y[row * 128 + column] = (0.299 * r + 0.587 * g + 0.114 * b).toInt().toByte()
                val block = row / 2 * 64 + column / 2
                u[block] = (128 - 0.168736 * r - 0.331264 * g + 0.5 * b).toInt().coerceIn(0, 255).toByte()
                v[block] = (128 + 0.5 * r - 0.418688 * g - 0.081312 * b).toInt().coerceIn(0, 255).toByte()
            }
        }
        return listOf(Plane(ByteBuffer.wrap(y), 128, 1), Plane(ByteBuffer.wrap(u), 64, 1), Plane(ByteBuffer.wrap(v), 64, 1))
    }
}
