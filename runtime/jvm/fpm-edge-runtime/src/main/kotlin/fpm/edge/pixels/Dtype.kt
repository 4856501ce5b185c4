package fpm.edge.pixels

/**
 * Type of a tensor's numbers.
 *
 * @property label as the manifest has it.
 * @property bytes of one number.
 */
public enum class Dtype(
    public val label: String,
    public val bytes: Int,
    internal val least: Int,
    internal val most: Int,
) {
    UINT8("uint8", 1, 0, 255),
    INT8("int8", 1, -128, 127),
    INT16("int16", 2, -32768, 32767),

    /** Of real values, which have no least and no most. */
    FLOAT32("float32", 4, 0, 0),
}
