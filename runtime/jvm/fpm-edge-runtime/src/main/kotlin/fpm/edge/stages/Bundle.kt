package fpm.edge.stages

import fpm.edge.BundleException
import fpm.edge.UsageException
import fpm.edge.bundle.BundleContents
import fpm.edge.bundle.Format
import fpm.edge.bundle.OpenedParts
import fpm.edge.bundle.REFERENCE
import fpm.edge.bundle.TrustedKey
import fpm.edge.bundle.checkReference
import fpm.edge.bundle.naming
import fpm.edge.bundle.openParts
import fpm.edge.engines.Engine
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** An open bundle: what is in it, and the way to run it. Get one from [open]. */
public class Bundle private constructor(
    parts: OpenedParts,
) : BundleContents(parts) {
    /**
     * The float model that this one is compared with, or null if the bundle has none.
     *
     * @throws BundleException it is damaged, or has other landmarks, stages or geometry.
     */
    public fun reference(): Bundle? {
        if (REFERENCE !in members) return null
        val where = "${this.where}: $REFERENCE"
        val reference = open(read(REFERENCE), where)
        checkReference(this, reference, where)
        return reference
    }

    /**
     * Read everything in it, that of its float model too, but load no model.
     *
     * @throws BundleException a member is damaged, or does not fit the manifest.
     */
    override fun check() {
        super.check()
        reference()?.check()
    }

    /**
     * Load the pieces into an engine, ready to detect.
     *
     * @param engine such as `OnnxRuntime()`, `LiteRt()`, or one of your own.
     * @param format which of the bundle's formats to load; null: the one that the engine reads best.
     * @param threads for the engine to use; null: it decides.
     * @param stages load only the first so many; null: all.
     * @param clock deadlines and timings are by it.
     * @throws UsageException the engine reads none of the bundle's formats, or not the one asked for; a number is out of
     *   range.
     * @throws BundleException a piece is damaged, or not what the manifest says.
     * @throws fpm.edge.MissingExtraException a part of the engine is missing.
     * @throws fpm.edge.FpmEdgeException the engine is for a GPU or NPU, which is not there or does not take all of a
     *   piece; or it fails.
     */
    @JvmOverloads
    public fun session(
        engine: Engine,
        format: Format? = null,
        threads: Int? = null,
        stages: Int? = null,
        clock: Clock = Clock.SYSTEM,
    ): Session {
        val form =
            engine.formats.find { it in formats && (format == null || it == format) } ?: throw UsageException(
                "engine ${engine.name} reads ${engine.formats.joinToString(", ") { it.label }} and the bundle has " +
                    formats.joinToString(", ") { it.label } +
                    (if (format == null) "" else ", of which ${format.label} is asked for") +
                    "; take OnnxRuntime for onnx, LiteRt for tflite, or convert to the other format",
            )
        return Session(this, engine, form, threads, stages, clock)
    }

    public companion object {
        /**
         * Open a bundle and check all that can be checked without reading its models. It is mapped into memory: do not
         * write over the file as long as the bundle is used (install another beside it, see `Slots`); [read] would
         * notice.
         *
         * @param trustedKeys it must be signed with one of them, and not have expired; null: any bundle is taken, none
         *   vouched for.
         * @param now Unix time in seconds by which it may have expired; null: this device's clock.
         * @throws BundleException it cannot be read; it is damaged, altered, of an unknown version, or contradicts
         *   itself; it is not signed, signed by another key, wrongly signed or expired.
         * @throws UsageException there are no trusted keys in the list.
         * @throws fpm.edge.MissingExtraException there are trusted keys, and the platform has no Ed25519.
         */
        @JvmStatic
        @JvmOverloads
        public fun open(
            file: File,
            trustedKeys: List<TrustedKey>? = null,
            now: Double? = null,
        ): Bundle {
            val content =
                try {
                    FileInputStream(file).channel.use { channel ->
                        val size = channel.size()
                        if (size > Int.MAX_VALUE) {
                            throw BundleException(
                                "$file has $size bytes; a bundle has at most ${Int.MAX_VALUE}; get the original file",
                            )
                        }
                        channel.map(FileChannel.MapMode.READ_ONLY, 0, size)
                    }
                } catch (error: IOException) {
                    throw BundleException("$file cannot be read: ${error.message}", error)
                }
            return open(content, file.path, trustedKeys, now)
        }

        /**
         * As the other one, of a bundle in memory: all between the buffer's position and its limit.
         *
         * @param where how messages name it.
         */
        @JvmStatic
        @JvmOverloads
        public fun open(
            content: ByteBuffer,
            where: String = "bundle in memory",
            trustedKeys: List<TrustedKey>? = null,
            now: Double? = null,
        ): Bundle = Bundle(openParts(content, where, trustedKeys, now))
    }
}
