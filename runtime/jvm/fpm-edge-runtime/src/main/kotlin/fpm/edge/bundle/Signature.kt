package fpm.edge.bundle

import fpm.edge.BundleException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/**
 * What a signature says: by whose key a bundle was released, until when it may be used, and which of two is newer.
 *
 * A signed bundle has one member more, `signature.json`: a statement about manifest.json, which holds the digests of all
 * others, and the Ed25519 signature of that statement (decision 0019).
 *
 * @property manifest SHA-256 of manifest.json, hexadecimal; the bundle's `digest`.
 * @property key SHA-256 of the 32 bytes of the public key, hexadecimal.
 * @property created when it was signed, Unix time in seconds.
 * @property expires from when on it is no longer good, Unix time in seconds; null for never.
 * @property sequence of two bundles for one purpose, the one with the higher number is newer.
 */
public data class Statement(
    public val manifest: String,
    public val key: String,
    public val created: Long,
    public val expires: Long?,
    public val sequence: Long,
)

/** Content of `signature.json`: a statement, and the Ed25519 signature of [signedBytes], hexadecimal. */
internal class SignedStatement(
    val statement: Statement,
    val signature: String,
)

// The last second of the year 9999.
private const val LATEST = 253402300799

// What all numbers in JavaScript can tell apart.
private const val MOST_SEQUENCE = (1L shl 53) - 1

// Nothing that the key signs elsewhere passes for a bundle's signature.
private const val PREFIX = "fpm-edge bundle signature, version 1\n"

// A device's clock may be so far behind that of the machine that signed, seconds.
private const val CLOCK_TOLERANCE = 300

private val digest = matching(Regex("[0-9a-f]{64}"))

private val statement =
    struct(
        mapOf(
            "manifest" to digest,
            "key" to digest,
            "created" to upTo(LATEST),
            "expires" to nullable(upTo(LATEST)),
            "sequence" to upTo(MOST_SEQUENCE),
        ),
    ) { Statement(it["manifest"], it["key"], it["created"], it["expires"], it["sequence"]) }

private val signed =
    struct(
        mapOf("statement" to statement, "signature" to matching(Regex("[0-9a-f]{128}"))),
    ) { SignedStatement(it["statement"], it["signature"]) }

/** The bytes that a signature signs. */
internal fun signedBytes(statement: Statement): ByteArray = (PREFIX + encoded(statement)).toByteArray()

/**
 * Parse `signature.json`, of which there is one encoding for each content. Nothing is verified.
 *
 * @throws BundleException it is damaged, of another form, or expires before it was created.
 */
internal fun decodeSignature(raw: ByteArray): SignedStatement {
    val field: Field<SignedStatement> = { json ->
        val made = signed(json)
        val form = "{\"statement\":${encoded(made.statement)},\"signature\":\"${made.signature}\"}"
        if (!raw.contentEquals(form.toByteArray())) json.fail("it is not in the one form that fpm-edge writes")
        val expires = made.statement.expires
        if (expires != null && expires <= made.statement.created) json.fail("it expires before it was created")
        made
    }
    return decode(raw, field, SIGNATURE, "sign the bundle again")
}

/**
 * The statement, if one of the keys signed it and it has not expired.
 *
 * @param now Unix time in seconds; null for this device's clock. A signature that never expires does not ask for it.
 * @throws BundleException another key signed it, the signature is wrong, it has expired, or the clock is wrong.
 */
internal fun checkStatement(
    signed: SignedStatement,
    keys: List<TrustedKey>,
    now: Double?,
): Statement {
    val statement = signed.statement
    val trusted =
        keys.find { it.id == statement.key } ?: throw BundleException(
            "it is signed with key ${statement.key}, which is not trusted; trusted: " +
                keys.map(TrustedKey::id).sorted().joinToString(", "),
        )
    val raw = ByteArray(signed.signature.length / 2) { signed.signature.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
    if (!trusted.isSignedBy(raw, signedBytes(statement))) {
        throw BundleException(
            "its signature is not by key ${statement.key}, which it names: damaged or forged; get the original file",
        )
    }
    val expires = statement.expires ?: return statement
    val time = now ?: (System.currentTimeMillis() / 1e3)
    if (!(time >= statement.created - CLOCK_TOLERANCE)) {
        throw BundleException(
            "its signature expires, and by this device's clock it was signed in the future, on " +
                "${moment(statement.created)}; set the clock",
        )
    }
    if (time >= expires) throw BundleException("its signature expired on ${moment(expires)}; get a newer one")
    return statement
}

/** Unix time for people: `2027-01-31 08:00:00 UTC`. */
private fun moment(seconds: Long): String {
    val format = SimpleDateFormat("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
    format.timeZone = TimeZone.getTimeZone("UTC")
    return format.format(Date(seconds * 1000))
}

private fun encoded(statement: Statement): String =
    "{\"manifest\":\"${statement.manifest}\",\"key\":\"${statement.key}\",\"created\":${statement.created}," +
        "\"expires\":${statement.expires},\"sequence\":${statement.sequence}}"
