package fpm.edge.bundle

import fpm.edge.MissingExtraException
import fpm.edge.UsageException
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.PublicKey
import java.security.Signature
import java.security.spec.X509EncodedKeySpec
import java.util.Base64

/**
 * An Ed25519 public key that an app trusts; see [of].
 *
 * @property id what a statement names it by: the SHA-256 of its 32 bytes, hexadecimal.
 */
public class TrustedKey private constructor(
    private val bytes: ByteArray,
) {
    public val id: String = sha256(bytes)

    /**
     * Whether [signature], 64 bytes, is this key's of [data].
     *
     * @throws MissingExtraException the platform has no Ed25519: JDKs have it from 15 on; Android has it from API 33 on,
     *   where the device's provider of cryptography does.
     */
    internal fun isSignedBy(
        signature: ByteArray,
        data: ByteArray,
    ): Boolean {
        val verifier: Signature
        val key: PublicKey
        try {
            verifier = Signature.getInstance(ALGORITHM)
            key = KeyFactory.getInstance(ALGORITHM).generatePublic(X509EncodedKeySpec(SPKI_PREFIX + bytes))
        } catch (error: GeneralSecurityException) {
            throw MissingExtraException(
                "trusted keys need Ed25519, which no provider of this platform has (${error.message}); it comes with JDK " +
                    "15, and with Android 13 (API 33) where the device's provider has it",
                error,
            )
        }
        return try {
            verifier.initVerify(key)
            verifier.update(data)
            verifier.verify(signature)
        } catch (_: GeneralSecurityException) {
            // The key is no point of the curve, or the signature no number: nothing is signed by that.
            false
        }
    }

    public companion object {
        private const val ALGORITHM = "Ed25519"
        private const val KEY_SIZE = 32

        // What stands before the 32 bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
        private val SPKI_PREFIX = byteArrayOf(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)
        private val PEM = Regex("-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----")

        /**
         * A key as apps have it.
         *
         * @param pem the text that `fpm-edge keygen` writes as KEY.pub.
         * @throws UsageException it is not an Ed25519 public key.
         */
        @JvmStatic
        public fun of(pem: String): TrustedKey {
            val encoded = PEM.find(pem)?.groupValues?.get(1)?.filterNot(Char::isWhitespace).orEmpty()
            val der =
                try {
                    Base64.getDecoder().decode(encoded)
                } catch (_: IllegalArgumentException) {
                    ByteArray(0)
                }
            val prefix = der.take(SPKI_PREFIX.size)
            if (prefix != SPKI_PREFIX.asList() || der.size != SPKI_PREFIX.size + KEY_SIZE) {
                val found = if (der.isEmpty()) "no public key in PEM form" else "of another kind"
                throw UsageException(
                    "a trusted key is $found; expected Ed25519, as `fpm-edge keygen` writes it in KEY.pub",
                )
            }
            return TrustedKey(der.copyOfRange(SPKI_PREFIX.size, der.size))
        }

        /** As the other one, from the bytes of that text, or the key's own 32 bytes. */
        @JvmStatic
        public fun of(bytes: ByteArray): TrustedKey =
            if (bytes.size == KEY_SIZE) TrustedKey(bytes.clone()) else of(String(bytes, Charsets.UTF_8))
    }
}
