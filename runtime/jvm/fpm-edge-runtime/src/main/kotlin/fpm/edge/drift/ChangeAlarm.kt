package fpm.edge.drift

import kotlin.math.ln1p
import kotlin.math.min

// Bounds on a mean, and an alarm on it, that hold at every moment and not only at one sample size chosen beforehand.
//
// A bettor puts a share of their capital on "the mean is larger than m". If the mean is not, no bet has a gain on
// average: the capital is a nonnegative supermartingale that starts at 1, and by Ville's inequality the probability
// that it *ever* reaches 1/α is at most α. That is all the statistics there is here; there is no assumption about the
// shape of the distribution. After Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
// JRSS-B 86, 2024. What is needed: the mean of the next value, given all values before it, is as claimed.

/** (bets,) the shares that are bet, side by side: whether a shift is large or small is not known beforehand. */
internal val BETS: DoubleArray =
    DoubleArray(8).also { bets ->
        var share = 0.99
        for (i in bets.indices) {
            bets[i] = share
            share *= 0.5 // exact, as is 0.99 · 0.5ⁱ
        }
    }

/** Capital is not counted further than this; not counting a gain keeps it a supermartingale. */
internal const val MOST_CAPITAL: Double = 1e100

/** How late the alarm expects a change: see [ChangeAlarm.waiting]. */
private const val START_SCALE = 100.0

/**
 * Evidence that a mean which should be at most 1 has at some time become larger.
 *
 * One bettor starts before every value, with a part of the capital that was set aside at the beginning; what has not
 * started keeps its value. The sum is still a supermartingale that starts at 1, and it needs no more memory than one
 * number a bet. A single bettor who had lost most of it in a long healthy time would be slow to notice a change.
 * These are the e-detectors of Shin, Ramdas and Rinaldo, 2023, with start weights that sum to 1: they bound the
 * probability that there is ever a false alarm, not only the time between two. The price is a delay that grows as the
 * logarithm of the stream's age.
 */
internal class ChangeAlarm {
    /** Values seen so far. */
    var count: Long = 0

    /** (bets,) capital of the bettors that have started. */
    val started: DoubleArray = DoubleArray(BETS.size)

    /**
     * Take the next value, 0 or more, and return the evidence.
     *
     * If all means are at most 1, the probability that the evidence ever reaches 1/α is at most α.
     */
    fun update(load: Double): Double {
        val starting = waiting(count) - waiting(count + 1)
        count += 1
        for (i in BETS.indices) {
            started[i] = min((started[i] + starting) * (1 + BETS[i] * (load - 1)), MOST_CAPITAL)
        }
        return evidence()
    }

    /** Capital of all bettors together; 1 before the first value. */
    fun evidence(): Double = pairwiseSum(started) / BETS.size + waiting(count)

    internal companion object {
        /** The capital that has not started after [count] values: 1/(1 + log(1 + count/100)). */
        fun waiting(count: Long): Double = 1 / (1 + ln1p(count / START_SCALE))
    }
}
