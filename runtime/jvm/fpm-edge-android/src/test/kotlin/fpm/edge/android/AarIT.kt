package fpm.edge.android

import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import java.util.Properties
import java.util.zip.ZipFile
import java.util.zip.ZipInputStream
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

private const val METADATA = "META-INF/com/android/build/gradle/aar-metadata.properties"

/** What Android's build tools read in the packaged module. */
class AarIT {
    private val file = File(System.getProperty("aar"))

    @Test
    fun `it has what Android's build tools look for, and nothing else`() {
        val files = ZipFile(file).use { zip -> zip.entries().toList().filterNot { it.isDirectory }.map { it.name } }
        assertEquals(setOf("AndroidManifest.xml", "classes.jar", "proguard.txt", "R.txt", METADATA), files.toSet())
        assertEquals(files.size, files.toSet().size)
    }

    @Test
    fun `any app from Android 8 on may use it, and it asks for no permission`() {
        val manifest =
            read("AndroidManifest.xml") { DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(it) }
        val elements = manifest.getElementsByTagName("*")
        val names = (0 until elements.length).map { (elements.item(it) as Element).tagName }
        assertEquals(listOf("manifest", "uses-sdk"), names)
        assertEquals("fpm.edge.android", manifest.documentElement.getAttribute("package"))
        assertEquals("26", (elements.item(1) as Element).getAttribute("android:minSdkVersion"))
    }

    @Test
    fun `it is of the format that every version of the build tools reads`() {
        val metadata = read(METADATA) { Properties().apply { load(it) } }
        val expected = mapOf("aarFormatVersion" to "1.0", "aarMetadataVersion" to "1.0", "minCompileSdk" to "1")
        assertEquals<Map<*, *>>(expected, metadata)
    }

    @Test
    fun `its classes are this module's, for Java 8`() {
        val classes =
            read("classes.jar") { jar ->
                val zip = ZipInputStream(jar)
                generateSequence(zip::getNextEntry)
                    .filter { it.name.endsWith(".class") }
                    .associate { it.name to zip.readBytes() }
            }
        assertTrue("fpm/edge/android/BitmapPicture.class" in classes, "${classes.keys}")
        for ((name, bytes) in classes) {
            assertTrue(name.startsWith("fpm/edge/android/"), name)
            assertEquals(52, bytes[7].toInt(), name)
        }
    }

    private fun <T> read(
        member: String,
        how: (java.io.InputStream) -> T,
    ): T = ZipFile(file).use { zip -> zip.getInputStream(zip.getEntry(member)).use(how) }
}
