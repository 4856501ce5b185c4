package fpm.edge.drift

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import fpm.edge.support.doubles
import kotlin.math.abs
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Numbers from 0 to 1, the same in every language. */
internal class Uniform : Random() {
    private var state = 1

    override fun nextBits(bitCount: Int): Int = error("not used")

    override fun nextDouble(): Double {
        state = 1664525 * state + 1013904223
        return state.toUInt().toDouble() / 4294967296.0
    }
}

/** The streams of vectors/make_drift.py, made again. */
internal class Stream(
    content: JsonObject,
) {
    val name: String = content["name"].asString
    val length = content["length"].asInt
    val limits = content["limits"].doubles()
    val seen: List<JsonObject> = content["seen"].asJsonArray.map { it.asJsonObject }
    private val stages = content["stages"].asInt
    private val landmarks = content["landmarks"].asInt
    private val scale = content["scale"].asDouble
    private val late = content["late"].asInt
    private val lost = content["lost"].asDouble

    fun monitor(): DriftMonitor =
        DriftMonitor(limits.toDoubleArray(), List(landmarks) { "landmark $it" }, subject = "vectors")

    /** Stages that ran × landmarks. */
    fun sample(
        number: Int,
        random: Random,
    ): List<DoubleArray> {
        val ran = 1 + (random.nextDouble() * stages).toInt()
        val known = List(landmarks) { random.nextDouble() < 0.8 || it == number % landmarks }
        val scale = 4 * scale * (if (late in 1..number) 5 else 1)
        return List(ran) {
            DoubleArray(landmarks) {
                val u = random.nextDouble()
                when {
                    !known[it] -> Double.NaN
                    random.nextDouble() < lost -> Double.POSITIVE_INFINITY
                    else -> scale * u * u * u
                }
            }
        }
    }
}

/** Scores, and movement where it is known. */
internal fun frame(
    number: Int,
    random: Random,
): Pair<FloatArray, Double?> {
    val scores = FloatArray(3) { random.nextDouble().toFloat() }
    return scores to if (number % 3 == 0) random.nextDouble() / 50 else null
}

/** Numbers within 1e-9 of the expected one, relative; everything else equal. */
internal fun assertClose(
    expected: JsonElement,
    found: Any?,
    where: String,
) {
    when {
        expected.isJsonNull -> assertEquals(null, found, where)
        expected.isJsonArray -> {
            val list = found as List<*>
            assertEquals(expected.asJsonArray.size(), list.size, where)
            expected.asJsonArray.forEachIndexed { i, it -> assertClose(it, list[i], "$where[$i]") }
        }
        expected.asJsonPrimitive.isNumber -> {
            val number = (found as Number).toDouble()
            val wanted = expected.asDouble
            assertTrue(abs(number - wanted) <= 1e-9 * abs(wanted), "$where: $number, expected $wanted")
        }
        else -> assertEquals(expected.asString, found, where)
    }
}
