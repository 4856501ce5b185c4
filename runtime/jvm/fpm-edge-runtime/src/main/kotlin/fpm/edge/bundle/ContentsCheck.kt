package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.SchemaException

internal const val MANIFEST: String = "manifest.json"
internal const val GOLDEN: String = "golden/golden.json"

/** Throws [BundleException] where the manifest and the names of the members contradict each other. */
internal fun checkMembers(
    manifest: Manifest,
    members: Set<String>,
) {
    val without = setOf(MANIFEST, SIGNATURE)
    val digests = manifest.digests.keys
    val differing = (digests - members) + (members - without - digests)
    val wrong = digests.intersect(without).ifEmpty { differing }
    if (wrong.isNotEmpty()) {
        val names = wrong.sorted().joinToString(", ")
        throw BundleException("digests in $MANIFEST and members differ in $names; get the original file")
    }
    checkWiring(manifest)
    val pieces =
        manifest.pieces.values
            .flatten()
            .map { it.member }
    for (member in pieces) {
        if (member !in members) {
            throw BundleException("member $member, which $MANIFEST names, is missing; get the original file")
        }
    }
    for (member in members) {
        if (member.startsWith("stages/") && member !in pieces) {
            throw BundleException("member $member is no piece in $MANIFEST; make the bundle again")
        }
    }
    if (GOLDEN !in members && members.any { it.startsWith("golden/") }) {
        throw BundleException("there are golden inputs but no $GOLDEN; make the bundle again")
    }
}

/** Throws [BundleException] where self-check cases do not fit the manifest or the members. */
internal fun checkGolden(
    golden: GoldenSet,
    manifest: Manifest,
    members: Set<String>,
) {
    fun refuse(why: String): Nothing = throw BundleException("$GOLDEN$why; make the bundle again")
    val stages = manifest.stages
    if (golden.limits.size != stages || golden.limits.any { it < 0 }) {
        refuse(": limits are ${golden.limits}; expected one for each of $stages stages")
    }
    if (golden.cases.distinctBy { it.member }.size != golden.cases.size) {
        // A few bytes of JSON each would ask for a picture and a run each.
        refuse(": an input is used by two cases")
    }
    val points = manifest.landmarks.landmarks.size
    for (case in golden.cases) {
        if (case.member !in members || !case.member.endsWith(".png")) {
            refuse(": input '${case.member}' is not in the bundle")
        }
        try {
            landmarksOf(manifest.landmarks, case.category)
        } catch (error: SchemaException) {
            refuse(", ${case.member}: ${error.message}")
        }
        if (case.landmarks.size != stages || case.landmarks.any { it.size != 2 * points }) {
            refuse(", ${case.member}: it has not $stages stages of $points landmarks")
        }
    }
}
