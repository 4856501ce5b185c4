package fpm.edge.support

/** Loads this module's classes anew, where there is no LiteRT: an app that has forgotten to add it. */
internal class WithoutLiteRt : ClassLoader(WithoutLiteRt::class.java.classLoader) {
    override fun loadClass(
        name: String,
        resolve: Boolean,
    ): Class<*> {
        if (name.startsWith("org.tensorflow.")) throw ClassNotFoundException(name)
        if (!name.startsWith("fpm.edge.litert.")) return super.loadClass(name, resolve)
        return findLoadedClass(name) ?: run {
            val bytes = checkNotNull(getResourceAsStream(name.replace('.', '/') + ".class")).use { it.readBytes() }
            defineClass(name, bytes, 0, bytes.size)
        }
    }
}
