package fpm.edge.r8

import org.junit.jupiter.api.Test

/** What an app's build makes of the modules, without a word of warning. */
class DexIT {
    private val engine = listOf(Packaged.onnxRuntime)

    @Test
    fun `all that is published can be dexed for Android 8`() {
        val ours = dexed(Packaged.ours, classpath = Packaged.theirs + engine)
        val all = dexed(Packaged.ours + Packaged.theirs, classpath = engine)
        println("dex: $ours bytes of fpm-edge, $all with Kotlin, coroutines and Gson")
    }

    @Test
    fun `R8 needs no rule of the app's but where it begins`() {
        val program = Packaged.ours + listOf(Packaged.app)
        val rules = Packaged.rules("android.pro")
        val ours = shrunk(program, classpath = Packaged.theirs + engine, rules)
        val all = shrunk(program + Packaged.theirs, classpath = engine, rules)
        println("dex, shrunk with an app: $ours bytes of fpm-edge and the app, $all with the rest")
    }
}
