package fpm.edge.pixels

/**
 * A region of a picture, scaled to fit the input with its aspect ratio kept, centred, black around it. [fitLetterbox]
 * makes one.
 *
 * @property box the region.
 * @property width of the resized region inside the input, pixels; likewise [height].
 * @property left where it lies inside the input, pixels; likewise [top].
 * @property scaleX input pixels per picture pixel. It differs from [scaleY] because the resized region has whole pixels;
 *   both are exact.
 */
public class Letterbox(
    public val box: Box,
    public val width: Int,
    public val height: Int,
    public val left: Int,
    public val top: Int,
    public val scaleX: Double,
    public val scaleY: Double,
) {
    // Edges map to edges: picture pixel p covers [p, p + 1] in edge coordinates, hence the two half pixels.
    private val x = (0.5 - box.x0) * scaleX + left - 0.5
    private val y = (0.5 - box.y0) * scaleY + top - 0.5

    /** Input coordinates → picture coordinates, both in pixels, x and y in turn. Inverse of [toInput]. */
    public fun toPicture(points: FloatArray): FloatArray =
        FloatArray(points.size) {
            (if (it and 1 == 0) (points[it] - x) / scaleX else (points[it] - y) / scaleY).toFloat()
        }

    /** Picture coordinates → input coordinates, both in pixels, x and y in turn. */
    public fun toInput(points: FloatArray): FloatArray =
        FloatArray(points.size) {
            (if (it and 1 == 0) points[it] * scaleX + x else points[it] * scaleY + y).toFloat()
        }
}
