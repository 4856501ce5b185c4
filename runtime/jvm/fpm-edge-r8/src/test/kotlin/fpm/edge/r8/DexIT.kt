package fpm.edge.r8

import org.junit.jupiter.api.Test

/** What an app's build makes of the modules, without a word of warning. */
class DexIT {
    private val program = Packaged.ours + listOf(Packaged.app)
    private val rules = Packaged.rules("android.pro")

    @Test
    fun `all that is published can be dexed for Android 8`() {
        val bytes = dexed(Packaged.ours, classpath = Packaged.theirs + Packaged.engines)
        println("dex of all of fpm-edge: $bytes bytes")
    }

    @Test
    fun `R8 needs no rule of the app's but where it begins`() {
        val bytes = shrunk(program + Packaged.theirs, classpath = Packaged.engines, rules)
        println("dex of a small app with Kotlin, coroutines and Gson, shrunk: $bytes bytes")
    }

    @Test
    fun `all that is published can be dexed together with what it needs`() {
        val bytes = dexed(Packaged.ours + Packaged.theirs, classpath = Packaged.engines)
        println("dex of all of fpm-edge with Kotlin, coroutines and Gson: $bytes bytes")
    }

    @Test
    fun `R8 shrinks what is ours of it alone`() {
        val bytes = shrunk(program, classpath = Packaged.theirs + Packaged.engines, rules)
        println("dex of a small app with what it uses of fpm-edge, shrunk: $bytes bytes")
    }
}
