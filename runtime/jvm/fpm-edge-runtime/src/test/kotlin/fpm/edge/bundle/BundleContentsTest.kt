package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import fpm.edge.stages.Bundle
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.experimental.xor
import kotlin.random.Random
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

private const val CASE = """{"member":"golden/0.png","category":"all","landmarks":[[[1,2],[3,4],[5,6]]]}"""

class BundleContentsTest {
    @Test
    fun `what is in it`() {
        val bundle = opened(SMALL)
        assertEquals("it", bundle.where)
        assertEquals("colours", bundle.manifest.name)
        assertEquals(listOf("red", "green", "blue"), bundle.manifest.landmarks.landmarks)
        assertEquals(1, bundle.stages)
        assertEquals(listOf(Format.ONNX), bundle.formats)
        assertNull(bundle.signature)
        assertEquals(membersOf(SMALL).keys.toList(), bundle.members)
        assertEquals(sha256(membersOf(SMALL).getValue(MANIFEST)), bundle.digest)
        for ((name, data) in membersOf(SMALL)) assertContentEquals(data, bundle.read(name).bytes(), name)
        bundle.check()
    }

    @Test
    fun `what is read is a copy, direct, from its position to its limit, in native order`() {
        val content = SMALL.copyOf()
        val bundle = opened(content)
        val card = bundle.read("card.md")
        content.fill(0)
        assertEquals(listOf(0, 10, 10), listOf(card.position(), card.limit(), card.capacity()))
        assertTrue(card.isDirect && card.order() == ByteOrder.nativeOrder())
        assertEquals("# Colours\n", String(card.bytes()))
        card.put(0, 65)
        assertThrows<BundleException> { bundle.read("card.md") }
    }

    @Test
    fun `golden cases and their inputs`() {
        val bundle = opened(SMALL)
        val golden = assertNotNull(bundle.golden())
        assertEquals(listOf(0.5), golden.limits)
        assertContentEquals(ByteArray(32 * 48 * 3) { 7 }, bundle.goldenInput(golden.cases[0]))
        val without = opened(sealed(mapOf("golden/golden.json" to null, "golden/0.png" to null)))
        assertNull(without.golden())
        without.check()
    }

    @Test
    fun `a member that is not there`() {
        val error = assertThrows<UsageException> { opened(SMALL).read("whole.onnx") }
        val names = "card.md, golden/0.png, golden/golden.json, manifest.json, stages/1.onnx"
        assertEquals("the bundle has no member 'whole.onnx'; it has: $names", error.message)
    }

    @Test
    fun `every change of a byte is found, and every error is one of ours`() {
        val content = signed(signature("good"))
        for (at in content.indices) {
            val changed = content.copyOf()
            changed[at] = changed[at] xor (1 shl at % 8).toByte()
            val error = refused(Regex("^it[: ]")) { opened(changed).check() }
            assertTrue(error.message.orEmpty().length < 2500, "byte $at")
        }
    }

    @Test
    fun `a change after it was opened is found too`() {
        val content = SMALL.copyOf()
        val bundle = opened(content)
        content.fill(0, content.size / 2)
        refused(Regex("^it: .* is damaged")) { bundle.check() }
    }

    @Test
    fun `other data with a right checksum does not have the digest`() {
        val bundle = opened(packed(membersOf(SMALL) + ("card.md" to "# Evil\n".toByteArray())))
        refused(Regex("^it: member card\\.md does not have the SHA-256")) { bundle.read("card.md") }
        bundle.read("stages/1.onnx")
    }

    @TestFactory
    fun `refused at once`(): List<DynamicTest> =
        listOf<Triple<String, () -> ByteArray, String>>(
            Triple("no manifest", { packed(mapOf("card.md" to "x".toByteArray())) }, "^it: manifest\\.json is missing"),
            Triple("no JSON", { packed(mapOf(MANIFEST to "{".toByteArray())) }, "^it: manifest\\.json is not valid"),
            Triple("no digest", { sealed { put(it, "digests", "{}") } }, "differ in card\\.md, golden/0\\.png, "),
            Triple("a strange digest", { sealed { put(it, "digests.x", "\"0\"") } }, "differ in x; get"),
            Triple(
                "a digest of it",
                { sealed { put(it, "digests", """{"$MANIFEST":""}""") } },
                "differ in manifest\\.json;",
            ),
            Triple(
                "no piece",
                { sealed(mapOf("stages/1.onnx" to null)) },
                "stages/1\\.onnx, which manifest\\.json names, is missing",
            ),
            Triple(
                "a piece too many",
                { sealed(mapOf("stages/2.onnx" to "x".toByteArray())) },
                "member stages/2\\.onnx is no piece",
            ),
            Triple("no cases", { sealed(mapOf(GOLDEN to null)) }, "golden inputs but no golden/golden\\.json"),
            Triple("wrong wiring", { sealed { put(it, "stages", "2") } }, "expected stage_1 to stage_2"),
        ).map { (name, make, message) -> dynamicTest(name) { refused(Regex(message)) { opened(make()) } } }

    @TestFactory
    fun `golden cases that do not fit`(): List<DynamicTest> =
        listOf(
            Triple("limits", "[0.5,1]", "limits are \\[0\\.5, 1\\.0]; expected one for each of 1 stages"),
            Triple("limits", "[-1]", "limits are \\[-1\\.0]"),
            Triple("cases", "[$CASE,$CASE]", "an input is used by two cases"),
            Triple("cases.0.member", "\"../../etc/passwd\"", "input '\\.\\./\\.\\./etc/passwd' is not in the bundle"),
            Triple("cases.0.member", "\"$MANIFEST\"", "is not in the bundle"),
            Triple(
                "cases.0.category",
                "\"hats\"",
                "category 'hats' is not in schema 'colours'; expected one of: all, warm",
            ),
            Triple("cases.0.landmarks", "[[[1,2],[3,4],[5,6]],[]]", "it has not 1 stages of 3 landmarks"),
            Triple("cases.0.landmarks", "[[[1,2],[3,4]]]", "it has not 1 stages of 3 landmarks"),
        ).map { (path, value, message) ->
            dynamicTest("$path as $value") {
                val golden = parsed("""{"cases":[$CASE],"limits":[0.5]}""".toByteArray())
                put(golden, path, value)
                val bundle = opened(sealed(mapOf(GOLDEN to golden.toString().toByteArray())))
                refused(Regex(message)) { bundle.golden() }
                refused(Regex("; make the bundle again$")) { bundle.check() }
            }
        }

    @Test
    fun `an input that is no input`() {
        val picture = unpacked(VECTORS["pictures"].asJsonArray[0].asJsonArray[1].asString)
        for (data in listOf(picture, picture.copyOf(40), ByteArray(0))) {
            val bundle = opened(sealed(mapOf("golden/0.png" to data)))
            val case = assertNotNull(bundle.golden()).cases[0]
            refused(Regex("golden/0\\.png is not a readable PNG: its? ")) { bundle.goldenInput(case) }
            refused(Regex("golden/0\\.png is not a readable PNG: its? ")) { bundle.check() }
        }
    }

    @Test
    fun `a model that needs other files is never handed out`() {
        val models = rows("models")
        val model = models.first { !it[2].isJsonNull && "other files" in it[2].asString }[1].asString
        val bundle = opened(sealed(mapOf("stages/1.onnx" to unpacked(model))))
        refused(Regex("^it: stages/1\\.onnx has data in other files")) { bundle.read("stages/1.onnx") }
        refused(Regex("^it: stages/1\\.onnx has data in other files")) { bundle.check() }
    }

    @Test
    fun `messages can be printed, whatever is quoted in them`() {
        val name = "\\u001b[2J\\u202e${"a".repeat(500_000)}"
        val error =
            refused(Regex("""\\u\{1b}\[2J\\u\{202e}a+ \[\.\.\.] a""")) {
                opened(sealed { put(it, "pieces.onnx.0.name", "\"$name\"") })
            }
        assertTrue(error.message.orEmpty().length < 2500)
    }

    @Test
    fun `a real bundle`() {
        val bundle = opened(TINY)
        assertEquals(listOf(Format.ONNX, Format.TFLITE), bundle.formats.sortedBy { it.label })
        bundle.check()
        for (case in assertNotNull(bundle.golden()).cases) assertEquals(64 * 64 * 3, bundle.goldenInput(case).size)
        assertEquals(bundle.stages, assertNotNull(bundle.reference()).stages)
    }

    @Test
    fun `a real bundle without its start is refused`() {
        for (size in 0 until TINY.size step 97) {
            assertThrows<BundleException> { Bundle.open(ByteBuffer.wrap(TINY, size + 1, TINY.size - size - 1)) }
        }
    }

    @Test
    fun `mutants inside a perfect container throw nothing but what is thrown on purpose`() {
        val random = Random(21)
        val members = membersOf(SMALL)
        var taken = 0
        repeat(2000) {
            val name = listOf(MANIFEST, GOLDEN, "golden/0.png", "stages/1.onnx").random(random)
            val data = members.getValue(name).copyOf()
            repeat(random.nextInt(1, 4)) {
                val letters = "{}[]\",:0123456789-.eE\\unt \u0000\u007f\u00ff"
                data[random.nextInt(data.size)] = letters.random(random).code.toByte()
            }
            val content = if (name == MANIFEST) packed(members + (name to data)) else sealed(mapOf(name to data))
            try {
                opened(content).check()
                taken++
            } catch (_: FpmEdgeException) {
                // as most
            }
        }
        assertTrue(taken in 50..1500, "$taken")
    }
}
