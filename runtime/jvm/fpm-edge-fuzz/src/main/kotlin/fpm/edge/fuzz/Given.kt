package fpm.edge.fuzz

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import fpm.edge.stages.Bundle
import java.io.File
import java.nio.ByteBuffer
import java.security.MessageDigest

/*
 * The bundle from which all others are made: tiny.fpm, and the same without its models, so that a run is short.
 */

internal const val MANIFEST: String = "manifest.json"
internal const val GOLDEN: String = "golden/golden.json"
internal const val SIGNATURE: String = "signature.json"
internal const val REFERENCE: String = "reference/float.fpm"

internal object Given {
    val tiny: ByteArray = File(System.getProperty("fuzz.bundle") ?: "../../web/test/vectors/tiny.fpm").readBytes()

    /** All members of tiny.fpm as they are. */
    val whole: Map<String, ByteArray> = membersOf(tiny)

    private val onnx = byteArrayOf(8, 8)

    // A flatbuffer whose table has no fields.
    private val tflite = byteArrayOf(8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0)

    /** Without models, without what is inside, and with pictures that are soon read. */
    val hollow: Map<String, ByteArray> = hollowed(whole - REFERENCE)

    val manifest: JsonObject = parsed(hollow.getValue(MANIFEST))
    val golden: JsonObject = parsed(hollow.getValue(GOLDEN))

    /** The float model inside tiny.fpm. */
    val reference: Map<String, ByteArray> = hollowed(membersOf(whole.getValue(REFERENCE)))

    private fun membersOf(content: ByteArray): Map<String, ByteArray> {
        val bundle = Bundle.open(ByteBuffer.wrap(content))
        return bundle.members.associateWith { name ->
            bundle.read(name).let { data -> ByteArray(data.remaining()).also { data.get(it) } }
        }
    }

    private fun hollowed(members: Map<String, ByteArray>): Map<String, ByteArray> {
        val geometry = parsed(members.getValue(MANIFEST)).getAsJsonObject("geometry")
        val black = pictureOf(Choices(ByteArray(0)), geometry["input_width"].asInt, geometry["input_height"].asInt)
        return sealed(
            members.mapValues { (name, data) ->
                when (name.substringAfterLast('.')) {
                    "onnx" -> onnx
                    "tflite" -> tflite
                    "png" -> black
                    else -> data
                }
            },
        )
    }
}

internal fun parsed(text: ByteArray): JsonObject = JsonParser.parseString(String(text, Charsets.UTF_8)).asJsonObject

/** The members with a manifest that has their digests; it is [manifest], or the one among them. */
internal fun sealed(
    members: Map<String, ByteArray>,
    manifest: JsonObject = parsed(members.getValue(MANIFEST)),
): Map<String, ByteArray> {
    val digests = JsonObject()
    for ((name, data) in members) if (name != MANIFEST && name != SIGNATURE) digests.addProperty(name, sha256(data))
    val stated = JsonObject()
    for ((key, value) in manifest.entrySet()) stated.add(key, if (key == "digests") digests else value)
    return members + (MANIFEST to stated.toString().toByteArray())
}

internal fun sha256(data: ByteArray): String = hexadecimal(MessageDigest.getInstance("SHA-256").digest(data))

internal fun hexadecimal(bytes: ByteArray): String =
    bytes.joinToString("") { (it.toInt() and 255 or 256).toString(16).drop(1) }
