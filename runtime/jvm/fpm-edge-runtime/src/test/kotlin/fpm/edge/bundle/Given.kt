package fpm.edge.bundle

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import fpm.edge.BundleException
import fpm.edge.stages.Bundle
import fpm.edge.support.Vectors
import org.junit.jupiter.api.assertThrows
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64
import java.util.zip.CRC32
import kotlin.test.assertContains

/** The answers of vectors/make_bundle.py. */
internal val VECTORS: JsonObject by lazy { Vectors.load("bundle") }

/** A table of them. */
internal fun rows(name: String): List<List<JsonElement>> = VECTORS[name].asJsonArray.map { it.asJsonArray.asList() }

/** 32 × 48 pixels, three landmarks, one stage of ONNX, one golden case; not signed. */
internal val SMALL: ByteArray by lazy { unpacked(VECTORS["bundle"].asString) }

/** A real bundle of three stages. */
internal val TINY: ByteArray by lazy { File("../../web/test/vectors/tiny.fpm").readBytes() }

/** Name → a signature of the small bundle. */
internal fun signature(name: String): String = VECTORS["signatures"].asJsonObject[name].asString

internal fun unpacked(base64: String): ByteArray = Base64.getDecoder().decode(base64)

internal fun opened(
    content: ByteArray,
    trustedKeys: List<TrustedKey>? = null,
    now: Double? = null,
): Bundle = Bundle.open(ByteBuffer.wrap(content), "it", trustedKeys, now)

internal fun membersOf(content: ByteArray): Map<String, ByteArray> {
    val entries = readEntries(ByteBuffer.wrap(content), "it").values
    return entries.associate { it.name to content.copyOfRange(it.offset, it.offset + it.size) }
}

/** A container with right headers, whatever is in it; written by itself, not by what reads it. */
internal fun packed(members: Map<String, ByteArray>): ByteArray {
    val size = members.entries.sumOf { (name, data) -> 30 + name.length + 69 + data.size + 46 + name.length } + 22
    val (local, central) = List(2) { ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN) }
    for ((name, data) in members.toSortedMap()) {
        val start = local.position()
        val unaligned = start + 30 + name.length
        var gap = (64 - unaligned % 64) % 64
        if (gap in 1..5) gap += 64
        val crc = CRC32().apply { update(data) }.value.toInt()

        fun ByteBuffer.putCommon(extra: Int) {
            for (word in listOf(10, 0, 0, 0, 33)) putShort(word.toShort())
            putInt(crc)
                .putInt(data.size)
                .putInt(data.size)
                .putShort(name.length.toShort())
                .putShort(extra.toShort())
        }
        local.putInt(0x04034b50).putCommon(gap)
        local.put(name.toByteArray(Charsets.ISO_8859_1))
        if (gap > 0) local.putShort(0xd935.toShort()).putShort((gap - 4).toShort()).putShort(64)
        local.position(unaligned + gap)
        local.put(data)
        central.putInt(0x02014b50).putShort(0x030a).putCommon(0)
        central
            .putShort(0)
            .putShort(0)
            .putShort(0)
            .putInt(0x81a40000.toInt())
            .putInt(start)
        central.put(name.toByteArray(Charsets.ISO_8859_1))
    }
    val (start, length) = local.position() to central.position()
    local.put(central.array(), 0, length)
    local
        .putInt(0x06054b50)
        .putInt(0)
        .putShort(members.size.toShort())
        .putShort(members.size.toShort())
    local.putInt(length).putInt(start).putShort(0)
    return local.array().copyOf(local.position())
}

/** All of its bytes, up to its limit. */
internal fun ByteBuffer.bytes(): ByteArray = ByteArray(limit()) { get(it) }

/** The small bundle with other members (without those that are null), its manifest changed and its digests right. */
internal fun sealed(
    changes: Map<String, ByteArray?> = emptyMap(),
    manifest: (JsonObject) -> Unit = {},
): ByteArray {
    val members = membersOf(SMALL).toMutableMap()
    for ((name, data) in changes) {
        if (data == null) members.remove(name) else members[name] = data
    }
    val content = parsed(members.getValue(MANIFEST)).asJsonObject
    val digests = JsonObject()
    for ((name, data) in members) {
        if (name != MANIFEST && name != SIGNATURE) digests.addProperty(name, sha256(data))
    }
    content.add("digests", digests)
    manifest(content)
    members[MANIFEST] = content.toString().toByteArray()
    return packed(members)
}

/** The small bundle with a signature. */
internal fun signed(signature: String): ByteArray = packed(membersOf(SMALL) + (SIGNATURE to signature.toByteArray()))

internal fun parsed(bytes: ByteArray): JsonElement = JsonParser.parseString(String(bytes))

/** Set what is at a path such as `pieces.onnx.0.name`, to JSON. */
internal fun put(
    content: JsonElement,
    path: String,
    json: String,
) {
    val keys = path.split(".")
    val inside =
        keys.dropLast(1).fold(content) { at, key -> if (at is JsonArray) at[key.toInt()] else at.asJsonObject[key] }
    val value = JsonParser.parseString(json)
    if (inside is JsonArray) inside[keys.last().toInt()] = value else inside.asJsonObject.add(keys.last(), value)
}

/** Its message has this in it. */
internal fun refused(
    message: Regex,
    run: () -> Unit,
): BundleException {
    val error = assertThrows<BundleException>(run)
    assertContains(error.message.orEmpty(), message)
    return error
}
