package fpm.edge.stages

import fpm.edge.SchemaException
import fpm.edge.bundle.ANY
import fpm.edge.bundle.CategoryRule
import fpm.edge.bundle.ConfidenceCurve
import fpm.edge.bundle.Manifest
import fpm.edge.bundle.NOTHING
import kotlin.math.exp

/**
 * What the scores of one stage say.
 *
 * @property category given or found; `none` where there is no garment, null where it is not known.
 * @property score probability of the category that was found, 0 to 1; null where it was given or is not known.
 * @property labelled which landmarks the category has; all where it is not known, not one for `none`.
 * @property confidences see [Answer]; null where the bundle has no curves.
 */
public class Recognized internal constructor(
    public val category: String?,
    public val score: Double?,
    public val labelled: BooleanArray,
    public val confidences: FloatArray?,
)

/**
 * Which garment it is, which landmarks count, and how sure they are, from one stage's scores: the rules of one bundle.
 *
 * All in float64, in an order that any language can follow (docs/bundle-format.md): a sum starts with the bias and takes
 * the landmarks in turn, each weight times its score rounded before it is added.
 */
public class Recognizer(
    manifest: Manifest,
) {
    private val schema = manifest.landmarks
    private val names = manifest.recognition?.categories?.names.orEmpty()
    private val rules = manifest.recognition?.categories?.stages.orEmpty().map(::Rule)
    private val curves = manifest.recognition?.confidences?.stages.orEmpty().map(::Curve)
    private val everything = BooleanArray(schema.landmarks.size) { true }
    private val labelled =
        schema.categories.mapValues { (_, members) -> BooleanArray(everything.size) { it in members } } +
            (NOTHING to BooleanArray(everything.size))

    /** @throws SchemaException there is no such category to ask for. */
    public fun check(category: String?) {
        if (category != null && category != ANY && category !in schema.categories) {
            val known = schema.categories.keys.sorted().joinToString(", ")
            throw SchemaException(
                "category '$category' is not in schema '${schema.name}'; expected one of: $known; or $ANY, for all " +
                    "landmarks",
            )
        }
    }

    /**
     * What a stage's scores say.
     *
     * @param stage from 1.
     * @param scores of each landmark, 0 to 1.
     * @param category as for [Session.detect]; null to find it, if the bundle has a rule.
     */
    public fun at(
        stage: Int,
        scores: FloatArray,
        category: String?,
    ): Recognized {
        val confidences = curves.getOrNull(stage - 1)?.at(scores)
        if (category != null && category in schema.categories) {
            return Recognized(category, null, labelled.getValue(category).clone(), confidences)
        }
        val rule = rules.getOrNull(stage - 1)
        if (category != null || rule == null) {
            return Recognized(null, null, everything.clone(), confidences)
        }
        val shares = rule.probabilities(scores)
        var best = 0
        for (c in shares.indices) if (shares[c] > shares[best]) best = c
        return Recognized(names[best], shares[best], labelled.getValue(names[best]).clone(), confidences)
    }
}

/** The numbers of one [CategoryRule] without boxes around them. */
private class Rule(
    rule: CategoryRule,
) {
    private val weights = rule.weights.map { it.toDoubleArray() }
    private val biases = rule.biases.toDoubleArray()

    /** The softmax over categories, adding up to 1. */
    fun probabilities(scores: FloatArray): DoubleArray {
        val shares = biases.clone()
        var highest = Double.NEGATIVE_INFINITY
        for (c in shares.indices) {
            val of = weights[c]
            var height = shares[c]
            for (i in of.indices) height += of[i] * scores[i]
            shares[c] = height
            highest = maxOf(highest, height)
        }
        var whole = 0.0
        for (c in shares.indices) {
            shares[c] = exp(shares[c] - highest)
            whole += shares[c]
        }
        for (c in shares.indices) shares[c] /= whole
        return shares
    }
}

/** One [ConfidenceCurve] likewise. */
private class Curve(
    curve: ConfidenceCurve,
) {
    private val xs = curve.scores.toDoubleArray()
    private val ys = curve.confidences.toDoubleArray()

    /** The probabilities at these scores: linear between knots, constant before the first and after the last. */
    fun at(scores: FloatArray): FloatArray = FloatArray(scores.size) { at(scores[it].toDouble()).toFloat() }

    private fun at(score: Double): Double {
        if (score >= xs.last()) return ys.last()
        val next = xs.indexOfFirst { it > score }
        if (next == 0) return ys[0]
        val x = xs[next - 1]
        val y = ys[next - 1]
        // Where knots are next to each other the slope is infinite; on a knot it does not matter.
        return if (score == x) y else (ys[next] - y) / (xs[next] - x) * (score - x) + y
    }
}
