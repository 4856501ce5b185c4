package fpm.edge.bundle

import java.nio.ByteBuffer
import java.security.MessageDigest

/** SHA-256, hexadecimal. */
internal fun sha256(bytes: ByteArray): String = sha256(ByteBuffer.wrap(bytes))

/** SHA-256 of everything from a buffer's position to its limit, hexadecimal; neither moves. */
internal fun sha256(bytes: ByteBuffer): String {
    val digest = MessageDigest.getInstance("SHA-256")
    digest.update(bytes.duplicate())
    val digits = "0123456789abcdef"
    return buildString(64) {
        for (byte in digest.digest()) {
            append(digits[byte.toInt() shr 4 and 15])
            append(digits[byte.toInt() and 15])
        }
    }
}
