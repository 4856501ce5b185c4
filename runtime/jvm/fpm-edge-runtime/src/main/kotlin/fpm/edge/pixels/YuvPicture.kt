package fpm.edge.pixels

/**
 * A camera's picture in YUV 4:2:0 (`YUV_420_888`): its planes with any strides, to be turned upright and made RGB.
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
        y: Plane,
        u: Plane,
        v: Plane,
        private val sensorWidth: Int,
        private val sensorHeight: Int,
        internal val rotation: Rotation = Rotation.NONE,
        internal val range: YuvRange = YuvRange.FULL,
    ) : Picture {
        private val planes = arrayOf(y, u, v)

        init {
            checkSize(sensorWidth, sensorHeight)
            planes.forEachIndexed { i, plane -> plane.check("YUV"[i].toString(), planeWidth(i), planeHeight(i)) }
        }

        override val width: Int = if (rotation.isSideways) sensorHeight else sensorWidth
        override val height: Int = if (rotation.isSideways) sensorWidth else sensorHeight

        /** Pixels of a plane; likewise [planeHeight]. */
        internal fun planeWidth(index: Int): Int = if (index == 0) sensorWidth else (sensorWidth + 1) / 2

        internal fun planeHeight(index: Int): Int = if (index == 0) sensorHeight else (sensorHeight + 1) / 2

        /** A part of a row of a plane, as it lies in memory. */
        internal fun readPlane(
            index: Int,
            y: Int,
            left: Int,
            right: Int,
            bytes: ByteArray,
        ) {
            planes[index].readRow(y, left, right, bytes)
        }

        /** A pixel has the colour of its block of 2 × 2. The network's input is made another way, see [PlaneLetterbox]. */
        override fun readRow(
            y: Int,
            left: Int,
            right: Int,
            rgb: ByteArray,
        ) {
            val numbers = Array(3) { ByteArray(1) }
            for (x in left until right) {
                val column: Int
                val row: Int
                when (rotation) {
                    Rotation.NONE -> {
                        column = x
                        row = y
                    }
                    Rotation.HALF -> {
                        column = sensorWidth - 1 - x
                        row = sensorHeight - 1 - y
                    }
                    Rotation.RIGHT -> {
                        column = y
                        row = sensorHeight - 1 - x
                    }
                    Rotation.LEFT -> {
                        column = sensorWidth - 1 - y
                        row = x
                    }
                }
                for (i in 0..2) {
                    val half = minOf(i, 1)
                    planes[i].readPixel(row shr half, column shr half, numbers[i], 0, 1)
                }
                range.convert(numbers[0], numbers[1], numbers[2], 0, 1, 1, rgb, 3 * (x - left))
            }
        }
    }
