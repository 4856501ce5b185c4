package fpm.edge.drift

import fpm.edge.UsageException
import fpm.edge.check.Verdict
import fpm.edge.check.verdictOf
import kotlin.math.abs
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

internal class PairwiseSumTest {
    @Test
    fun `a sum is numpy's to the last bit`() {
        // np.sum(np.array([1 / (i + 1) for i in range(n)]))
        val expected =
            mapOf(
                1 to 1.0,
                7 to 2.5928571428571425,
                8 to 2.7178571428571425,
                9 to 2.8289682539682537,
                64 to 4.743890903705769,
                127 to 5.425334592589172,
                128 to 5.433147092589173,
                129 to 5.440899030573669,
                300 to 6.282663880299504,
                1001 to 7.486469861549347,
            )
        for ((count, sum) in expected) {
            assertEquals(sum, pairwiseSum(DoubleArray(count) { 1.0 / (it + 1) }), "$count")
        }
        assertEquals(0.5 + 1.0 / 3, pairwiseSum(DoubleArray(9) { 1.0 / (it + 1) }, 1, 3))
    }
}

internal class VerdictTest {
    @Test
    fun `over the limit is drift, over three quarters of it a warning`() {
        assertEquals(Verdict.OK, verdictOf(0.75, 1.0))
        assertEquals(Verdict.WARNING, verdictOf(0.76, 1.0))
        assertEquals(Verdict.WARNING, verdictOf(1.0, 1.0))
        assertEquals(Verdict.DRIFTED, verdictOf(1.01, 1.0))
        assertEquals(Verdict.DRIFTED, verdictOf(Double.NaN, 1.0))
        assertEquals(Verdict.DRIFTED, verdictOf(Double.POSITIVE_INFINITY, 1.0))
        assertEquals(Verdict.OK, verdictOf(0.0, 0.0))
        assertTrue(Verdict.OK < Verdict.WARNING && Verdict.WARNING < Verdict.DRIFTED)
    }
}

internal class SamplerTest {
    /** Which of these frames are drawn, one every [interval] seconds. */
    private fun drawn(
        frames: Int,
        interval: Double,
        rate: Double? = null,
        budget: Double? = null,
        spacingS: Double = 0.0,
        cost: Double? = null,
        random: Random = Uniform(),
    ): List<Int> {
        var now = 0.0
        val sampler = Sampler(rate, budget, spacingS, random) { now }
        cost?.let(sampler::spent)
        return (0 until frames).filter {
            now += interval
            sampler.draw()
        }
    }

    private fun apart(frames: List<Int>): List<Int> = frames.zipWithNext { one, next -> next - one }

    @Test
    fun `a rate is kept, at random`() {
        val found = drawn(20_000, 0.03, rate = 0.01)
        assertTrue(found.size in 151..249)
        assertTrue(apart(found).toSet().size > 50)
        assertNotEquals(drawn(20_000, 0.03, rate = 0.01, random = Random(2)), found)
    }

    @Test
    fun `a budget is kept, whatever the frame rate`() {
        for (interval in listOf(0.01, 0.1)) {
            val found = drawn((3600 / interval).toInt(), interval, budget = 600.0, cost = 0.04)
            assertTrue(abs(found.size - 900) < 108, "${found.size}")
        }
    }

    @Test
    fun `a budget spends nothing before it knows the cost`() {
        assertEquals(emptyList(), drawn(100, 1.0, budget = 60_000.0))
    }

    @Test
    fun `spacing keeps compared frames apart`() {
        val found = drawn(1000, 0.1, rate = 0.5, spacingS = 1.0)
        assertTrue(apart(found).min() >= 10)
        assertTrue(found.size > 60)
    }

    @Test
    fun `settings out of range are refused`() {
        val wrong =
            listOf(
                Triple(0.5, 100.0, 0.0) to "not both",
                Triple(null, null, 0.0) to "not neither",
                Triple(1.5, null, 0.0) to "rate is 1.5",
                Triple(Double.NaN, null, 0.0) to "rate is NaN",
                Triple(null, -1.0, 0.0) to "budget is -1",
                Triple(0.5, null, -1.0) to "spacingS is -1",
            )
        for ((given, says) in wrong) {
            val (rate, budget, spacing) = given
            val error = assertFailsWith<UsageException> { Sampler(rate, budget, spacing, Uniform()) }
            assertContains(error.message!!, says)
        }
    }
}
