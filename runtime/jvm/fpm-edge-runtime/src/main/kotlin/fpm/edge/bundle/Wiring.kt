package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.Layout

// Far above any sensible model; keeps a wrong manifest from asking for absurd amounts of memory.
private const val MAX_SIDE = 8192
private const val MAX_STAGES = 99

// Engines keep scales as float32.
private const val SMALLEST_SCALE = 1.1754943508222875e-38 // 2⁻¹²⁶
private val LARGEST_SCALE = Float.MAX_VALUE.toDouble()

/**
 * Whether a manifest's pieces can be run one after the other, and give the heatmaps that its geometry promises: checks
 * geometry, pieces and tensors of every format.
 *
 * @throws BundleException a size is impossible; a stage is missing; an input comes from nowhere; a tensor cannot be
 *   passed from one piece to the next; a heatmap has another shape than geometry and landmarks give.
 */
internal fun checkWiring(manifest: Manifest) {
    checkGeometry(manifest)
    if (manifest.pieces.values.all { it.isEmpty() }) refuse("pieces", "empty", "the stages in at least one format")
    for ((format, pieces) in manifest.pieces) {
        val at = "pieces.${format.label}"
        checkNames(pieces, format, manifest.stages)
        val known = LinkedHashMap<String, TensorSpec>()
        for (piece in pieces) {
            val where = "$at, ${piece.name}"
            for (spec in piece.inputs) checkInput(spec, known, manifest, "$where: input ${spec.name}")
            for (spec in piece.outputs) {
                val output = "$where: output ${spec.name}"
                checkTensor(spec, output)
                if (spec.name in known || spec.name == IMAGE) refuse(output, "an earlier tensor too", "another name")
                known[spec.name] = spec
            }
        }
        for (piece in pieces) if (piece.name != "context") checkHeatmap(piece, manifest, "$at, ${piece.name}")
    }
}

/** The pieces that [stage] needs, in executable order, itself last. The wiring must have been checked. */
internal fun piecesFor(
    pieces: List<Piece>,
    stage: Int,
): List<Piece> {
    val wanted = hashSetOf("heatmap_$stage")
    val needed = ArrayDeque<Piece>()
    for (piece in pieces.asReversed()) {
        if (piece.outputs.any { it.name in wanted }) {
            needed.addFirst(piece)
            piece.inputs.mapTo(wanted) { it.name }
        }
    }
    return needed
}

/** Name of the picture's tensor, which no piece makes. */
internal const val IMAGE: String = "image"

private fun checkGeometry(manifest: Manifest) {
    val geometry = manifest.geometry
    val sides = mapOf("input_height" to geometry.inputHeight, "input_width" to geometry.inputWidth)
    for ((name, side) in sides) {
        if (side !in 1..MAX_SIDE || geometry.stride < 1 || side % geometry.stride != 0) {
            val found = "$side with stride ${geometry.stride}"
            refuse("geometry.$name", found, "a multiple of the stride, at most $MAX_SIDE")
        }
    }
    if (manifest.stages !in 1..MAX_STAGES) refuse("stages", "${manifest.stages}", "1 to $MAX_STAGES")
}

private fun checkNames(
    pieces: List<Piece>,
    format: Format,
    stages: Int,
) {
    val names = pieces.map { it.name }.filter { it != "context" }
    if (names != (1..stages).map { "stage_$it" } || pieces.size - names.size > 1) {
        val found = pieces.joinToString(", ") { it.name }.ifEmpty { "none" }
        refuse("pieces.${format.label}", found, "stage_1 to stage_$stages in order, and at most one context")
    }
    for (piece in pieces) {
        val where = "pieces.${format.label}, ${piece.name}"
        val expected = "stages/${piece.name.removePrefix("stage_")}.${format.label}"
        if (piece.member != expected) refuse(where, "in member '${piece.member}'", expected)
        if (piece.inputs.isEmpty()) refuse(where, "without inputs", "at least one")
    }
}

private fun checkInput(
    spec: TensorSpec,
    known: Map<String, TensorSpec>,
    manifest: Manifest,
    where: String,
) {
    if (spec.name == IMAGE) {
        val expected = shaped(spec.layout, manifest.geometry.inputHeight, manifest.geometry.inputWidth, 3)
        if (spec.dtype != Dtype.UINT8 || spec.shape != expected) {
            refuse(where, shown(spec), "uint8 (${expected.joinToString(",")}) from the geometry")
        }
        return
    }
    checkTensor(spec, where)
    val source =
        known[spec.name]
            ?: refuse(where, "no output of an earlier piece", (listOf(IMAGE) + known.keys).joinToString(" or "))
    if (!isConvertible(source, spec)) refuse(where, shown(spec), "${shown(source)} as it was made, or another type")
}

private fun checkTensor(
    spec: TensorSpec,
    where: String,
) {
    if (spec.shape.size != 4 || spec.shape[0] != 1 || spec.shape.any { it !in 1..MAX_SIDE }) {
        refuse(where, shown(spec), "four sizes from 1 to $MAX_SIDE, the first 1")
    }
    val fits =
        if (spec.dtype == Dtype.FLOAT32) {
            spec.scale == null && spec.zeroPoint == null
        } else {
            spec.scale != null && spec.scale in SMALLEST_SCALE..LARGEST_SCALE &&
                spec.zeroPoint != null && spec.zeroPoint in spec.dtype.least..spec.dtype.most
        }
    if (!fits) refuse(where, shown(spec), "scale and zero point in the range of codes, and neither for float32")
}

private fun checkHeatmap(
    piece: Piece,
    manifest: Manifest,
    where: String,
) {
    val geometry = manifest.geometry
    val name = piece.name.replaceFirst("stage", "heatmap")
    val spec = piece.outputs.find { it.name == name } ?: refuse(where, "without heatmaps", "an output $name")
    val expected =
        shaped(
            spec.layout,
            geometry.inputHeight / geometry.stride,
            geometry.inputWidth / geometry.stride,
            manifest.landmarks.landmarks.size + 1,
        )
    if (spec.shape != expected) {
        val said = "(${expected.joinToString(",")}) from geometry and landmarks"
        refuse("$where: output $name", shown(spec), said)
    }
}

private fun shaped(
    layout: Layout,
    rows: Int,
    columns: Int,
    channels: Int,
): List<Int> = if (layout == Layout.NHWC) listOf(1, rows, columns, channels) else listOf(1, channels, rows, columns)

private fun shown(spec: TensorSpec): String =
    "${spec.dtype.label} (${spec.shape.joinToString(",")}) ${spec.layout}, scale ${spec.scale}, zero point " +
        "${spec.zeroPoint}"

private fun refuse(
    what: String,
    found: String,
    expected: String,
): Nothing = throw BundleException("$MANIFEST: $what is $found; expected $expected; make the bundle again")
