package fpm.edge.fuzz

import java.io.File

/** What Jazzer calls; `-Dfuzz.target=PNG` says on which door to knock. */
public object Fuzz {
    private val target = Target.valueOf(System.getProperty("fuzz.target") ?: "CONTAINER")

    @JvmStatic
    public fun fuzzerTestOneInput(data: ByteArray) {
        target.run(data)
    }
}

/** Writes the seeds of each target into a folder of its name, in the folder that is named, and prints the names. */
public fun main(arguments: Array<String>) {
    for (target in Target.entries) {
        val folder = File(arguments[0], target.name)
        folder.mkdirs()
        target.seeds.forEachIndexed { i, seed -> File(folder, "seed-$i").writeBytes(seed) }
        println(target.name)
    }
}
