package fpm.edge.fuzz

import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.util.Random
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** A short search from a fixed seed, the same every time; fuzz.sh searches for longer. */
internal class TargetTest {
    @ParameterizedTest
    @EnumSource(Target::class)
    fun `nothing but exceptions of the runtime comes out of it`(target: Target) {
        val random = Random(target.ordinal.toLong())
        var accepted = 0
        repeat(RUNS) { run ->
            val seed = target.seeds[run % target.seeds.size]
            val data = if (run < target.seeds.size) seed else mutant(seed, random)
            try {
                if (target.run(data) == null) accepted++
            } catch (error: Throwable) {
                throw AssertionError("$target, run $run: ${hexadecimal(data).take(2000)}", error)
            }
        }
        assertTrue(accepted < RUNS, "whatever is in it, $target accepts it")
    }

    @ParameterizedTest
    @EnumSource(Target::class)
    fun `what it starts from is accepted, so that changes get to what they are to test`(target: Target) {
        assertNull(target.run(target.seeds.first()), "$target")
    }

    private fun mutant(
        seed: ByteArray,
        random: Random,
    ): ByteArray {
        if (seed.isEmpty()) return ByteArray(random.nextInt(64)).also(random::nextBytes)
        var made = seed.clone()
        repeat(1 + random.nextInt(4)) {
            val at = random.nextInt(made.size)
            val to = minOf(made.size, at + 1 + random.nextInt(16))
            made =
                when (random.nextInt(5)) {
                    0 -> made.copyOf(at) + made.copyOfRange(to, made.size)
                    1 -> made.copyOf(to) + made.copyOfRange(at, made.size)
                    2 -> made.copyOf(at) + ByteArray(to - at).also(random::nextBytes) + made.copyOfRange(at, made.size)
                    else -> made.also { it[at] = random.nextInt(256).toByte() }
                }
            if (made.isEmpty()) return made
        }
        return made
    }

    private companion object {
        const val RUNS = 400
    }
}
