package fpm.edge.support

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import fpm.edge.pixels.RgbPicture
import fpm.edge.stages.Bundle
import fpm.edge.stages.Clock
import java.io.File

/** tiny.fpm, and the pictures and the clock of make_detections.py, made again. */
internal object Tiny {
    private val folder = File("../../web/test/vectors")

    /** Three stages of int8 in both formats, two golden cases, recognition; its reference is float32 in both formats. */
    val bundle: Bundle = Bundle.open(File(folder, "tiny.fpm"))
    val goldenInputs: List<ByteArray> = checkNotNull(bundle.golden()).cases.map(bundle::goldenInput)

    fun vectors(name: String): JsonObject =
        File(folder, "$name.json").reader().use { JsonParser.parseReader(it).asJsonObject }

    /** The scenes of detections.json: a golden input, enlarged without any filter, before a pattern. */
    fun scenes(vectors: JsonObject): List<RgbPicture> = vectors["scenes"].asJsonArray.map { scene(it.asJsonArray.map(JsonElement::getAsInt)) }

    private fun scene(size: List<Int>): RgbPicture {
        val (width, height, golden, left, top) = size
        val side = size[5]
        val data = ByteArray(width * height * 3)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val inside = x >= left && x < left + side && y >= top && y < top + side
                val from = 3 * (64 * ((y - top) * 64 / side) + (x - left) * 64 / side)
                val pattern = intArrayOf((3 * x + y) % 64, (x + 2 * y) % 64, x * y % 32)
                for (c in 0 until 3) {
                    data[3 * (y * width + x) + c] = if (inside) goldenInputs[golden][from + c] else pattern[c].toByte()
                }
            }
        }
        return RgbPicture(data, width, height)
    }

    /** A clock that goes on by 1/8 to 1 ms whenever it is read. */
    fun ticking(): Clock {
        var state = 1
        var eighths = 0
        return Clock {
            state = state * 1103515245 + 12345 and 0x7fffffff
            eighths += (state shr 16) % 8 + 1
            eighths / 8.0
        }
    }
}
