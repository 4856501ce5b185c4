@file:JvmName("DriftLimits")

package fpm.edge.drift

import fpm.edge.UsageException
import fpm.edge.bundle.LimitedBundle

/** NE units over what was measured at conversion: a thousandth of the picture, 3 % of an NE of 0.03. */
public const val TOLERANCE: Double = 0.001

/** Where a limit comes from; [label] as the other runtimes write it. */
public enum class LimitSource(
    public val label: String,
) {
    /** The upper 95 % bound that was measured at conversion, plus the tolerance. */
    MEASURED("measured"),

    /** The limit of the self-check, which is for single cases and therefore wider. */
    GOLDENS("goldens"),

    /** The caller. */
    GIVEN("given"),
}

/** The largest mean disagreement of a stage that counts as healthy: [value] in NE units. */
public data class DriftLimit(
    public val value: Double,
    public val source: LimitSource,
)

/**
 * (stages,) the limits that a bundle's own measurements give.
 *
 * An int8 file never agrees with float in everything, so a limit begins at what was measured when it was made; the
 * upper bound, because that was measured on few pictures.
 *
 * @throws UsageException the tolerance is negative, or the bundle has neither measurements nor goldens.
 * @throws fpm.edge.BundleException its goldens are damaged.
 */
@JvmOverloads
public fun driftLimits(
    bundle: LimitedBundle,
    tolerance: Double = TOLERANCE,
): List<DriftLimit> {
    if (!(tolerance >= 0)) {
        throw UsageException("tolerance is $tolerance; expected NE units, 0 or more")
    }
    val manifest = bundle.manifest
    val measured =
        manifest.measured
            ?.stages
            .orEmpty()
            .map { it.disagreement.upper + tolerance }
    if (measured.size == manifest.stages && measured.all { it > 0 }) {
        return measured.map { DriftLimit(it, LimitSource.MEASURED) }
    }
    val golden = bundle.golden()?.limits
    if (golden != null && golden.all { it > 0 }) {
        return golden.map { DriftLimit(it, LimitSource.GOLDENS) }
    }
    throw UsageException(
        "the bundle says neither what was measured on it nor has self-check cases, so there is no limit for its " +
            "drift; convert the model again, or give limits",
    )
}
