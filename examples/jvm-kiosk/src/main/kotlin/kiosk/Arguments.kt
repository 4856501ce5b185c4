package kiosk

import fpm.edge.UsageException
import java.io.File

/** What is asked for on the command line. */
internal class Arguments(
    val bundle: File,
    val source: File,
    val deadlineMs: Double?,
    val category: String?,
    val log: File?,
    val reference: File?,
) {
    companion object {
        const val USAGE =
            "usage: java -jar kiosk.jar BUNDLE FOLDER|VIDEO.mp4 [--deadline-ms N] [--category C] [--reference FLOAT.fpm] " +
                "[--log FILE]"
        private val OPTIONS = setOf("--deadline-ms", "--category", "--log", "--reference")

        fun of(words: List<String>): Arguments {
            val paths = ArrayList<String>()
            val options = HashMap<String, String>()
            val left = ArrayDeque(words)
            while (left.isNotEmpty()) {
                val word = left.removeFirst()
                if (word in OPTIONS) {
                    options[word] = left.removeFirstOrNull() ?: throw UsageException("$word needs a value\n$USAGE")
                } else if (word.startsWith("-")) {
                    throw UsageException("unknown option $word\n$USAGE")
                } else {
                    paths += word
                }
            }
            if (paths.size != 2) throw UsageException("expected a bundle, and a folder or a video\n$USAGE")
            val deadline =
                options["--deadline-ms"]?.let {
                    it.toDoubleOrNull() ?: throw UsageException("--deadline-ms is $it; expected milliseconds")
                }
            val log = options["--log"]?.let(::File)
            val reference = options["--reference"]?.let(::File)
            return Arguments(File(paths[0]), File(paths[1]), deadline, options["--category"], log, reference)
        }
    }
}
