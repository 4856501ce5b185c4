package fpm.edge.bundle

/** The part of a bundle that says its limits. */
public interface LimitedBundle {
    /** What identifies it. */
    public val digest: String

    public val manifest: Manifest

    /** Its self-check cases; null without. */
    public fun golden(): GoldenSet?
}
