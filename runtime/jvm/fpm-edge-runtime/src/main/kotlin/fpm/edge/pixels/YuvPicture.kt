package fpm.edge.pixels

/**
 * Room for the planes of one picture at a time. Keep one for each thread that detects, and give it to each of its
 * [YuvPicture]s and [RgbaPlanePicture]s: nothing is allocated from frame to frame then.
 */
public class PlaneScratch {
    internal var owner: Any? = null
    internal val planes = Array(3) { ByteArray(0) }

    internal fun room(
        plane: Int,
        size: Int,
    ): ByteArray {
        if (planes[plane].size < size) planes[plane] = ByteArray(size)
        return planes[plane]
    }
}

/**
 * A camera's picture in YUV 4:2:0 (`YUV_420_888`): its planes with any strides, turned upright and made RGB while the
 * network's input is made of it, a row at a time. A pixel takes the colour of its block of 2 × 2.
 *
 * Read it before the camera takes the planes back (`ImageProxy.close`).
 *
 * @param y sensorHeight × sensorWidth numbers.
 * @param u half as many each way, rounded up; [v] likewise.
 * @param sensorWidth pixels, before it is turned; likewise [sensorHeight].
 * @param rotation how far it must be turned to be upright.
 * @throws fpm.edge.DataException a plane has too few bytes, or impossible strides.
 */
public class YuvPicture
    @JvmOverloads
    constructor(
        private val y: Plane,
        private val u: Plane,
        private val v: Plane,
        private val sensorWidth: Int,
        private val sensorHeight: Int,
        private val rotation: Rotation = Rotation.NONE,
        private val range: YuvRange = YuvRange.FULL,
        private val scratch: PlaneScratch = PlaneScratch(),
    ) : Picture {
        private val chromaWidth = (sensorWidth + 1) / 2
        private val chromaHeight = (sensorHeight + 1) / 2

        init {
            checkSize(sensorWidth, sensorHeight)
            y.check("Y", sensorWidth, sensorHeight)
            u.check("U", chromaWidth, chromaHeight)
            v.check("V", chromaWidth, chromaHeight)
        }

        override val width: Int = if (rotation.isSideways) sensorHeight else sensorWidth
        override val height: Int = if (rotation.isSideways) sensorWidth else sensorHeight

        override fun readRow(
            y: Int,
            left: Int,
            right: Int,
            rgb: ByteArray,
        ) {
            when (rotation) {
                Rotation.NONE -> readLine(y, left, 1, right - left, rgb)
                Rotation.HALF -> readLine(sensorHeight - 1 - y, sensorWidth - 1 - left, -1, right - left, rgb)
                Rotation.RIGHT -> readColumn(y, sensorHeight - 1 - left, -1, right - left, rgb)
                Rotation.LEFT -> readColumn(sensorWidth - 1 - y, left, 1, right - left, rgb)
            }
        }

        /** Pixels of a row of the sensor, from column [x] on, to the right or to the left. */
        private fun readLine(
            row: Int,
            x: Int,
            step: Int,
            count: Int,
            rgb: ByteArray,
        ) {
            scratch.owner = null
            copyRow(0, y, row, sensorWidth)
            copyRow(1, u, row / 2, chromaWidth)
            copyRow(2, v, row / 2, chromaWidth)
            convert(0, y.pixelStride, 0, u.pixelStride, 0, v.pixelStride, x, step, count, rgb)
        }

        /** Pixels of a column of the sensor, from row [from] on, down or up. */
        private fun readColumn(
            column: Int,
            from: Int,
            step: Int,
            count: Int,
            rgb: ByteArray,
        ) {
            // Columns are far apart in memory: all of the planes go into arrays, once a picture.
            if (scratch.owner !== this) {
                copyAll(0, y, sensorWidth, sensorHeight)
                copyAll(1, u, chromaWidth, chromaHeight)
                copyAll(2, v, chromaWidth, chromaHeight)
                scratch.owner = this
            }
            val half = column / 2
            convert(
                column * y.pixelStride,
                y.rowStride,
                half * u.pixelStride,
                u.rowStride,
                half * v.pixelStride,
                v.rowStride,
                from,
                step,
                count,
                rgb,
            )
        }

        /** Of places [at], [at] + [step], … along a line of the sensor; bases and strides are those of the line. */
        private fun convert(
            yBase: Int,
            yStride: Int,
            uBase: Int,
            uStride: Int,
            vBase: Int,
            vStride: Int,
            at: Int,
            step: Int,
            count: Int,
            rgb: ByteArray,
        ) {
            val ys = scratch.planes[0]
            val us = scratch.planes[1]
            val vs = scratch.planes[2]
            val table = CLAMPED
            val base = (LEAST shl 16) + HALF - range.black * range.y
            val ofY = range.y
            val redOfV = range.redOfV
            val greenOfU = range.greenOfU
            val greenOfV = range.greenOfV
            val blueOfU = range.blueOfU
            val end = 3 * count
            var to = 0
            var place = at
            var yAt = yBase + at * yStride
            val yStep = step * yStride
            while (to < end) {
                // A block's colour serves both of its pixels in this line.
                val half = place shr 1
                val blue = (us[uBase + half * uStride].toInt() and 255) - 128
                val red = (vs[vBase + half * vStride].toInt() and 255) - 128
                val addRed = redOfV * red + base
                val addGreen = base - greenOfU * blue - greenOfV * red
                val addBlue = blueOfU * blue + base
                do {
                    val luma = (ys[yAt].toInt() and 255) * ofY
                    rgb[to] = table[luma + addRed shr 16]
                    rgb[to + 1] = table[luma + addGreen shr 16]
                    rgb[to + 2] = table[luma + addBlue shr 16]
                    to += 3
                    yAt += yStep
                    place += step
                } while (place shr 1 == half && to < end)
            }
        }

        private fun copyRow(
            index: Int,
            plane: Plane,
            row: Int,
            width: Int,
        ) {
            val span = plane.span(width, 1)
            plane.copy(row * plane.rowStride, scratch.room(index, span), span)
        }

        private fun copyAll(
            index: Int,
            plane: Plane,
            width: Int,
            height: Int,
        ) {
            val span = plane.span(width, height)
            plane.copy(0, scratch.room(index, span), span)
        }
    }

private const val HALF = 1 shl 15

// Below every result of any range is −277, above every one 537.
private const val LEAST = 300
private const val MOST = 600

// Result + LEAST → 0 to 255.
private val CLAMPED = ByteArray(LEAST + MOST) { (it - LEAST).coerceIn(0, 255).toByte() }
