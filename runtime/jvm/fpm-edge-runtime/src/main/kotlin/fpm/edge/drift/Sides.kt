package fpm.edge.drift

private val WORD = Regex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^a-zA-Z]+")

/**
 * Pairs such as `cuff_left` and `cuff_right` (or `LCuff` and `RCuff`) that the schema lets both stay in place in a
 * mirror image.
 *
 * Names are never taken for pairs, for they may lie; they are a reason to ask.
 *
 * @param landmarks the L names.
 * @param flip (L) index of the landmark that takes the place of each in a mirror image.
 */
internal fun unpairedSides(
    landmarks: List<String>,
    flip: List<Int>,
): List<Pair<String, String>> {
    val words = landmarks.map { name -> WORD.findAll(name).map { it.value.lowercase() }.toList() }
    val index = words.withIndex().associate { (i, found) -> found to i }
    return words.indices.mapNotNull { i ->
        val swapped = words[i].map { if (it == "l") "r" else it.replace("left", "right") }
        val other = index[swapped] ?: i
        if (other != i && flip[i] == i && flip[other] == other) landmarks[i] to landmarks[other] else null
    }
}
