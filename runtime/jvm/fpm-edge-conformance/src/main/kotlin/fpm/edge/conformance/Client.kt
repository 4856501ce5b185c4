package fpm.edge.conformance

import java.io.BufferedReader
import java.io.PrintStream

/** The runtime as a client of the conformance suite: `java -jar fpm-edge-conformance/target/client.jar`. */
public fun main() {
    val answers = Answers()
    val out = PrintStream(System.out, false, "UTF-8")
    val lines = BufferedReader(System.`in`.reader(Charsets.UTF_8))
    while (true) {
        val line = lines.readLine() ?: break
        val (answer, isLast) = answers.to(line)
        out.print(answer + "\n")
        out.flush()
        if (isLast) break
    }
    answers.close()
}
