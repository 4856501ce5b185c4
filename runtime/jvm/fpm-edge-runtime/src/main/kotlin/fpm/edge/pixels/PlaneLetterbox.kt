package fpm.edge.pixels

/**
 * From a camera's planes to the network's input: each plane is resized as it lies in memory, and what comes of it, which
 * is small, is turned upright and made RGB. That reads half as many numbers as a picture in RGB has, in their order,
 * however the camera is held.
 */
internal class PlaneLetterbox(
    private val axes: Axes,
) {
    private val resampler = Resampler(channels = 1)
    private val small = Array(3) { ByteArray(0) }
    private var line = ByteArray(0)

    /** See [LetterboxResizer.resize]; the first pixel goes to [at], and rows are [stride] bytes apart. */
    fun resize(
        picture: YuvPicture,
        fit: Letterbox,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val rotation = picture.rotation
        val box = inSensor(fit.box, picture)
        val width = if (rotation.isSideways) fit.height else fit.width
        val height = if (rotation.isSideways) fit.width else fit.height
        for (index in 0..2) {
            if (small[index].size < width * height) small[index] = ByteArray(width * height)
            // A block of 2 × 2 pixels is a pixel of the planes of colours, and their edges are at the same places.
            val scale = if (index == 0) 1.0 else 0.5
            val across = axes.of(picture.planeWidth(index), box.x0 * scale, box.x1 * scale, width)
            val down = axes.of(picture.planeHeight(index), box.y0 * scale, box.y1 * scale, height)
            resampler.resize(
                { y, left, right, bytes -> picture.readPlane(index, y, left, right, bytes) },
                across,
                down,
                columnsFirst = false,
                small[index],
                0,
                width,
            )
        }
        val (ys, us, vs) = small
        for (row in 0 until fit.height) {
            // Where its first pixel is in what was resized, and how far the next one is from there.
            val from: Int
            val step: Int
            when (rotation) {
                Rotation.NONE -> {
                    from = row * width
                    step = 1
                }
                Rotation.HALF -> {
                    from = (height - 1 - row) * width + width - 1
                    step = -1
                }
                Rotation.RIGHT -> {
                    from = (height - 1) * width + row
                    step = -width
                }
                Rotation.LEFT -> {
                    from = width - 1 - row
                    step = width
                }
            }
            picture.range.convert(ys, us, vs, from, step, fit.width, out, at + row * stride)
        }
    }

    /** A box of the upright picture, in the sensor's. */
    private fun inSensor(
        box: Box,
        picture: YuvPicture,
    ): Box {
        val width = picture.width
        val height = picture.height
        return when (picture.rotation) {
            Rotation.NONE -> box
            Rotation.HALF -> Box(width - box.x1, height - box.y1, width - box.x0, height - box.y0)
            Rotation.RIGHT -> Box(box.y0, width - box.x1, box.y1, width - box.x0)
            Rotation.LEFT -> Box(height - box.y1, box.x0, height - box.y0, box.x1)
        }
    }
}
