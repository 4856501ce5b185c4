package fpm.edge.stages

/** Says the time. Deadlines and timings are by it. */
public fun interface Clock {
    /** Milliseconds from any beginning, never fewer than before. */
    public fun ms(): Double

    public companion object {
        /** The device's own, which no change of its date moves. */
        @JvmField
        public val SYSTEM: Clock = Clock { System.nanoTime() / 1e6 }
    }
}
