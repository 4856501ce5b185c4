package fpm.edge.stages

/**
 * Close all, also where one of them throws: what the others hold would be held for ever. The first error is thrown, or
 * goes with [during], what was thrown before.
 */
internal fun closeAll(
    all: List<AutoCloseable>,
    during: Throwable? = null,
) {
    var first = during
    for (one in all) {
        try {
            one.close()
        } catch (
            @Suppress("TooGenericExceptionCaught") error: Throwable,
        ) {
            first = first?.also { it.addSuppressed(error) } ?: error
        }
    }
    if (during == null && first != null) throw first
}
