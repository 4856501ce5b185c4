@file:JvmName("Bundles")

package fpm.edge.android

import android.content.res.AssetFileDescriptor
import android.content.res.AssetManager
import fpm.edge.BundleException
import fpm.edge.bundle.TrustedKey
import fpm.edge.stages.Bundle
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel

/**
 * Open a bundle among the app's assets, mapped into memory from the package itself.
 *
 * Assets are stored as they are only where the build is told so; a compressed one cannot be mapped:
 *
 * ```
 * android { androidResources { noCompress += "fpm" } }
 * ```
 *
 * @param name such as `garments.fpm`.
 * @param trustedKeys see [Bundle.open]; likewise [now].
 * @throws BundleException there is no such asset, or it is compressed; and as [Bundle.open].
 */
@JvmOverloads
public fun openBundle(
    assets: AssetManager,
    name: String,
    trustedKeys: List<TrustedKey>? = null,
    now: Double? = null,
): Bundle {
    val descriptor =
        try {
            assets.openFd(name)
        } catch (error: IOException) {
            throw BundleException(
                "asset $name is not there, or compressed: add noCompress += \"fpm\" to androidResources in the app's build",
                error,
            )
        }
    return openBundle(descriptor, name, trustedKeys, now)
}

/**
 * Open a bundle behind a descriptor, mapped into memory: a content provider's `openAssetFile`, or a file of your own
 * (`AssetFileDescriptor(parcelFileDescriptor, 0, AssetFileDescriptor.UNKNOWN_LENGTH)`). The descriptor is closed.
 *
 * @param where how messages name it.
 * @throws BundleException it cannot be read; and as [Bundle.open].
 */
@JvmOverloads
public fun openBundle(
    descriptor: AssetFileDescriptor,
    where: String,
    trustedKeys: List<TrustedKey>? = null,
    now: Double? = null,
): Bundle {
    val content =
        try {
            descriptor.use {
                FileInputStream(it.fileDescriptor).channel.use { channel ->
                    val known = it.length != AssetFileDescriptor.UNKNOWN_LENGTH
                    val length = if (known) it.length else channel.size() - it.startOffset
                    if (it.startOffset < 0 || length !in 0..Int.MAX_VALUE) {
                        throw BundleException(
                            "$where has $length bytes from byte ${it.startOffset} on; a bundle has at most " +
                                "${Int.MAX_VALUE}; get the original file",
                        )
                    }
                    channel.map(FileChannel.MapMode.READ_ONLY, it.startOffset, length)
                }
            }
        } catch (error: IOException) {
            throw BundleException("$where cannot be read: ${error.message}; get the original file", error)
        }
    return Bundle.open(content, where, trustedKeys, now)
}
