package fpm.edge.pixels

/** A region of a picture, pixels, edge coordinates: (0, 0, width, height) is all of it. */
public data class Box(
    public val x0: Double,
    public val y0: Double,
    public val x1: Double,
    public val y1: Double,
)
