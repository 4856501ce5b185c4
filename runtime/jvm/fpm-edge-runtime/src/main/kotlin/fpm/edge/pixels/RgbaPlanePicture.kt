package fpm.edge.pixels

/**
 * A camera's picture in one plane of RGBA (`ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888` of CameraX), turned upright
 * while it is read. Cameras have no transparency: the fourth byte is not looked at.
 *
 * @param plane R, G, B, A, with any strides.
 * @param sensorWidth pixels, before it is turned; likewise [sensorHeight].
 * @param rotation how far it must be turned to be upright.
 * @throws fpm.edge.DataException the plane has too few bytes, or impossible strides.
 */
public class RgbaPlanePicture
    @JvmOverloads
    constructor(
        private val plane: Plane,
        private val sensorWidth: Int,
        private val sensorHeight: Int,
        private val rotation: Rotation = Rotation.NONE,
    ) : Picture {
        init {
            checkSize(sensorWidth, sensorHeight)
            plane.check("RGBA", sensorWidth, sensorHeight, CHANNELS)
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
                Rotation.NONE -> plane.readRow(y, left, right, rgb, CHANNELS)
                Rotation.HALF -> {
                    plane.readRow(sensorHeight - 1 - y, sensorWidth - right, sensorWidth - left, rgb, CHANNELS)
                    reverse(rgb, right - left)
                }
                // A column of the sensor: far apart in memory, and yet quicker than to turn the whole picture.
                Rotation.RIGHT -> readColumn(y, sensorHeight - 1 - left, -1, right - left, rgb)
                Rotation.LEFT -> readColumn(sensorWidth - 1 - y, left, 1, right - left, rgb)
            }
        }

        private fun readColumn(
            column: Int,
            from: Int,
            step: Int,
            count: Int,
            rgb: ByteArray,
        ) {
            for (i in 0 until count) plane.readPixel(from + i * step, column, rgb, CHANNELS * i, CHANNELS)
        }

        private fun reverse(
            rgb: ByteArray,
            count: Int,
        ) {
            for (i in 0 until count / 2) {
                for (channel in 0 until CHANNELS) {
                    val there = CHANNELS * (count - 1 - i) + channel
                    val kept = rgb[CHANNELS * i + channel]
                    rgb[CHANNELS * i + channel] = rgb[there]
                    rgb[there] = kept
                }
            }
        }

        private companion object {
            const val CHANNELS = 3
        }
    }
