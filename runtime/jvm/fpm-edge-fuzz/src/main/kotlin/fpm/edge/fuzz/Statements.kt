package fpm.edge.fuzz

import fpm.edge.bundle.TrustedKey
import java.security.KeyPairGenerator
import java.security.SecureRandom
import java.security.Signature

/*
 * Signatures, by a key that the reader trusts.
 */

private const val PREFIX = "fpm-edge bundle signature, version 1\n"
private const val KEY_SIZE = 32

// The same key every time.
private val pair =
    KeyPairGenerator
        .getInstance("Ed25519")
        .apply {
            initialize(
                255,
                object : SecureRandom() {
                    override fun nextBytes(bytes: ByteArray) = bytes.fill(7)
                },
            )
        }.generateKeyPair()

internal val TRUSTED: TrustedKey =
    TrustedKey.of(pair.public.encoded.let { it.copyOfRange(it.size - KEY_SIZE, it.size) })

/** A `signature.json` about this manifest whose signature is right. */
internal fun signatureOf(
    manifest: ByteArray,
    created: String,
    expires: String,
    sequence: String,
    key: String = TRUSTED.id,
): String {
    val statement =
        "{\"manifest\":\"${sha256(manifest)}\",\"key\":\"$key\",\"created\":$created,\"expires\":$expires," +
            "\"sequence\":$sequence}"
    val signed =
        Signature.getInstance("Ed25519").run {
            initSign(pair.private)
            update((PREFIX + statement).toByteArray())
            sign()
        }
    return "{\"statement\":$statement,\"signature\":\"${hexadecimal(signed)}\"}"
}

private val NUMBERS =
    listOf(
        "1000000000", "0", "1", "null", "-1", "1700000000", "2000000000", "253402300799", "253402300800",
        "9007199254740991", "9007199254740992", "9223372036854775808", "1.0", "1e9", "01", "-0", "\"1\"", "[]",
    )

/** One with other numbers, or another key; and then bytes of it changed. */
internal fun statementOf(
    choices: Choices,
    manifest: ByteArray,
): ByteArray {
    fun number(usual: String) =
        when (choices.below(4)) {
            0 -> usual
            3 -> choices.long().toString()
            else -> choices.of(NUMBERS)
        }
    val key = if (choices.below(8) == 7) hexadecimal(choices.bytes(KEY_SIZE)) else TRUSTED.id
    val made = signatureOf(manifest, number("1000000000"), number("null"), number("1"), key).toByteArray()
    repeat(choices.below(4)) { made[choices.below(made.size)] = choices.byte().toByte() }
    return made
}
