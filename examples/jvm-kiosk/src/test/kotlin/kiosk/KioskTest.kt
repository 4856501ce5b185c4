package kiosk

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import fpm.edge.stages.Bundle
import org.jcodec.api.SequenceEncoder
import org.jcodec.common.model.ColorSpace
import org.jcodec.common.model.Picture
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.awt.image.BufferedImage
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import javax.imageio.ImageIO
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue

internal class KioskTest {
    @TempDir
    lateinit var folder: File

    private val tiny = File("../../runtime/web/test/vectors/tiny.fpm")
    private val bundle = Bundle.open(tiny)
    private val pictures = bundle.golden()!!.cases.map { bundle.goldenInput(it) }

    private class Said(
        val code: Int,
        val lines: List<JsonObject>,
        val err: String,
    )

    @Test
    fun `a folder of pictures gives the golden landmarks, and a drift log`() {
        store()
        val log = File(folder, "drift.jsonl")
        val said = kiosk(tiny.path, folder.path, "--category", "blouse", "--log", log.path)
        assertEquals(0, said.code, said.err)
        assertEquals(listOf("0.png", "1.png"), said.lines.map { it["image"].asString })
        val golden = bundle.golden()!!.cases[0]
        val names = bundle.manifest.landmarks.landmarks
        val found = said.lines[0]["landmarks"].asJsonObject
        assertTrue(found.size() >= 5)
        for ((name, place) in found.entrySet()) {
            val expected = golden.landmarks.last()[2 * names.indexOf(name)]
            assertEquals(expected, place.asJsonArray[0].asDouble, 3.0, name)
        }
        assertContains(said.err, "drift: ok after 2 comparisons")
        assertTrue(log.readText().contains("\"verdict\":\"ok\""))
    }

    @Test
    fun `a deadline that is over leaves the first stage`() {
        store()
        val said = kiosk(tiny.path, folder.path, "--deadline-ms", "0")
        assertEquals(listOf(1, 1), said.lines.map { it["stages"].asInt })
        assertEquals(setOf("deadline"), said.lines.map { it["stopped"].asString }.toSet())
    }

    @Test
    fun `the frames of a video are found as pictures are`() {
        val video = File(folder, "frames.mp4")
        val encoder = SequenceEncoder.createSequenceEncoder(video, 25)
        repeat(3) { encoder.encodeNativeFrame(enlarged(pictures[0])) }
        encoder.finish()
        val said = kiosk(tiny.path, video.path, "--category", "any")
        assertEquals(0, said.code, said.err)
        assertEquals(listOf("frame 0", "frame 1", "frame 2"), said.lines.map { it["image"].asString })
        store()
        val still = kiosk(tiny.path, folder.path, "--category", "any").lines[0]["landmarks"].asJsonObject
        // Compressed, and four times as large.
        val near =
            said.lines[0]["landmarks"].asJsonObject.entrySet().count { (name, place) ->
                val expected = still[name]?.asJsonArray ?: return@count false
                val distance = (0..1).maxOf { kotlin.math.abs(place.asJsonArray[it].asDouble / 4 - expected[it].asDouble) }
                distance < 2
            }
        assertTrue(near >= still.size() * 3 / 4, "$near of ${still.size()}")
    }

    @Test
    fun `a picture that cannot be read is said, and the others are found`() {
        store()
        File(folder, "00.png").writeText("no picture")
        val said = kiosk(tiny.path, folder.path)
        assertEquals(1, said.code)
        assertEquals(2, said.lines.size)
        assertContains(said.err, "00.png")
    }

    @Test
    fun `what cannot be meant is one line and the exit code of fpm-edge`() {
        for ((code, words) in listOf(
            2 to listOf(tiny.path),
            2 to listOf(tiny.path, folder.path),
            2 to listOf(tiny.path, folder.path, "--deadline-ms", "soon"),
            2 to listOf(tiny.path, folder.path, "--what"),
            4 to listOf("pom.xml", folder.path),
        )) {
            val said = kiosk(*words.toTypedArray())
            assertEquals(code, said.code, "$words: ${said.err}")
            assertTrue(said.err.startsWith("kiosk: "))
        }
    }

    private fun kiosk(vararg words: String): Said {
        val out = ByteArrayOutputStream()
        val err = ByteArrayOutputStream()
        val code = run(words.toList(), PrintStream(out, true, "UTF-8"), PrintStream(err, true, "UTF-8"))
        val lines = out.toString("UTF-8").lines().filter(String::isNotEmpty)
        return Said(code, lines.map { JsonParser.parseString(it).asJsonObject }, err.toString("UTF-8"))
    }

    private fun store() {
        pictures.forEachIndexed { i, rgb ->
            val image = BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB)
            for (p in 0 until 64 * 64) {
                val (r, g, b) = List(3) { rgb[3 * p + it].toInt() and 255 }
                image.setRGB(p % 64, p / 64, (r shl 16) or (g shl 8) or b)
            }
            ImageIO.write(image, "png", File(folder, "$i.png"))
        }
    }

    /** As a frame of 256 × 256 for the encoder, whose numbers are 128 too low. */
    private fun enlarged(rgb: ByteArray): Picture {
        val frame = Picture.create(256, 256, ColorSpace.RGB)
        for (i in 0 until 256 * 256) {
            val from = 3 * (i / 256 / 4 * 64 + i % 256 / 4)
            for (c in 0 until 3) frame.getPlaneData(0)[3 * i + c] = ((rgb[from + c].toInt() and 255) - 128).toByte()
        }
        return frame
    }
}
