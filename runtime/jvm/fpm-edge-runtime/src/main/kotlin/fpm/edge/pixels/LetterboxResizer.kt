package fpm.edge.pixels

import fpm.edge.UsageException

/**
 * From pixels to the network's input: what the Python runtime makes of them with Pillow, byte for byte.
 *
 * Bilinear, with the kernel widened when shrinking (no aliasing): equal to `Image.resize(size, BILINEAR, box)` of Pillow
 * 13, which takes the columns first where the height shrinks by more than twice what the width does; earlier versions
 * take the rows first always.
 *
 * It keeps its room and the weights of the last geometries from call to call. One thread at a time.
 */
public class LetterboxResizer {
    private val axes = ArrayDeque<Axis>()
    private var row = ByteArray(0)
    private var narrow = ByteArray(0)
    private var sums = IntArray(0)

    /**
     * Resize a region of a picture into the network's input, black around it. Each row of the picture is read at most
     * once, and of it only what is needed.
     *
     * @param fit where the region lies in the picture and in the input.
     * @param out inputHeight × inputWidth × 3 bytes, RGB: the answer.
     * @throws UsageException [out] is of another size, or [fit] is not for this picture or input.
     */
    public fun resize(
        picture: Picture,
        fit: Letterbox,
        inputWidth: Int,
        inputHeight: Int,
        out: ByteArray,
    ) {
        check(picture, fit, inputWidth, inputHeight, out)
        val box = fit.box
        if (fit.width < inputWidth || fit.height < inputHeight) {
            out.fill(0)
        } else if (
            picture.width == inputWidth && picture.height == inputHeight &&
            box.x0 == 0.0 && box.y0 == 0.0 && box.x1 == inputWidth.toDouble() && box.y1 == inputHeight.toDouble()
        ) {
            row = atLeast(row, 3 * inputWidth)
            for (y in 0 until inputHeight) {
                picture.readRow(y, 0, inputWidth, row)
                row.copyInto(out, 3 * y * inputWidth, 0, 3 * inputWidth)
            }
            return
        }
        val across = axisFor(picture.width, box.x0, box.x1, fit.width)
        val down = axisFor(picture.height, box.y0, box.y1, fit.height)
        row = atLeast(row, 3 * (across.end - across.begin))
        val at = 3 * (fit.top * inputWidth + fit.left)
        if (picture.height > fit.height && picture.height - fit.height > 2 * (picture.width - fit.width)) {
            columnsFirst(picture, across, down, out, at, 3 * inputWidth)
        } else {
            rowsFirst(picture, across, down, out, at, 3 * inputWidth)
        }
    }

    /** Each row is made narrow, and then has its part in the results above and below it. */
    private fun rowsFirst(
        picture: Picture,
        across: Axis,
        down: Axis,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val line = 3 * across.count
        narrow = atLeast(narrow, line)
        prepare(line, down.count)
        for (y in down.begin until down.end) {
            picture.readRow(y, across.begin, across.end, row)
            resizeRow(row, across, narrow, 0)
            for (result in down.firstResult[y - down.begin]..down.lastResult[y - down.begin]) {
                add(narrow, down.weight(y, result), result * line, line)
            }
        }
        for (result in 0 until down.count) finish(result * line, line, out, at + result * stride)
    }

    /** Each row has its part in the results above and below it; a result that is complete is made narrow. */
    private fun columnsFirst(
        picture: Picture,
        across: Axis,
        down: Axis,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val line = 3 * (across.end - across.begin)
        narrow = atLeast(narrow, line)
        val open = down.overlap
        prepare(line, open)
        var done = 0
        for (y in down.begin until down.end) {
            val first = down.firstResult[y - down.begin]
            // No later row has a part in what stands before the first of this one.
            while (done < first) complete(done++, open, line, across, out, at, stride)
            picture.readRow(y, across.begin, across.end, row)
            for (result in first..down.lastResult[y - down.begin]) {
                add(row, down.weight(y, result), result % open * line, line)
            }
        }
        while (done < down.count) complete(done++, open, line, across, out, at, stride)
    }

    private fun complete(
        result: Int,
        open: Int,
        line: Int,
        across: Axis,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val from = result % open * line
        finish(from, line, narrow, 0)
        sums.fill(Axis.HALF, from, from + line)
        resizeRow(narrow, across, out, at + result * stride)
    }

    private fun prepare(
        line: Int,
        lines: Int,
    ) {
        if (sums.size < line * lines) sums = IntArray(line * lines)
        sums.fill(Axis.HALF, 0, line * lines)
    }

    private fun add(
        values: ByteArray,
        weight: Int,
        to: Int,
        count: Int,
    ) {
        val sums = sums
        for (i in 0 until count) sums[to + i] += (values[i].toInt() and 255) * weight
    }

    private fun finish(
        from: Int,
        count: Int,
        out: ByteArray,
        at: Int,
    ) {
        val sums = sums
        // Of many thousand weights, what rounding adds may exceed white.
        for (i in 0 until count) out[at + i] = minOf(sums[from + i] shr Axis.BITS, 255).toByte()
    }

    /** The weights of a direction; of a geometry met lately, those made then. */
    private fun axisFor(
        size: Int,
        low: Double,
        high: Double,
        count: Int,
    ): Axis {
        for (known in axes) {
            if (known.size == size && known.low == low && known.high == high && known.count == count) return known
        }
        if (axes.size == KEPT) axes.removeLast()
        return Axis(size, low, high, count).also(axes::addFirst)
    }

    private companion object {
        // Directions of the last geometries: two sizes of picture, and two looks at each.
        const val KEPT = 8

        fun atLeast(
            room: ByteArray,
            size: Int,
        ): ByteArray = if (room.size < size) ByteArray(size) else room

        fun check(
            picture: Picture,
            fit: Letterbox,
            inputWidth: Int,
            inputHeight: Int,
            out: ByteArray,
        ) {
            val bytes = 3L * inputWidth * inputHeight
            if (out.size.toLong() != bytes) {
                throw UsageException("the array for the input has ${out.size} bytes; expected $bytes")
            }
            val (x0, y0, x1, y1) = fit.box
            val inside = x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= picture.width && y1 <= picture.height
            if (!inside || fit.left + fit.width > inputWidth || fit.top + fit.height > inputHeight) {
                throw UsageException(
                    "the letterbox is not of a ${picture.width} × ${picture.height} picture in a $inputWidth × " +
                        "$inputHeight input; use fitLetterbox",
                )
            }
        }
    }
}
