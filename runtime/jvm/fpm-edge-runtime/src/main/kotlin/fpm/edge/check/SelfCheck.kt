@file:JvmName("SelfCheck")

package fpm.edge.check

import fpm.edge.BundleException
import fpm.edge.ModelException
import fpm.edge.bundle.GoldenCase
import fpm.edge.pixels.normalizedError
import fpm.edge.stages.GoldenSession

/**
 * The self-check: does this device answer the golden cases of a bundle as the float model did? It needs no label.
 *
 * The disagreement of a case is the mean over its category's landmarks of the distance between the two models'
 * landmarks, coordinates divided by the input's width and height. A stage is held to its limit by its worst case. The
 * report has the stages that the session has loaded, which may be fewer than the bundle's.
 *
 * @throws BundleException the bundle has no self-check cases, or they do not fit its stages and landmarks.
 * @throws ModelException the session's answers are not those of stages 1, 2, … in order.
 */
public fun checkGoldens(session: GoldenSession): GoldenReport {
    val golden = session.bundle.golden()
    if (golden == null || golden.cases.isEmpty()) {
        throw BundleException("the bundle has no golden cases; convert the model again with some")
    }
    val found = golden.cases.map { disagreement(session, it) }
    val stages =
        found[0].indices.map { i ->
            val values = found.map { it[i] }
            val worst = values.max()
            val case = golden.cases[values.indexOf(worst)].member
            GoldenStage(i + 1, mean(values), worst, case, golden.limits[i])
        }
    return GoldenReport(golden.cases.size, stages)
}

/** By loaded stage, the mean disagreement of one case, NE units; infinite where an answer is not finite. */
private fun disagreement(
    session: GoldenSession,
    golden: GoldenCase,
): List<Double> {
    val manifest = session.bundle.manifest
    val results = session.detectInput(session.bundle.goldenInput(golden))
    val answered = results.map { it.stage }
    if (answered.isEmpty() || answered.size > manifest.stages || answered != (1..answered.size).toList()) {
        throw ModelException(
            "${golden.member}: the session answered with stages ${answered.joinToString(", ").ifEmpty { "none" }}; " +
                "expected 1 to at most ${manifest.stages}",
        )
    }
    val members = manifest.landmarks.categories.getValue(golden.category)
    val size = doubleArrayOf(manifest.geometry.inputWidth.toDouble(), manifest.geometry.inputHeight.toDouble())
    return results.mapIndexed { i, result ->
        val predicted = DoubleArray(2 * members.size) { result.landmarks[2 * members[it / 2] + it % 2].toDouble() }
        val expected = DoubleArray(2 * members.size) { golden.landmarks[i][2 * members[it / 2] + it % 2] }
        mean(normalizedError(predicted, expected, size).asList())
    }
}

private fun mean(values: List<Double>): Double = values.fold(0.0) { sum, value -> sum + value } / values.size
