package fpm.edge.pixels

/**
 * A camera's picture in one plane of RGBA (`ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888` of CameraX), turned upright
 * while it is read. Cameras have no transparency: the fourth byte is not looked at.
 *
 * @param plane R, G, B, A, with any strides from 4 bytes a pixel on.
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
        private val scratch: PlaneScratch = PlaneScratch(),
    ) : Picture {
        init {
            checkSize(sensorWidth, sensorHeight)
            plane.check("RGBA", sensorWidth, sensorHeight, pixelBytes = 4)
        }

        override val width: Int = if (rotation.isSideways) sensorHeight else sensorWidth
        override val height: Int = if (rotation.isSideways) sensorWidth else sensorHeight

        override fun readRow(
            y: Int,
            left: Int,
            right: Int,
            rgb: ByteArray,
        ) {
            val across = plane.pixelStride
            val down = plane.rowStride
            val count = right - left
            when (rotation) {
                Rotation.NONE -> take(row(y), left * across, across, count, rgb)
                Rotation.HALF ->
                    take(row(sensorHeight - 1 - y), (sensorWidth - 1 - left) * across, -across, count, rgb)
                Rotation.RIGHT -> take(all(), (sensorHeight - 1 - left) * down + y * across, -down, count, rgb)
                Rotation.LEFT -> take(all(), left * down + (sensorWidth - 1 - y) * across, down, count, rgb)
            }
        }

        private fun take(
            bytes: ByteArray,
            from: Int,
            step: Int,
            count: Int,
            rgb: ByteArray,
        ) {
            var at = from
            var to = 0
            while (to < 3 * count) {
                rgb[to] = bytes[at]
                rgb[to + 1] = bytes[at + 1]
                rgb[to + 2] = bytes[at + 2]
                at += step
                to += 3
            }
        }

        private fun row(row: Int): ByteArray {
            scratch.owner = null
            val span = plane.span(sensorWidth, 1) + 3
            return scratch.room(0, span).also { plane.copy(row * plane.rowStride, it, span) }
        }

        private fun all(): ByteArray {
            val span = plane.span(sensorWidth, sensorHeight) + 3
            val room = scratch.room(0, span)
            if (scratch.owner !== this) {
                plane.copy(0, room, span)
                scratch.owner = this
            }
            return room
        }
    }
