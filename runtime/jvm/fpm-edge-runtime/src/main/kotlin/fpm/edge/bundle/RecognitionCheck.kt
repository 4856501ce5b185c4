package fpm.edge.bundle

import fpm.edge.BundleException
import kotlin.math.abs

/** The category of a picture without a garment. */
public const val NOTHING: String = "none"

/** What to ask for where every landmark counts and no category is to be found. */
public const val ANY: String = "any"

// The most knots of a curve.
private const val MOST_KNOTS = 32

// Of weights and biases, so that no sum of them leaves float64.
private const val LARGEST = 1e6

/** Throws [BundleException], naming the first field that cannot be used with this schema and so many stages. */
internal fun checkRecognition(
    recognition: Recognition,
    schema: LandmarkSchema,
    stages: Int,
) {
    if (recognition.categories == null && recognition.confidences == null) {
        refuse("recognition", "is empty; expected categories, confidences or both")
    }
    recognition.categories?.let { checkRules(it, schema, stages) }
    recognition.confidences?.let { curves ->
        val where = "recognition.confidences"
        checkLength("$where.stages", curves.stages.size, stages)
        checkCounts(where, curves.pictures, curves.points)
        curves.stages.forEachIndexed { i, curve -> checkCurve("$where, stage ${i + 1}", curve) }
    }
}

private fun checkRules(
    rules: Categories,
    schema: LandmarkSchema,
    stages: Int,
) {
    val where = "recognition.categories"
    val names = rules.names
    val known = names.dropLast(1)
    if (names.lastOrNull() != NOTHING || known.isEmpty() || known.toSet().size != known.size ||
        !schema.categories.keys.containsAll(known)
    ) {
        val found = names.joinToString(", ")
        refuse("$where.names", "is [$found]; expected categories of the schema, once each, and $NOTHING")
    }
    if (NOTHING in known) refuse("$where.names", "names $NOTHING, and the schema has a category of that name")
    checkLength("$where.stages", rules.stages.size, stages)
    checkCounts(where, rules.pictures, rules.nothing, rules.folds)
    rules.stages.forEachIndexed { i, rule ->
        val here = "$where, stage ${i + 1}"
        checkLength("$here: weights", rule.weights.size, names.size)
        checkLength("$here: biases", rule.biases.size, names.size)
        for (row in rule.weights) checkLength("$here: weights", row.size, schema.landmarks.size)
        for (row in rule.weights.plusElement(rule.biases)) {
            for (value in row) {
                if (!(abs(value) <= LARGEST)) refuse(here, "holds $value; expected numbers of at most $LARGEST")
            }
        }
        checkShares(here, listOf(rule.found, rule.nothingFound, rule.garmentsLost))
    }
}

private fun checkCurve(
    here: String,
    curve: ConfidenceCurve,
) {
    if (curve.scores.size !in 1..MOST_KNOTS || curve.confidences.size != curve.scores.size) {
        val found = "${curve.scores.size} scores, ${curve.confidences.size} confidences"
        refuse(here, "has $found; expected 1 to $MOST_KNOTS of each")
    }
    checkShares(here, curve.scores + curve.confidences + curve.calibrationError)
    if (curve.scores.zipWithNext().any { (one, next) -> next <= one } ||
        curve.confidences.zipWithNext().any { (one, next) -> next < one }
    ) {
        refuse(here, "falls; expected scores that grow, confidences that never fall")
    }
}

private fun checkLength(
    what: String,
    entries: Int,
    expected: Int,
) {
    if (entries != expected) refuse(what, "has $entries entries; expected $expected")
}

private fun checkCounts(
    where: String,
    vararg counts: Int,
) {
    if (counts.any { it < 0 }) refuse(where, "counts fewer than no pictures")
}

private fun checkShares(
    here: String,
    shares: List<Double>,
) {
    for (share in shares) if (share !in 0.0..1.0) refuse(here, "holds $share; expected 0 to 1")
}

private fun refuse(
    what: String,
    why: String,
): Nothing = throw BundleException("$MANIFEST: $what $why; make the bundle again")
