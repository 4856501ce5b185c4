package fpm.edge.pixels

import fpm.edge.UsageException

/**
 * From pixels to the network's input: what the Python runtime makes of them with Pillow, byte for byte.
 *
 * Bilinear, with the kernel widened when shrinking (no aliasing): equal to `Image.resize(size, BILINEAR, box)` of Pillow
 * 13, which takes the columns first where the height shrinks by more than twice what the width does; earlier versions
 * take the rows first always. Of a [YuvPicture] the planes are resized, and become RGB when they are small (decision
 * 0036).
 *
 * It keeps its room and the weights of the last geometries from call to call. One thread at a time.
 */
public class LetterboxResizer {
    private val axes = Axes()
    private val pixels = Resampler(channels = 3)
    private val planes = PlaneLetterbox(axes)
    private var row = ByteArray(0)

    /**
     * Resize a region of a picture into the network's input, black around it. Each row of the picture is read at most
     * once, and of it only what is needed.
     *
     * @param fit where the region lies in the picture and in the input.
     * @param out inputHeight × inputWidth × 3 bytes, RGB: the answer.
     * @throws UsageException [out] is of another size, or [fit] is not for this picture or input.
     */
    public fun resize(
        picture: Picture,
        fit: Letterbox,
        inputWidth: Int,
        inputHeight: Int,
        out: ByteArray,
    ) {
        check(picture, fit, inputWidth, inputHeight, out)
        if (fit.width < inputWidth || fit.height < inputHeight) out.fill(0)
        val at = 3 * (fit.top * inputWidth + fit.left)
        if (picture is YuvPicture) {
            planes.resize(picture, fit, out, at, 3 * inputWidth)
        } else if (isWhole(picture, fit)) {
            copy(picture, out)
        } else {
            resizePixels(picture, fit, out, at, 3 * inputWidth)
        }
    }

    /** Whether all of a picture is wanted as it is: the same that resizing would give, but quicker. */
    private fun isWhole(
        picture: Picture,
        fit: Letterbox,
    ): Boolean =
        picture.width == fit.width && picture.height == fit.height && fit.scaleX == 1.0 && fit.scaleY == 1.0 &&
            fit.left == 0 && fit.top == 0

    private fun copy(
        picture: Picture,
        out: ByteArray,
    ) {
        val line = 3 * picture.width
        if (row.size < line) row = ByteArray(line)
        for (y in 0 until picture.height) {
            picture.readRow(y, 0, picture.width, row)
            row.copyInto(out, y * line, 0, line)
        }
    }

    private fun resizePixels(
        picture: Picture,
        fit: Letterbox,
        out: ByteArray,
        at: Int,
        stride: Int,
    ) {
        val box = fit.box
        val across = axes.of(picture.width, box.x0, box.x1, fit.width)
        val down = axes.of(picture.height, box.y0, box.y1, fit.height)
        val columnsFirst =
            picture.height > fit.height && picture.height - fit.height > 2 * (picture.width - fit.width)
        pixels.resize(picture::readRow, across, down, columnsFirst, out, at, stride)
    }

    private companion object {
        fun check(
            picture: Picture,
            fit: Letterbox,
            inputWidth: Int,
            inputHeight: Int,
            out: ByteArray,
        ) {
            val bytes = 3L * inputWidth * inputHeight
            if (out.size.toLong() != bytes) {
                throw UsageException("the array for the input has ${out.size} bytes; expected $bytes")
            }
            val (x0, y0, x1, y1) = fit.box
            val inside = x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= picture.width && y1 <= picture.height
            if (!inside || fit.left + fit.width > inputWidth || fit.top + fit.height > inputHeight) {
                throw UsageException(
                    "the letterbox is not of a ${picture.width} × ${picture.height} picture in a $inputWidth × " +
                        "$inputHeight input; use fitLetterbox",
                )
            }
        }
    }
}
