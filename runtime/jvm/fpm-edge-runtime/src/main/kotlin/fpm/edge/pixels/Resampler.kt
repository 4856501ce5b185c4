package fpm.edge.pixels

/**
 * Resizes rows of bytes that come one after the other: each has its part in the results above and below it at once, so
 * that nothing of the picture is kept.
 *
 * It keeps its room from call to call. One thread at a time.
 *
 * @param channels of a pixel: 3, or 1 for a plane.
 */
internal class Resampler(
    private val channels: Int,
) {
    private var row = ByteArray(0)
    private var narrow = ByteArray(0)
    private var sums = IntArray(0)

    /** The rows of a picture or a plane. */
    fun interface Rows {
        /** As [Picture.readRow], with so many bytes a pixel as there are channels. */
        fun readRow(
            y: Int,
            left: Int,
            right: Int,
            bytes: ByteArray,
        )
    }

    /**
     * Resize. Each row is read at most once, and of it only what is needed.
     *
     * @param columnsFirst whether rows are added up before they are made narrow; that matters for what is rounded.
     * @param out the results, row by row, the first at [at] and each [stride] bytes behind the one before.
     */
    fun resize(
        rows: Rows,
        across: Axis,
        down: Axis,
        columnsFirst: Boolean,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        row = atLeast(row, channels * (across.end - across.begin))
        if (columnsFirst) {
            columnsFirst(rows, across, down, out, at, stride)
        } else {
            rowsFirst(rows, across, down, out, at, stride)
        }
    }

    /** Each row is made narrow, and then has its part in the results. */
    private fun rowsFirst(
        rows: Rows,
        across: Axis,
        down: Axis,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val line = channels * across.count
        narrow = atLeast(narrow, line)
        val open = prepare(line, down)
        var done = 0
        for (y in down.begin until down.end) {
            val first = down.firstResult[y - down.begin]
            // No later row has a part in what stands before the first of this one.
            while (done < first) finish(done % open * line, line, out, at + done++ * stride)
            rows.readRow(y, across.begin, across.end, row)
            narrowed(row, across, narrow, 0)
            for (result in first..down.lastResult[y - down.begin]) {
                add(narrow, down.weight(y, result), result % open * line, line)
            }
        }
        while (done < down.count) finish(done % open * line, line, out, at + done++ * stride)
    }

    /** Each row has its part in the results; one that is complete is made narrow. */
    private fun columnsFirst(
        rows: Rows,
        across: Axis,
        down: Axis,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val line = channels * (across.end - across.begin)
        narrow = atLeast(narrow, line)
        val open = prepare(line, down)
        var done = 0
        for (y in down.begin until down.end) {
            val first = down.firstResult[y - down.begin]
            while (done < first) {
                finish(done % open * line, line, narrow, 0)
                narrowed(narrow, across, out, at + done++ * stride)
            }
            rows.readRow(y, across.begin, across.end, row)
            for (result in first..down.lastResult[y - down.begin]) {
                add(row, down.weight(y, result), result % open * line, line)
            }
        }
        while (done < down.count) {
            finish(done % open * line, line, narrow, 0)
            narrowed(narrow, across, out, at + done++ * stride)
        }
    }

    private fun narrowed(
        from: ByteArray,
        axis: Axis,
        out: ByteArray,
        at: Int,
    ) {
        if (channels == 1) resizeLine(from, axis, out, at) else resizeRow(from, axis, out, at)
    }

    /** Room for the results that a row has a part in: how many. */
    private fun prepare(
        line: Int,
        down: Axis,
    ): Int {
        val open = down.overlap
        if (sums.size < line * open) sums = IntArray(line * open)
        sums.fill(Axis.HALF, 0, line * open)
        return open
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

    /** Round a result; its room is empty then. */
    private fun finish(
        from: Int,
        count: Int,
        out: ByteArray,
        at: Int,
    ) {
        val sums = sums
        // Of many thousand weights, what rounding adds may exceed white.
        for (i in 0 until count) out[at + i] = minOf(sums[from + i] shr Axis.BITS, 255).toByte()
        sums.fill(Axis.HALF, from, from + count)
    }

    private companion object {
        fun atLeast(
            room: ByteArray,
            size: Int,
        ): ByteArray = if (room.size < size) ByteArray(size) else room
    }
}
