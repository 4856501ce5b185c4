package fpm.edge.android

import android.content.res.AssetFileDescriptor
import android.os.ParcelFileDescriptor
import fpm.edge.BundleException
import fpm.edge.stages.Bundle
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
internal class BundlesTest {
    private val file = File("../../web/test/vectors/tiny.fpm")

    @Test
    fun `a bundle behind a descriptor is mapped, checked, and its golden cases are readable`() {
        val bundle = openBundle(descriptor(file, 0, AssetFileDescriptor.UNKNOWN_LENGTH), "tiny.fpm")
        assertEquals(Bundle.open(file).digest, bundle.digest)
        bundle.check()
    }

    @Test
    fun `one that lies in the midst of a file, as assets do, is found there`() {
        val around = File.createTempFile("package", ".apk")
        try {
            around.writeBytes(ByteArray(4097) + file.readBytes() + ByteArray(5))
            val bundle = openBundle(descriptor(around, 4097, file.length()), "tiny.fpm")
            assertEquals(Bundle.open(file).digest, bundle.digest)
        } finally {
            around.delete()
        }
    }

    @Test
    fun `what is no bundle says what it is called`() {
        val error = assertFailsWith<BundleException> { openBundle(descriptor(file, 64, 1000), "garments.fpm") }
        assertContains(error.message!!, "garments.fpm is not a bundle")
    }

    @Test
    fun `an asset that is not there says how assets are stored`() {
        val assets = RuntimeEnvironment.getApplication().assets
        val error = assertFailsWith<BundleException> { openBundle(assets, "garments.fpm") }
        assertContains(error.message!!, "noCompress")
    }

    private fun descriptor(
        file: File,
        from: Long,
        length: Long,
    ) = AssetFileDescriptor(ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY), from, length)
}
