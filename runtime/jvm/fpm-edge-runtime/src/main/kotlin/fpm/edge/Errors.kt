package fpm.edge

/**
 * Base of every exception thrown on purpose; the same tree, and the same exit codes, as in the Python runtime.
 *
 * ```
 * FpmEdgeException            exit code 1
 * ├── UsageException          2   an argument that cannot be what was meant
 * ├── DataException           1   a picture, or numbers, that cannot be used
 * │   └── ImageException      1   one picture that cannot be read
 * ├── SchemaException         1   an unknown or inconsistent landmark schema
 * ├── ModelException          1   answers that are not those of the model's stages
 * ├── BundleException         4   a bundle that is damaged, altered or of an unknown version
 * └── MissingExtraException   5   an engine or a part of the platform that is not there
 * ```
 *
 * A message says what was wrong, where, what was expected and what to do next.
 *
 * @property exitCode what a command-line tool returns for it.
 */
public open class FpmEdgeException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
        public val exitCode: Int = 1,
    ) : RuntimeException(message, cause)

/** An argument that cannot be what was meant: a stage number out of range, an unknown option. */
public class UsageException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(message, cause, 2)

/** A picture, or an array of numbers, that cannot be used. */
public open class DataException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(message, cause)

/** A picture that is missing, corrupt or not a picture. */
public class ImageException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : DataException(message, cause)

/** A landmark schema that is inconsistent, or has no such category. */
public class SchemaException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(message, cause)

/** Answers that are not those of the model's stages. */
public class ModelException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(message, cause)

/**
 * A bundle that is damaged, altered, incomplete, of an unknown version, or not signed as it must be.
 *
 * Messages quote the bundle, and a hostile one holds control sequences or megabytes: what cannot be printed is escaped,
 * and the middle of a long message is left out.
 */
public class BundleException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(printable(message), cause, 4)

/** An engine, or a part of the platform, that is not there; the message says what brings it. */
public class MissingExtraException
    @JvmOverloads
    constructor(
        message: String,
        cause: Throwable? = null,
    ) : FpmEdgeException(message, cause, 5)

private const val LONGEST = 2000 // characters of a message that quotes a bundle

private fun printable(message: String): String {
    val half = LONGEST / 2
    val shown = if (message.length <= LONGEST) message else "${message.take(half)} [...] ${message.takeLast(half)}"
    return buildString(shown.length) {
        var at = 0
        while (at < shown.length) {
            val character = shown.codePointAt(at)
            at += Character.charCount(character)
            if (isPrintable(character)) appendCodePoint(character) else append("\\u{${character.toString(16)}}")
        }
    }
}

/** Whether a code point is no control, format, private, unassigned or surrogate character, nor a line separator. */
private fun isPrintable(character: Int): Boolean =
    when (Character.getType(character).toByte()) {
        Character.CONTROL, Character.FORMAT, Character.PRIVATE_USE, Character.UNASSIGNED, Character.SURROGATE,
        Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
        -> false
        else -> true
    }
