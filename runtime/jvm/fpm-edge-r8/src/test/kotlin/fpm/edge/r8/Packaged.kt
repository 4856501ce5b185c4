package fpm.edge.r8

import java.io.File
import java.nio.file.Path
import java.util.zip.Deflater
import java.util.zip.ZipEntry
import java.util.zip.ZipFile
import java.util.zip.ZipOutputStream
import kotlin.io.path.createDirectories
import kotlin.io.path.name
import kotlin.io.path.outputStream
import kotlin.io.path.writeBytes

/** The files that the build has made and fetched. */
internal object Packaged {
    val work: Path = path("work").createDirectories()
    val app: Path = path("app")

    /** Android's classes. */
    val android: Path = path("android")

    private val consumerRules = fromAar("proguard.txt")

    private val dependencies = System.getProperty("app.dependencies").split(File.pathSeparator).map(Path::of)
    private val engine = dependencies.single { it.name.startsWith("onnxruntime-") }

    /** Ours, as published: jars, and the classes of the AAR. A path is itself a list of paths: never add one with `+`. */
    val ours: List<Path> = listOf(fromAar("classes.jar"), *jars { it.startsWith("fpm-edge-") })

    /** Kotlin, coroutines, Gson, and what these bring. */
    val theirs: List<Path> = listOf(*jars { !it.startsWith("fpm-edge-") && !it.startsWith("onnxruntime-") })

    /** ONNX Runtime's classes, without its libraries. */
    val onnxRuntime: Path = part("onnxruntime.jar") { it.endsWith(".class") }

    /** The classes of the engines, which an app chooses and which are not ours. */
    val engines: List<Path> = listOf(onnxRuntime, path("litert"))

    /** ONNX Runtime's libraries for this machine, where its classes look for them. */
    val natives: Path = part("natives.jar") { it.startsWith("ai/onnxruntime/native/$machine/") }

    /** Rules of an app, and those of the AAR. Others are in jars, where R8 looks by itself. */
    fun rules(name: String): List<Path> = listOf(path("rules").resolve(name), consumerRules)

    private fun jars(isOne: (String) -> Boolean): Array<Path> = dependencies.filter { isOne(it.name) }.toTypedArray()

    private val machine: String
        get() {
            val name = System.getProperty("os.name").lowercase()
            val system =
                if (name.startsWith("mac")) {
                    "osx"
                } else if (name.startsWith("win")) {
                    "win"
                } else {
                    "linux"
                }
            return "$system-${if (System.getProperty("os.arch") == "aarch64") "aarch64" else "x64"}"
        }

    private fun path(property: String): Path = Path.of(System.getProperty(property)).toAbsolutePath().normalize()

    private fun fromAar(member: String): Path {
        val to = work.resolve(member)
        ZipFile(path("aar").toFile()).use { zip ->
            to.writeBytes(zip.getInputStream(zip.getEntry(member)).use { it.readBytes() })
        }
        return to
    }

    /** The engine's jar with some of its members only. */
    private fun part(
        name: String,
        isIn: (String) -> Boolean,
    ): Path {
        val to = work.resolve(name)
        ZipOutputStream(to.outputStream().buffered()).use { out ->
            out.setLevel(Deflater.NO_COMPRESSION)
            ZipFile(engine.toFile()).use { zip ->
                for (entry in zip
                    .entries()
                    .asSequence()
                    .filterNot(ZipEntry::isDirectory)
                    .filter { isIn(it.name) }) {
                    out.putNextEntry(ZipEntry(entry.name))
                    zip.getInputStream(entry).use { it.copyTo(out) }
                }
            }
        }
        return to
    }
}
