package fpm.edge.cameras

/**
 * What became of the frames; those that are in none of the last three wait or are in work.
 *
 * @property offered all of them.
 * @property done that were answered.
 * @property failed whose `detect` threw.
 * @property dropped that a newer one or [Live.close] took the place of, or that came after it.
 */
public data class LiveCounts
    @JvmOverloads
    constructor(
        public val offered: Long = 0,
        public val done: Long = 0,
        public val failed: Long = 0,
        public val dropped: Long = 0,
    )
