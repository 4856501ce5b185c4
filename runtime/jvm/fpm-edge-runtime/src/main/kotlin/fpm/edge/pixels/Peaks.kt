package fpm.edge.pixels

/** Finds the peaks of maps of one size, one after the other. */
internal class Peaks(
    height: Int,
    width: Int,
) {
    private val ties = Ties(height, width)

    /** Find the peak of a map; where its largest code lies in several places, that with the most around it. */
    fun find(
        map: Heatmap,
        peak: Peak,
    ) {
        val codes = map.codes
        val area = map.height * map.width
        var code = codes[map.first]
        var place = 0
        var count = 1
        var at = map.first + map.step
        for (cell in 1 until area) {
            val here = codes[at]
            if (here > code) {
                code = here
                place = cell
                count = 1
            } else if (here == code) {
                count++
            }
            at += map.step
        }
        peak.code = code
        peak.cells = count
        if (count == area) return
        if (count > 1) {
            ties.heaviest(map, place, peak)
        } else {
            peak.left = place % map.width
            peak.right = peak.left
            peak.top = place / map.width
            peak.bottom = peak.top
            peak.x = peak.left.toDouble()
            peak.y = peak.top.toDouble()
        }
        peak.column = roundHalfEven(peak.x)
        peak.row = roundHalfEven(peak.y)
    }
}
