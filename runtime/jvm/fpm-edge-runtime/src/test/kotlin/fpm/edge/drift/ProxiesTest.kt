package fpm.edge.drift

import fpm.edge.bundle.LandmarkSchema
import fpm.edge.pixels.Picture
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Answer
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Detection
import fpm.edge.stages.Detector
import fpm.edge.stages.StopReason
import fpm.edge.stages.Timings
import fpm.edge.stages.Trace
import fpm.edge.support.pixels
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

internal class ProxiesTest {
    /** Finds the reddest, the greenest and the bluest pixel, [lean] pixels to the right of where they are. */
    private class Colours : Detector {
        var lean = 0
        var labelled = booleanArrayOf(true, true, true)
        val asked = mutableListOf<DetectOptions>()

        override fun detect(
            picture: Picture,
            options: DetectOptions,
        ): Detection {
            asked += options
            val data = pixels(picture)
            val found =
                FloatArray(6) {
                    val values = List(data.size / 3) { at -> data[3 * at + it / 2].toInt() and 255 }
                    val at = values.indexOf(values.max())
                    (if (it % 2 == 0) at % picture.width + lean else at / picture.width).toFloat()
                }
            val answer =
                object : Answer by Moved(0f, labelled, null) {
                    override val landmarks = found
                }
            return Detection(1, StopReason.ALL_STAGES, Timings(0.0, emptyMap(), 0.0, 0.0), "colours", 1, answer)
        }
    }

    /** Red left, green right and blue below. */
    private val picture: Picture =
        ByteArray(20 * 10 * 3).let {
            for ((channel, x, y) in listOf(Triple(0, 4, 3), Triple(1, 15, 3), Triple(2, 9, 8))) {
                it[(y * 20 + x) * 3 + channel] = -1
            }
            RgbPicture(it, 20, 10)
        }

    // In the mirror image red is where green was, as `flip` has it only if colours swapped too: so they are told apart.
    private val apart = schemaOf(listOf("a", "b", "c"), listOf(0, 1, 2))

    private fun flip(
        detector: Detector,
        schema: LandmarkSchema,
        category: String? = null,
    ): Double? = flipConsistency(detector, schema, picture, category)

    @Test
    fun `what finds the same in the mirror image is consistent, what leans to a side is not`() {
        val colours = Colours()
        assertEquals(0.0, flip(colours, apart))
        colours.lean = 1
        assertEquals(2.0 / 20, assertNotNull(flip(colours, apart, "all")), 1e-7)
        assertEquals(listOf(null, null, "all", "all"), colours.asked.map { it.category })
        colours.labelled = booleanArrayOf(false, false, false)
        assertNull(flip(colours, apart, "all"))
    }

    @Test
    fun `landmarks that are sides of one another change places`() {
        assertTrue(assertNotNull(flip(Colours(), schemaOf(listOf("a", "b", "c")))) > 0.3)
    }

    @Test
    fun `where sides are unpaired nothing says what the mirror image is`() {
        assertNull(flip(Colours(), schemaOf(listOf("cuff_left", "cuff_right", "hem"), listOf(0, 1, 2))))
        val same = listOf(0, 1, 2)
        assertEquals(listOf("LCuff" to "RCuff"), unpairedSides(listOf("LCuff", "RCuff", "hem"), same))
        assertEquals(emptyList(), unpairedSides(listOf("LCuff", "RCuff", "hem"), listOf(1, 0, 2)))
        assertEquals(listOf("leftTop" to "rightTop"), unpairedSides(listOf("leftTop", "rightTop", "left2"), same))
    }

    @Test
    fun `a part of a mirrored row is the mirror image of the other part`() {
        val parts = mutableListOf<Pair<Int, List<Byte>>>()
        val ramp = RgbPicture(ByteArray(5 * 3) { it.toByte() }, 5, 1)
        val reader =
            object : Detector {
                override fun detect(
                    picture: Picture,
                    options: DetectOptions,
                ): Detection {
                    val row = ByteArray(6)
                    picture.readRow(0, 1, 3, row)
                    parts += picture.width to row.toList()
                    return Colours().detect(picture, options)
                }
            }
        flipConsistency(reader, apart, ramp)
        val bytes = { values: List<Int> -> values.map { it.toByte() } }
        assertEquals(listOf(5 to bytes((3..8).toList()), 5 to bytes(listOf(9, 10, 11, 6, 7, 8))), parts)
    }

    @Test
    fun `movement is between the last two stages, over the landmarks that count`() {
        val session = FakeSession()
        val trace = session.trace(PICTURE, DetectOptions())
        val moved = trace.landmarks[1].copyOf()
        moved[0] += 6.4f
        moved[5] += 64f
        val three = listOf(FloatArray(6), trace.landmarks[0], moved)
        val traced = { landmarks: List<FloatArray> ->
            Trace(session.detect(PICTURE), landmarks, trace.input, trace.fit)
        }
        assertEquals((0.1 + 0 + 1) / 3, assertNotNull(stageMovement(traced(three))), 1e-6)
        session.labelled = booleanArrayOf(true, true, false)
        assertEquals(0.05, assertNotNull(stageMovement(traced(three))), 1e-6)
        assertNull(stageMovement(traced(listOf(moved))))
        session.labelled = booleanArrayOf(false, false, false)
        assertNull(stageMovement(traced(three)))
    }
}
