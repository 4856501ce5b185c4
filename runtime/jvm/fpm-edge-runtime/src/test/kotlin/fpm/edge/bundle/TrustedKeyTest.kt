package fpm.edge.bundle

import fpm.edge.MissingExtraException
import fpm.edge.UsageException
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.parallel.Isolated
import java.security.Security
import kotlin.test.assertContains
import kotlin.test.assertEquals

@Isolated // one of its tests takes Ed25519 away
class TrustedKeyTest {
    private val keys = VECTORS["keys"].asJsonObject
    private val trusted = keys["trusted"].asString
    private val raw = hex(keys["raw"].asString)
    private val digest = "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c"

    private fun hex(text: String): ByteArray = text.chunked(2) { it.toString().toInt(16).toByte() }.toByteArray()

    @Test
    fun `a key in each of its forms`() {
        val windows = trusted.replace("\n", "\r\n")
        val forms =
            listOf(
                TrustedKey.of(trusted),
                TrustedKey.of(windows),
                TrustedKey.of("made by us\n$trusted"),
                TrustedKey.of(trusted.toByteArray()),
                TrustedKey.of(raw),
            )
        for (form in forms) assertEquals(digest, form.id)
    }

    @Test
    fun `a key does not change with the bytes that it was made of`() {
        val bytes = raw.copyOf()
        val key = TrustedKey.of(bytes)
        bytes.fill(0)
        assertEquals(digest, key.id)
        val (_, good, message, its, point, number) = CASES[0]
        val mine = hex(its)
        val other = TrustedKey.of(mine)
        mine.fill(0)
        assertEquals(good, other.isSignedBy(hex(point + number), message.toByteArray()))
    }

    @TestFactory
    fun `what is no key is refused`(): List<DynamicTest> =
        listOf(
            Triple("nothing in it", "", "no public key in PEM form; expected Ed25519, as `fpm-edge keygen` writes it"),
            Triple("not PEM", "hello", "no public key in PEM form"),
            Triple("32 characters", "a".repeat(32), "no public key in PEM form"),
            Triple("a private key", keys["private"].asString, "no public key in PEM form"),
            Triple("a key of a curve", keys["curve"].asString, "a trusted key is of another kind"),
            Triple("one of X25519", trusted.replace("MCowBQYDK2VwAyEA", "MCowBQYDK2VuAyEA"), "of another kind"),
            Triple(
                "cut short",
                trusted.replace(Regex(".{8}\n-----END"), "\n-----END"),
                "of another kind|no public key",
            ),
            Triple("no base64", trusted.replace("MC", "!!"), "no public key in PEM form"),
        ).map { (name, text, message) ->
            dynamicTest(name) {
                assertContains(assertThrows<UsageException> { TrustedKey.of(text) }.message.orEmpty(), Regex(message))
                if (text.length != 32) assertThrows<UsageException> { TrustedKey.of(text.toByteArray()) }
            }
        }

    @Test
    fun `31 bytes are no key, and no key is no list`() {
        assertThrows<UsageException> { TrustedKey.of(raw.copyOf(31)) }
        assertContains(assertThrows<UsageException> { opened(SMALL, emptyList()) }.message.orEmpty(), "no trusted key")
    }

    @Test
    fun `a platform without Ed25519 says so`() {
        val places =
            Security.getProviders().withIndex().filter { (_, it) ->
                it.getService("KeyFactory", "Ed25519") !=
                    null
            }
        try {
            for ((_, provider) in places) Security.removeProvider(provider.name)
            val error =
                assertThrows<MissingExtraException> {
                    opened(
                        signed(signature("good")),
                        listOf(TrustedKey.of(trusted)),
                    )
                }
            assertContains(error.message.orEmpty(), Regex("Ed25519.*JDK 15, and with Android 13 .API 33."))
            opened(SMALL)
        } finally {
            for ((place, provider) in places) Security.insertProviderAt(provider, place + 1)
        }
    }

    /** Forms of keys and signatures about which implementations of Ed25519 differ; [isGood]: what OpenSSL says. */
    @TestFactory
    fun `odd signatures are judged as in the Python runtime`(): List<DynamicTest> =
        CASES.map { (name, isGood, message, key, point, number) ->
            dynamicTest(name) {
                assertEquals(isGood, TrustedKey.of(hex(key)).isSignedBy(hex(point + number), message.toByteArray()))
            }
        }

    private data class Case(
        val name: String,
        val isGood: Boolean,
        val message: String,
        val key: String,
        val point: String,
        val number: String,
    )

    private companion object {
        val CASES =
            listOf(
                Case(
                    "good",
                    true,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081",
                    "311bbcff6db391282cfdcc69c93262fe20fb0cbd5c775c17d1973362c4f87106",
                ),
                Case(
                    "s + L",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081",
                    "1eefb15c8816a480029ac40ca82c411321fb0cbd5c775c17d1973362c4f87116",
                ),
                Case(
                    "R identity",
                    true,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "0100000000000000000000000000000000000000000000000000000000000000",
                    "54d31d27222e75d8e70518baaef26dbd5c60dc54d6f8a51be6bfc2090e0ad900",
                ),
                Case(
                    "R identity, y = p + 1",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                    "d6fcffc351356703dbea72dd09aa5aae744d7d1f1d07567de7e31f2e6d441603",
                ),
                Case(
                    "R identity, odd",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "0100000000000000000000000000000000000000000000000000000000000080",
                    "dbe5ba3f7c2e8a6c2f403c4e3d100a84bbcfef19a9e2bbd08cb1bd0527423600",
                ),
                Case(
                    "R of order 2, even, key with order 8",
                    true,
                    "0",
                    "f96c1be97e091ab8bf736f27bfe9f7aec0923a0f58f21010db136f764458ae1a",
                    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                    "dcdb7033b939cc0c360cd8ce33af1d61938d250bcb4ee2b4837cff5d9adc9606",
                ),
                Case(
                    "R of order 2, odd, key with order 8",
                    false,
                    "8",
                    "f96c1be97e091ab8bf736f27bfe9f7aec0923a0f58f21010db136f764458ae1a",
                    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                    "3f7cd3e6e9a8d02b11c5394e198ff59bf12b9816e4ba5ccd6ce0cd8099a66902",
                ),
                Case(
                    "R y = 0, key with order 4",
                    true,
                    "0",
                    "dc8110d57fdefae7747512cfd17199b4f4d5b5e5c8300a5be0eb5f61c99a8a4a",
                    "0000000000000000000000000000000000000000000000000000000000000000",
                    "ff8d74d609a561a29244a74aaf30b6ec33523400862606d575d5fc5b22961303",
                ),
                Case(
                    "R y = p, key with order 4",
                    false,
                    "4",
                    "dc8110d57fdefae7747512cfd17199b4f4d5b5e5c8300a5be0eb5f61c99a8a4a",
                    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                    "830cc9acb281be936137374253aecb99773301349b6ef3bd00495372ac1b1e0c",
                ),
                Case(
                    "R with order 2",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "feaf9d07b868cc52786305312c376563c622b0386a10d105e3c1501b28d65f7e",
                    "409d8e3108e80c9d06ef8c2fdc672a565628ab60d95e17524afcb1a07569fc05",
                ),
                Case(
                    "R with order 8",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "40a4cf5c611d737a2f1c6fcca84d9cabfed80987f186a5a6c57e629bff1af27f",
                    "b13a762cbcc77525feee917906ec67a05f2645e599d6b40d854769712602670c",
                ),
                Case(
                    "R no point",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "0200000000000000000000000000000000000000000000000000000000000000",
                    "37998b7ac33d295c9e27c3165c9b9ebd392a514a6e1a91af16d60ea2e398c301",
                ),
                Case(
                    "key no point 0",
                    false,
                    "0",
                    "0200000000000000000000000000000000000000000000000000000000000000",
                    "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081",
                    "3930000000000000000000000000000000000000000000000000000000000000",
                ),
                Case(
                    "key identity 0",
                    true,
                    "0",
                    "0100000000000000000000000000000000000000000000000000000000000000",
                    "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081",
                    "3930000000000000000000000000000000000000000000000000000000000000",
                ),
                Case(
                    "zeros",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "0000000000000000000000000000000000000000000000000000000000000000",
                    "0000000000000000000000000000000000000000000000000000000000000000",
                ),
                Case(
                    "ones",
                    false,
                    "a",
                    "c21a68c9546bc313b9ee79a98e0f80db65ff542fdc9e53c30a006978a5b3e662",
                    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                ),
            )
    }
}
