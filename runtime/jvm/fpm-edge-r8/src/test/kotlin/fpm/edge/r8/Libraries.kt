package fpm.edge.r8

import com.android.tools.r8.ArchiveClassFileProvider
import com.android.tools.r8.ClassFileResourceProvider
import com.android.tools.r8.JdkClassFileProvider
import com.android.tools.r8.ProgramResource

/** The classes of Java's modules that Android has too: R8 would report those of others as missing. */
internal val java: ClassFileResourceProvider = Part(JdkClassFileProvider.fromSystemJdk(), javaPackages())

/** Android's own classes, which `android-all` has, and Java's, which it has not. */
internal val android: List<ClassFileResourceProvider> =
    listOf(java, Part(ArchiveClassFileProvider(Packaged.android)) { it.startsWith("Landroid/") })

private fun javaPackages(): (String) -> Boolean {
    val modules = listOf("java.base", "java.logging").map { ModuleLayer.boot().findModule(it).get() }
    val packages = modules.flatMap { it.packages }.mapTo(HashSet()) { "L" + it.replace('.', '/') }
    return { it.substringBeforeLast('/') in packages }
}

private class Part(
    private val whole: ClassFileResourceProvider,
    isIn: (String) -> Boolean,
) : ClassFileResourceProvider {
    private val descriptors = whole.classDescriptors.filterTo(HashSet(), isIn)

    override fun getClassDescriptors(): Set<String> = descriptors

    override fun getProgramResource(descriptor: String): ProgramResource? =
        if (descriptor in descriptors) whole.getProgramResource(descriptor) else null
}
