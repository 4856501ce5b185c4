package fpm.edge.bundle

import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class SignatureTest {
    private val keys = VECTORS["keys"].asJsonObject
    private val trusted = TrustedKey.of(keys["trusted"].asString)
    private val other = TrustedKey.of(keys["other"].asString)
    private val signedAt = VECTORS["signed_at"].asLong
    private val day = 24 * 60 * 60
    private val good = signature("good")
    private val expiring = signature("expiring")

    private fun open(
        signature: String?,
        vararg trustedKeys: TrustedKey,
        now: Double? = null,
    ) = opened(if (signature == null) SMALL else signed(signature), trustedKeys.toList().ifEmpty { null }, now)

    private fun refused(
        message: String,
        signature: String?,
        vararg trustedKeys: TrustedKey,
        now: Double? = null,
    ) = refused(Regex(message)) { open(signature, *trustedKeys, now = now) }

    @Test
    fun `a trusted key opens`() {
        for (keys in listOf(arrayOf(trusted), arrayOf(other, trusted))) {
            val bundle = open(good, *keys)
            assertEquals(Statement(bundle.digest, trusted.id, signedAt, null, 7), bundle.signature)
            assertTrue(SIGNATURE in bundle.members)
            bundle.check()
        }
    }

    @Test
    fun `without keys nothing is vouched for`() {
        for (name in listOf("good", "forged", "expiring")) assertNull(open(signature(name), now = 1e12).signature)
    }

    @Test
    fun `without keys it must be about this manifest all the same`() {
        refused("^it: signature\\.json is about another bundle", signature("of another manifest"))
    }

    @TestFactory
    fun `refused are those`(): List<DynamicTest> =
        mapOf(
            "of another manifest" to "is about another bundle",
            "by another key" to "it is signed with key [0-9a-f]{64}, which is not trusted; trusted: 56475aa7",
            "forged" to "damaged or forged",
            "without the prefix" to "damaged or forged",
            "in its second form" to "damaged or forged",
        ).map { (name, message) -> dynamicTest(name) { refused(message, signature(name), trusted) } }

    @Test
    fun `unsigned, of another key`() {
        refused("^it: it is not signed, and trusted keys were given", null, trusted)
        refused("which is not trusted", good, other)
    }

    @Test
    fun `an untrusted manifest is not even parsed`() {
        val content = packed(membersOf(SMALL) + (MANIFEST to "{".toByteArray()))
        refused(Regex("it is not signed")) { opened(content, listOf(trusted)) }
        refused("not trusted", expiring, other)
    }

    @Test
    fun `every bit of the signature counts`() {
        val signature = parsed(good.toByteArray()).asJsonObject["signature"].asString
        for (digit in 0 until 128 step 5) {
            val changed = ((signature[digit].digitToInt(16) + 1) % 16).toString(16)
            val forged = signature.replaceRange(digit, digit + 1, changed)
            refused("damaged or forged", good.replace(signature, forged), trusted)
        }
    }

    @Test
    fun `every field is signed`() {
        for ((from, to) in listOf(
            "\"created\":$signedAt" to "\"created\":${signedAt - 1}",
            "\"expires\":${signedAt + day}" to "\"expires\":${signedAt + 2 * day}",
            "\"expires\":${signedAt + day}" to "\"expires\":null",
            "\"sequence\":0" to "\"sequence\":1",
        )) {
            val changed = expiring.replace(from, to)
            assertNotEquals(expiring, changed)
            refused("damaged or forged", changed, trusted, now = signedAt.toDouble())
        }
    }

    @Test
    fun `expiry, by the clock that is given`() {
        for (now in listOf(signedAt - 300.0, signedAt.toDouble(), signedAt + day - 0.5)) {
            assertNotNull(open(expiring, trusted, now = now).signature)
        }
        val expired = "its signature expired on 2026-09-22 14:13:20 UTC; get a newer one"
        refused(expired, expiring, trusted, now = signedAt + day.toDouble())
        for (now in listOf(signedAt - 301.0, 0.0, Double.NaN)) {
            refused("signed in the future, on 2026-09-21 14:13:20 UTC; set the clock", expiring, trusted, now = now)
            assertNotNull(open(good, trusted, now = now).signature, "it never expires, so no clock is asked")
        }
    }

    @Test
    fun `the device's clock is the default`() {
        val isGood = System.currentTimeMillis() / 1000 in signedAt - 300 until signedAt + day
        if (isGood) open(expiring, trusted) else refused("expired on|in the future", expiring, trusted)
    }

    @TestFactory
    fun `there is one encoding of each content`(): List<DynamicTest> =
        listOf(
            "$good " to "not in the one form",
            good.replaceFirst(",", ", ") to "not in the one form",
            good.replace("\"created\"", "\"cre\\u0061ted\"") to "not in the one form",
            good.replace("\"sequence\":7", "\"sequence\":-0") to "not in the one form",
            good.replace("\"sequence\":7", "\"sequence\":-1") to
                "Expected `int` from 0 to 9007199254740991 - at `\\$\\.statement\\.sequence`",
            good.replace("\"sequence\":7", "\"sequence\":9007199254740992") to "from 0 to 9007199254740991",
            good.replace("\"sequence\":7", "\"sequence\":${"9".repeat(40)}") to "from 0 to 9007199254740991",
            good.replace("$signedAt", "$signedAt.0") to "Expected `int`, got `float` - at `\\$\\.statement\\.created`",
            good.replace("$signedAt", "253402300800") to "from 0 to 253402300799",
            good.replace("\"expires\":null", "\"expires\":$signedAt") to "it expires before it was created",
            good.replace("\"expires\":null", "\"expires\":null,\"expires\":null") to "occurs twice",
            good.replace("\"expires\":null,", "") to "missing required field `expires`",
            good.replace("\"sequence\":7", "\"sequence\":7,\"a\":1") to "unknown field",
            good.replace(Regex("[0-9a-f]\"}$"), "\"}") to "Expected `str` matching",
            good.replace(Regex("[a-f](?=[0-9a-f]*\"}$)")) { it.value.uppercase() } to "Expected `str` matching",
            good.replace("\"signature\":\"", "\"signature\":\"\\n") to "Expected `str` matching",
            "[]" to "Expected `object`, got `array`",
            "" to "malformed",
        ).map { (changed, message) ->
            dynamicTest(message) {
                assertNotEquals(good, changed)
                val whole = "^signature\\.json is not valid: .*$message.*; sign the bundle again$"
                refused(Regex(whole)) { decodeSignature(changed.toByteArray()) }
            }
        }

    @Test
    fun `what is signed is one line, and the statement as it stands there`() {
        val line = good.substring(good.indexOf("{\"manifest\""), good.indexOf("},\"signature\"") + 1)
        val bytes = signedBytes(decodeSignature(good.toByteArray()).statement)
        assertEquals("fpm-edge bundle signature, version 1\n$line", String(bytes))
    }
}
