package fpm.edge.conformance

import com.google.gson.JsonElement
import fpm.edge.UsageException
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.HeatmapDecoder
import fpm.edge.pixels.Layout
import fpm.edge.pixels.LetterboxResizer
import fpm.edge.pixels.fitLetterbox
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/* Requests that need no session: letterboxing, decoding. */

internal fun letterboxed(request: Request): Map<String, Any?> {
    val picture = pictureOf(request)
    val (width, height) = request.list("input")!!.map(::int)
    val fit = fitLetterbox(picture.width, picture.height, width, height, boxOf(request))
    val input = ByteArray(width * height * 3)
    LetterboxResizer().resize(picture, fit, width, height, input)
    request.text("out")?.let { File(it).writeBytes(input) }
    val answer = mapOf("fit" to plainFit(fit), "sha256" to sha256(ByteBuffer.wrap(input)))
    val points = request.list("points")?.flatMap { pair -> pair.asJsonArray.map { it.asDouble.toFloat() } } ?: return answer
    val numbers = points.toFloatArray()
    return answer + mapOf("to_picture" to pairs(fit.toPicture(numbers)), "to_input" to pairs(fit.toInput(numbers)))
}

internal fun decoded(request: Request): Map<String, Any?> {
    val path = request.text("maps")!!
    val dtype = Dtype.entries.first { it.label == request.text("dtype") }
    val layout =
        Layout.entries.find { it.name == request.text("layout") }
            ?: throw UsageException("heatmap layout ${request.text("layout")} is unknown; expected NHWC or NCHW")
    val shape = request.list("shape")!!.map(JsonElement::getAsInt)
    val count = request.int("count") ?: 1
    val bytes = reading(path)
    val size = shape.fold(1L) { product, side -> product * side } * dtype.bytes
    if (minOf(count, shape.min()) < 0 || bytes.size.toLong() != count * size) {
        throw UsageException("$path has ${bytes.size} bytes, which is not $count × $shape of ${dtype.label}")
    }
    val landmarks = request.int("landmarks")!!
    val (height, width) = if (layout == Layout.NHWC) shape[0] to shape[1] else shape[1] to shape[2]
    val decoder =
        HeatmapDecoder(dtype, layout, height, width, landmarks, request.number("scale"), request.int("zero_point"))
    val all = direct(bytes)
    val readings =
        List(count) { i ->
            all.position((i * size).toInt())
            all.limit(((i + 1) * size).toInt())
            plainReading(decoder.read(all.slice().order(ByteOrder.nativeOrder()))).also { all.clear() }
        }
    return mapOf("readings" to readings)
}
