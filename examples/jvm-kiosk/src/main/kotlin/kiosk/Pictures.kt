package kiosk

import fpm.edge.ImageException
import fpm.edge.UsageException
import fpm.edge.pixels.Picture
import fpm.edge.pixels.overBlack
import java.awt.image.BufferedImage
import java.io.File
import java.io.IOException
import javax.imageio.ImageIO

/** A picture, or why it cannot be read; and how it is called. */
internal class Shown(
    val name: String,
    val picture: () -> Picture,
)

/** The pictures of a folder by name, or the frames of a video. */
internal fun shown(source: File): Sequence<Shown> {
    if (source.isDirectory) {
        val files = source.listFiles { file -> file.extension.lowercase() in setOf("jpg", "jpeg", "png") }.orEmpty()
        if (files.isEmpty()) throw UsageException("$source has no .jpg, .jpeg or .png")
        return files.sorted().asSequence().map { file -> Shown(file.name) { read(file) } }
    }
    if (!source.isFile) throw UsageException("$source is neither a folder nor a file")
    return frames(source)
}

private fun read(file: File): Picture {
    val image =
        try {
            ImageIO.read(file)
        } catch (error: IOException) {
            throw ImageException("$file cannot be read: ${error.message}", error)
        }
    return ImagePicture(image ?: throw ImageException("$file is no picture that Java reads"))
}

/** What ImageIO read, as the runtime takes it. */
private class ImagePicture(
    private val image: BufferedImage,
) : Picture {
    override val width: Int = image.width
    override val height: Int = image.height
    private val row = IntArray(width)

    override fun readRow(
        y: Int,
        left: Int,
        right: Int,
        rgb: ByteArray,
    ) {
        image.getRGB(left, y, right - left, 1, row, 0, width)
        for (x in 0 until right - left) {
            val alpha = row[x] ushr 24
            rgb[3 * x] = overBlack(row[x] shr 16 and 255, alpha)
            rgb[3 * x + 1] = overBlack(row[x] shr 8 and 255, alpha)
            rgb[3 * x + 2] = overBlack(row[x] and 255, alpha)
        }
    }
}
