package fpm.edge.pixels

/** Why a heatmap does not say where its landmark is; [label] as the other runtimes write it. */
public enum class Doubt(
    public val label: String,
) {
    /** It holds a value that is infinite or not a number. */
    NOT_FINITE("not finite"),

    /** It is the same everywhere. */
    FLAT("flat"),

    /** Its peak is cut off over more than the 5 × 5 cells of the fit, so it may be anywhere in there. */
    SATURATED("saturated"),
}
