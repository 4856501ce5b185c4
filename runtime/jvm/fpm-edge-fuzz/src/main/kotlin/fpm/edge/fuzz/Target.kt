package fpm.edge.fuzz

import com.google.gson.JsonObject
import fpm.edge.FpmEdgeException
import fpm.edge.bundle.TrustedKey
import fpm.edge.stages.Bundle
import java.nio.ByteBuffer
import java.util.Random

private const val CASE = "golden/0.png"
private const val ONNX = "stages/1.onnx"
private const val TFLITE = "stages/1.tflite"
private const val SIGNED_AT = 1_700_000_000.0
private const val TREE_SEEDS = 16

/**
 * One door by which a hostile bundle comes in: how a fuzzer's bytes become a bundle that is right in all before it.
 *
 * @property seeds from what a search starts.
 * @property make the bundle, from the bytes.
 */
public enum class Target(
    private val make: (ByteArray) -> ByteArray,
    internal val seeds: List<ByteArray>,
    private val keys: List<TrustedKey>? = null,
) {
    /** The file. */
    CONTAINER({ it }, listOf(containerOf(Given.hollow), containerOf(Given.reference))),

    /** The file, from members that there may be and headers that are nearly right. */
    MEMBERS({ membersOf(Choices(it)) }, trees()),

    /** The text of manifest.json; digests fit as long as it is left alone where they are. */
    MANIFEST_TEXT({ containerOf(Given.hollow + (MANIFEST to it)) }, listOf(Given.hollow.getValue(MANIFEST))),

    /** What stands in it. */
    MANIFEST_TREE({ containerOf(edited(Given.hollow, Given.manifest, Choices(it))) }, trees()),

    /** The text of golden.json. */
    GOLDEN_TEXT({ replaced(GOLDEN, it) }, listOf(Given.hollow.getValue(GOLDEN))),

    /** What stands in it. */
    GOLDEN_TREE({ replaced(GOLDEN, edited(Given.golden, Choices(it)).toString().toByteArray()) }, trees()),

    /** A picture's file. */
    PNG({ replaced(CASE, it) }, listOf(Given.whole.getValue(CASE), Given.whole.getValue("golden/1.png"))),

    /** A picture whose chunks are sound. */
    PNG_CHUNKS({ replaced(CASE, pictureOf(Choices(it), width(), height())) }, trees()),

    /** A model of which must be seen whether it names other files. */
    ONNX_MODEL(
        { replaced(ONNX, it) },
        Given.whole.filterKeys { it.endsWith(".onnx") }.values.toList() + EXTERNAL,
    ),

    /** The other kind. */
    TFLITE_MODEL(
        { replaced(TFLITE, it) },
        Given.whole.filterKeys { it.endsWith(".tflite") }.values.toList() + GROUPED,
    ),

    /** The text of signature.json. */
    SIGNATURE_TEXT(
        { containerOf(Given.hollow + (SIGNATURE to it)) },
        listOf("null", "2000000000").map {
            signatureOf(Given.hollow.getValue(MANIFEST), "1700000000", it, "3").toByteArray()
        },
        listOf(TRUSTED),
    ),

    /** What stands in it, rightly signed. */
    STATEMENT(
        { containerOf(Given.hollow + (SIGNATURE to statementOf(Choices(it), Given.hollow.getValue(MANIFEST)))) },
        trees(),
        listOf(TRUSTED),
    ),

    /** The bundle inside. */
    INNER(
        {
            val inner = edited(Given.reference, parsed(Given.reference.getValue(MANIFEST)), Choices(it))
            replaced(REFERENCE, containerOf(inner))
        },
        trees(),
    ),
    ;

    /**
     * Open the bundle and look at everything in it.
     *
     * @return how it ended: null for well.
     * @throws Throwable a finding.
     */
    internal fun run(data: ByteArray): FpmEdgeException? {
        val content = make(data)
        return guarded {
            val bundle = Bundle.open(ByteBuffer.wrap(content), "it", keys, SIGNED_AT)
            bundle.check()
            val pieces = bundle.manifest.pieces.values.flatten()
            for (spec in pieces.flatMap { it.inputs + it.outputs }) spec.size
        }
    }
}

// As a tensor of a graph would say it: external_data, and data_location = EXTERNAL.
private val EXTERNAL =
    listOf(
        byteArrayOf(8, 8, 0x3a, 6, 0x2a, 4, 0x6a, 2, 0x0a, 0),
        byteArrayOf(8, 8, 0x3a, 4, 0x2a, 2, 0x70, 1),
    )

// A flatbuffer whose table has the ninth of its fields, a list of external buffer groups.
private val GROUPED = ByteArray(36).also { it[0] = 28; it[4] = 24; it[6] = 8; it[24] = 4; it[28] = 24 }

/** Decisions to start from: none, and some at random. */
private fun trees(): List<ByteArray> =
    List(TREE_SEEDS) { seed -> ByteArray(24 * seed).also { Random(seed.toLong()).nextBytes(it) } }

private fun replaced(
    member: String,
    data: ByteArray,
): ByteArray = containerOf(sealed(Given.hollow + (member to data)))

private fun edited(
    members: Map<String, ByteArray>,
    manifest: JsonObject,
    choices: Choices,
): Map<String, ByteArray> {
    val made = edited(manifest, choices)
    // Digests that fit, unless they are what was edited.
    return if (made["digests"] == manifest["digests"]) {
        sealed(members, made)
    } else {
        members + (MANIFEST to made.toString().toByteArray())
    }
}

private fun width(): Int = Given.manifest.getAsJsonObject("geometry")["input_width"].asInt

private fun height(): Int = Given.manifest.getAsJsonObject("geometry")["input_height"].asInt

private val NAMES =
    listOf(
        "card.md", "golden/7.png", "golden/golden.json", "manifest.json", "reference/float.fpm", "signature.json",
        "stages.tflite", "stages/1.onnx", "stages/4.tflite", "stages/100.onnx", "stages/context.onnx", "whole.onnx",
        "golden/1234567.png", "golden/../x", "/manifest.json", "manifest.json\u0000", "", "MANIFEST.JSON",
    )

/** Members come and go, with digests that fit; then some bytes of the headers change, or the end goes. */
private fun membersOf(choices: Choices): ByteArray {
    val members = Given.hollow.toMutableMap()
    repeat(choices.below(4)) { members.remove(choices.of(members.keys.toList())) }
    repeat(choices.below(4)) { members[choices.of(NAMES)] = choices.bytes(80) }
    repeat(choices.below(2)) { members[choices.text(12)] = choices.bytes(4) }
    val content = containerOf(if (choices.flag() && MANIFEST in members) sealed(members, Given.manifest) else members)
    val central = 1 + content.size / 4
    repeat(choices.below(4)) {
        val place = choices.below(if (choices.flag()) central else content.size)
        content[content.size - 1 - place] = choices.byte().toByte()
    }
    return if (choices.below(8) == 7) content.copyOf(choices.below(content.size)) else content
}
