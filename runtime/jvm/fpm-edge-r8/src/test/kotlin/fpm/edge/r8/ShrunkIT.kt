package fpm.edge.r8

import org.junit.jupiter.api.Test
import java.io.File
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What R8 makes of the app does what the app does: nothing is looked up by a name that R8 changes. */
class ShrunkIT {
    @Test
    fun `the shrunk app prints what the app prints`() {
        val program = Packaged.ours + Packaged.theirs + listOf(Packaged.app, Packaged.onnxRuntime)
        val expected = printed(program)
        assertTrue(expected.lines().size > 20, expected)
        assertEquals(expected, printed(listOf(shrunkJar(program, Packaged.rules("app.pro")))))
    }

    private fun printed(program: List<Path>): String {
        val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
        val classpath = (program + listOf(Packaged.natives)).joinToString(File.pathSeparator)
        val bundle = "../../web/test/vectors/tiny.fpm"
        val output = File.createTempFile("printed", ".txt", Packaged.work.toFile())
        val process =
            ProcessBuilder(java, "-cp", classpath, "fpm.edge.r8.App", bundle)
                .redirectErrorStream(true)
                .redirectOutput(output)
                .start()
        val status = process.waitFor()
        val text = output.readText()
        assertEquals(0, status, text)
        return text
    }
}
