@file:JvmName("CameraPictures")

package fpm.edge.android

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import android.media.Image
import fpm.edge.DataException
import fpm.edge.pixels.Picture
import fpm.edge.pixels.Plane
import fpm.edge.pixels.RgbaPlanePicture
import fpm.edge.pixels.Rotation
import fpm.edge.pixels.YuvPicture

/**
 * A camera's image as a picture: of Camera2, or `ImageProxy.image` of CameraX. Read it before the image is closed.
 *
 * @param rotationDegrees clockwise, until it is upright: `ImageProxy.imageInfo.rotationDegrees`.
 * @throws DataException it is neither `YUV_420_888` nor `RGBA_8888`, or the rotation is no multiple of 90 degrees.
 */
public fun pictureOf(
    image: Image,
    rotationDegrees: Int,
): Picture =
    pictureOf(
        image.format,
        image.width,
        image.height,
        image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) },
        rotationDegrees,
    )

/**
 * The same of what has the shape of an `ImageProxy`, so that CameraX need not be a dependency:
 *
 * ```
 * pictureOf(proxy.format, proxy.width, proxy.height,
 *     proxy.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) },
 *     proxy.imageInfo.rotationDegrees)
 * ```
 *
 * @param format [ImageFormat.YUV_420_888] (three planes) or [PixelFormat.RGBA_8888] (one).
 * @param width pixels of the image before it is turned; likewise [height].
 */
public fun pictureOf(
    format: Int,
    width: Int,
    height: Int,
    planes: List<Plane>,
    rotationDegrees: Int,
): Picture {
    val rotation = Rotation.of(rotationDegrees)
    if (format == ImageFormat.YUV_420_888 && planes.size == 3) {
        return YuvPicture(planes[0], planes[1], planes[2], width, height, rotation)
    }
    if (format == PixelFormat.RGBA_8888 && planes.size == 1) {
        return RgbaPlanePicture(planes[0], width, height, rotation)
    }
    throw DataException(
        "the image has format $format and ${planes.size} planes; expected YUV_420_888 (${ImageFormat.YUV_420_888}) " +
            "with 3 or RGBA_8888 (${PixelFormat.RGBA_8888}) with 1",
    )
}
