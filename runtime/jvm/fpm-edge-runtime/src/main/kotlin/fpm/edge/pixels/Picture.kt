package fpm.edge.pixels

/**
 * A picture, upright, that gives its pixels row by row: arrays of bytes, a bitmap, the planes of a camera.
 *
 * What a source holds in another form becomes RGB here, a row at a time, while the network's input is made: there is
 * never a second picture in memory. One thread at a time reads a picture, unless it says otherwise.
 */
public interface Picture {
    /** Pixels, as [height]. */
    public val width: Int
    public val height: Int

    /**
     * The pixels of row [y] from column [left] until before column [right], over black where they are transparent.
     *
     * @param rgb where they go: 3 bytes a pixel, R, G, B, from index 0 on.
     */
    public fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    )
}
