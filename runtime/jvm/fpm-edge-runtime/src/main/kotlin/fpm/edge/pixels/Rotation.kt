package fpm.edge.pixels

import fpm.edge.DataException

/**
 * How far a camera's picture must be turned clockwise to be upright: `ImageInfo.getRotationDegrees` of CameraX.
 *
 * @property isSideways whether width and height change places.
 */
public enum class Rotation(
    public val degrees: Int,
) {
    NONE(0),
    RIGHT(90),
    HALF(180),
    LEFT(270),
    ;

    public val isSideways: Boolean
        get() = degrees % 180 != 0

    public companion object {
        /** @throws DataException [degrees] is none of 0, 90, 180, 270. */
        @JvmStatic
        public fun of(degrees: Int): Rotation =
            entries.find { it.degrees == degrees }
                ?: throw DataException("rotation is $degrees degrees; expected 0, 90, 180 or 270, clockwise")
    }
}
