package fpm.edge.r8

import com.android.tools.r8.BaseCompilerCommand
import com.android.tools.r8.ClassFileConsumer
import com.android.tools.r8.CompilationMode
import com.android.tools.r8.D8
import com.android.tools.r8.D8Command
import com.android.tools.r8.DexIndexedConsumer
import com.android.tools.r8.R8
import com.android.tools.r8.R8Command
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.fileSize
import kotlin.io.path.listDirectoryEntries
import kotlin.test.assertEquals

/** The oldest Android that the modules are for. */
private const val MIN_API = 26

/** Make dex files of [program] as it is, and hold D8 to having nothing to say about it. Their bytes. */
internal fun dexed(
    program: List<Path>,
    classpath: List<Path>,
): Long {
    val complaints = Complaints()
    val builder = D8Command.builder(complaints).addProgramFiles(program).addClasspathFiles(classpath)
    val to = forAndroid(builder, "dexed")
    D8.run(builder.build())
    assertEquals(emptyList(), complaints.all)
    return bytes(to)
}

/** Shrink [program] into dex files, in R8's full mode, and hold R8 to having nothing to say about it. Their bytes. */
internal fun shrunk(
    program: List<Path>,
    classpath: List<Path>,
    rules: List<Path>,
): Long {
    val complaints = Complaints()
    val builder =
        R8Command
            .builder(complaints)
            .addProgramFiles(program)
            .addClasspathFiles(classpath)
            .addProguardConfigurationFiles(rules)
    val to = forAndroid(builder, "shrunk")
    R8.run(builder.build())
    assertEquals(emptyList(), complaints.all)
    return bytes(to)
}

/** As [shrunk], into a jar for this Java, by the same optimizations. */
internal fun shrunkJar(
    program: List<Path>,
    rules: List<Path>,
): Path {
    val complaints = Complaints()
    val to = Packaged.work.resolve("shrunk.jar")
    R8.run(
        R8Command
            .builder(complaints)
            .addProgramFiles(program)
            .addLibraryResourceProvider(java)
            .addProguardConfigurationFiles(rules)
            .setMode(CompilationMode.RELEASE)
            .setProgramConsumer(ClassFileConsumer.ArchiveConsumer(to))
            .build(),
    )
    assertEquals(emptyList(), complaints.all)
    return to
}

/** Where the dex files will be. */
private fun forAndroid(
    builder: BaseCompilerCommand.Builder<*, *>,
    name: String,
): Path {
    val folder = Packaged.work.resolve(name)
    folder.toFile().deleteRecursively()
    builder
        .setMode(CompilationMode.RELEASE)
        .setMinApiLevel(MIN_API)
        .setProgramConsumer(DexIndexedConsumer.DirectoryConsumer(folder.createDirectories(), false))
    android.forEach(builder::addLibraryResourceProvider)
    return folder
}

private fun bytes(folder: Path): Long = folder.listDirectoryEntries("*.dex").sumOf { it.fileSize() }
