package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.UsageException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32

/** The float model that the bundle is compared with, a bundle itself. */
internal const val REFERENCE: String = "reference/float.fpm"

/** A container whose headers were checked, and what was read from it. */
internal class OpenedParts(
    val where: String,
    val source: ByteBuffer,
    val entries: Map<String, Entry>,
    val digest: String,
    val signature: Statement?,
    val manifest: Manifest,
)

/**
 * What is in an open bundle: one file with a network's pieces, what is known about them, and the means to check both.
 * Get one from `Bundle.open`. Each [read] checks the digest of what it read.
 */
public open class BundleContents internal constructor(
    private val parts: OpenedParts,
) : LimitedBundle {
    /** How messages name the bundle. */
    public val where: String = parts.where

    /** What is in the bundle, how it is wired and what was measured on it. */
    override val manifest: Manifest = parts.manifest

    /** The names of all members, sorted. */
    public val members: List<String> = parts.entries.keys.sorted()

    /** SHA-256 of manifest.json, hexadecimal. As that holds all other digests, it identifies the whole bundle. */
    override val digest: String = parts.digest

    /** What the signature states, by one of the trusted keys; null if it was opened without trusted keys. */
    public val signature: Statement? = parts.signature

    /** How many stages it has. */
    public val stages: Int = manifest.stages

    /** Which formats its pieces come in. */
    public val formats: List<Format> = Format.entries.filter { !manifest.pieces[it].isNullOrEmpty() }

    /**
     * The bytes of a member, after comparing their CRC-32 and, of all that have one, the SHA-256 in the manifest.
     *
     * @return a direct buffer of its own, which nobody else can change: it is copied first, and then checked.
     * @throws UsageException there is no such member.
     * @throws BundleException the bytes are not those that the manifest promises, or are a model that needs other files.
     */
    public fun read(member: String): ByteBuffer {
        val entry =
            parts.entries[member] ?: throw UsageException(
                "the bundle has no member '$member'; it has: ${members.joinToString(", ")}",
            )
        return naming(where) {
            val raw = rawMember(parts.source, entry)
            val expected = if (member == MANIFEST) digest else manifest.digests[member]
            if (expected != null && sha256(raw) != expected) {
                throw BundleException(
                    "member $member does not have the SHA-256 in the manifest: damaged or altered; get the original file",
                )
            }
            refuseExternalData(member, raw)
            raw
        }
    }

    /**
     * The self-check cases, or null if the bundle has none.
     *
     * @throws BundleException they are damaged, or do not fit the manifest.
     */
    override fun golden(): GoldenSet? {
        if (GOLDEN !in parts.entries) return null
        val golden = decodeGolden(bytesOf(read(GOLDEN)))
        checkGolden(golden, manifest, parts.entries.keys)
        return golden
    }

    /**
     * The input of a self-check case.
     *
     * @return input height × input width × RGB bytes.
     * @throws BundleException the picture is damaged or not of exactly the input's size.
     */
    public fun goldenInput(case: GoldenCase): ByteArray {
        val raw = bytesOf(read(case.member))
        return try {
            decodePng(raw, manifest.geometry.inputWidth, manifest.geometry.inputHeight)
        } catch (error: PngException) {
            throw BundleException("${case.member} is not a readable PNG: ${error.message}; make the bundle again", error)
        }
    }

    /**
     * Read everything in it, but load no model, and do not look into its reference.
     *
     * @throws BundleException a member is damaged, or does not fit the manifest.
     */
    public open fun check() {
        members.forEach(::read)
        golden()?.cases?.forEach(::goldenInput)
    }
}

/**
 * Check all of a bundle that can be checked without reading the models.
 *
 * @param source the whole bundle, from its position to its limit.
 * @throws BundleException, UsageException, MissingExtraException as `Bundle.open`.
 */
internal fun openParts(
    source: ByteBuffer,
    where: String,
    trustedKeys: List<TrustedKey>?,
    now: Double?,
): OpenedParts {
    if (trustedKeys != null && trustedKeys.isEmpty()) {
        throw UsageException("there is no trusted key, so no bundle is accepted; name at least one")
    }
    val content = source.slice()
    val entries = readEntries(content, where)
    val manifest = entries[MANIFEST] ?: throw BundleException("$where: $MANIFEST is missing; get the original file")
    return naming(where) {
        val raw = bytesOf(rawMember(content, manifest))
        val digest = sha256(raw)
        // Before the manifest is parsed: of a bundle that nobody trusted made, nothing more is looked at.
        val signature = checkSignature(content, entries[SIGNATURE], digest, trustedKeys, now)
        val decoded = decodeManifest(raw)
        checkMembers(decoded, entries.keys)
        OpenedParts(where, content, entries, digest, signature, decoded)
    }
}

/**
 * Compare the float model inside a bundle with the bundle around it.
 *
 * @param where is said in errors.
 * @throws BundleException it does not fit.
 */
internal fun checkReference(
    bundle: BundleContents,
    reference: BundleContents,
    where: String,
) {
    val mine = bundle.manifest
    val its = reference.manifest
    if (mine.landmarks != its.landmarks || mine.geometry != its.geometry || mine.stages != its.stages) {
        throw BundleException(
            "$where has other landmarks, geometry or stages than the bundle around it; make the bundle again",
        )
    }
    if (REFERENCE in reference.members) {
        throw BundleException("$where has a reference of its own; make the bundle again")
    }
}

/** Have every [BundleException] name the bundle. */
internal inline fun <T> naming(
    where: String,
    run: () -> T,
): T =
    try {
        run()
    } catch (error: BundleException) {
        throw BundleException("$where: ${error.message}", error)
    }

/** The statement, if there are keys to verify it with. Whether it is about this manifest is always checked. */
private fun checkSignature(
    content: ByteBuffer,
    entry: Entry?,
    digest: String,
    keys: List<TrustedKey>?,
    now: Double?,
): Statement? {
    if (entry == null) {
        if (keys == null) return null
        throw BundleException("it is not signed, and trusted keys were given; get a signed bundle, or sign it")
    }
    val signed = decodeSignature(bytesOf(rawMember(content, entry)))
    if (signed.statement.manifest != digest) {
        throw BundleException(
            "$SIGNATURE is about another bundle, whose $MANIFEST has SHA-256 ${signed.statement.manifest}; get the " +
                "original file",
        )
    }
    return keys?.let { checkStatement(signed, it, now) }
}

/** A copy of a member's bytes, whose CRC-32 is right. */
private fun rawMember(
    content: ByteBuffer,
    entry: Entry,
): ByteBuffer {
    val part = content.duplicate()
    part.position(entry.offset)
    part.limit(entry.offset + entry.size)
    val raw = ByteBuffer.allocateDirect(entry.size).order(ByteOrder.nativeOrder())
    raw.put(part)
    raw.clear()
    val crc = CRC32().apply { update(raw.duplicate()) }.value.toInt()
    if (crc != entry.crc) throw BundleException("${entry.name} is damaged (CRC-32); get the original file")
    return raw
}

private fun bytesOf(buffer: ByteBuffer): ByteArray = ByteArray(buffer.limit()).also { buffer.duplicate().get(it) }
