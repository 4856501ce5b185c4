package fpm.edge.check
public enum class Verdict(public val label: String) { OK("ok"), WARNING("warning"), DRIFTED("drifted") }
internal fun verdictOf(value: Double, limit: Double): Verdict = TODO()
