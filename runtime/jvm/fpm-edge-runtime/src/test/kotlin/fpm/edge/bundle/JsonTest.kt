package fpm.edge.bundle

import com.google.gson.JsonElement
import fpm.edge.BundleException
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class JsonTest {
    private fun <T> read(
        raw: ByteArray,
        field: Field<T>,
    ): T = decode(raw, field, "it", "do something")

    private fun <T> read(
        raw: String,
        field: Field<T>,
    ): T = read(raw.toByteArray(), field)

    private fun refused(
        raw: String,
        field: Field<*>,
        message: String,
    ) = refused(Regex(message)) { read(raw, field) }

    /** What it is, in a list; null where it is refused. */
    private fun <T> tried(
        raw: String,
        field: Field<T>,
    ): List<T>? =
        try {
            read("[$raw]", list(field))
        } catch (error: BundleException) {
            assertTrue(Regex("(?s)it is not valid: .*; do something").matches(error.message.orEmpty()), error.message)
            null
        }

    /** The only element of a list, or null. */
    private fun only(list: JsonElement): JsonElement? = if (list.isJsonNull) null else list.asJsonArray[0]

    /** But for integers of more than 1,024 characters, which are good there; Gson ends numbers sooner. */
    @TestFactory
    fun `scalars are what they are in the Python runtime`(): List<DynamicTest> =
        rows("scalars").filterNot { it[0].asString == "9*4299" }.map { (rawJson, exact, real, anything) ->
            val raw = rawJson.asString
            dynamicTest(raw) {
                val (digit, times) = if ("*" in raw) raw.split("*") else listOf(raw, "1")
                val whole = digit.repeat(times.toInt())
                if ('"' in raw || '\'' in raw) {
                    assertEquals(only(exact)?.asString, tried(whole, text)?.single())
                } else {
                    val expected =
                        only(exact)?.let {
                            if (it.asString ==
                                "inf"
                            ) {
                                Double.POSITIVE_INFINITY
                            } else {
                                it.asDouble
                            }
                        }
                    // Saturated where it does not fit.
                    val largest = Long.MAX_VALUE.toDouble()
                    assertEquals(expected?.coerceIn(-largest, largest), tried(whole, int)?.single()?.toDouble())
                }
                assertEquals(only(real)?.asDouble, tried(whole, float)?.single())
                assertEquals(anything.isJsonNull, tried(whole, any) == null)
            }
        }

    @Test
    fun `the integer -0 is 0, the real number -0,0 is not`() {
        assertEquals(0L, read("-0", int))
        assertEquals(0.0, read("-0", float))
        assertEquals(-0.0, read("-0.0", float))
    }

    @Test
    fun `integers that do not fit are the nearest that do`() {
        val huge = "[9223372036854775808, -${"9".repeat(99)}]"
        assertEquals(listOf(Long.MAX_VALUE, Long.MIN_VALUE), read(huge, list(int)))
        assertEquals(listOf(Int.MAX_VALUE, Int.MIN_VALUE, 7), clamped(listOf(1L shl 31, (-1L shl 31) - 1, 7)))
    }

    @Test
    fun `a text is no number, and the other way round`() {
        refused("1", text, "Expected `str`, got `number`")
        refused("\"1\"", int, "Expected `int`, got `str`")
        refused("null", text, "Expected `str`, got `null`")
        refused("true", int, "Expected `int`, got `bool`")
        refused("1.0", int, "Expected `int`, got `float`")
    }

    @Test
    fun `objects have any key, in their order`() {
        val found = read("""{"__proto__": 1, "a": 2, "": 3, "10": 4}""", dict(int))
        assertEquals(listOf("__proto__" to 1L, "a" to 2L, "" to 3L, "10" to 4L), found.toList())
    }

    @Test
    fun `white space is JSON's four kinds`() {
        assertEquals(listOf(1L, 2L), read(" \t\n\r[ \t\n\r1 \t\n\r, \t\n\r2 \t\n\r] \t\n\r", list(int)))
        for (space in listOf("\u000c", "\u000b", "\u00a0", "\u2028", "\ufeff", "/**/", "#\n", "//\n", "\u0000")) {
            refused("[${space}1]", list(int), "malformed")
            refused("[1]$space", list(int), "malformed")
        }
    }

    @Test
    fun `keys that occur twice are found, also where one is escaped, deep in free content`() {
        for (raw in listOf("""{"a": 1, "a": 1}""", """{"b": [{"a": 1, "\u0061": 2}]}""")) {
            refused(raw, any, "key 'a' occurs twice in one object")
        }
        assertNotNull(read("""[{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}, {"a": {}}, {}, []]""", any))
    }

    @Test
    fun `messages name the place`() {
        refused("""{"a": [1, 2, null]}""", dict(list(int)), """Expected `int`, got `null` - at `\$\[\.\.\.]\[2]`""")
        refused("[[1], {}]", list(list(int)), """Expected `array`, got `object` - at `\$\[1]`""")
        refused("""[null, "a"]""", list(nullable(float)), """Expected `float`, got `str` - at `\$\[1]`""")
        refused("[1, x]", any, "malformed at `")
        val inner = """{"b": [0, {"c": 1, "c": 2}]}"""
        refused("""{"a": $inner}""", dict(any), """'c' occurs twice in one object - at `\$\[\.\.\.]\[\.\.\.]\[1]`""")
        refused("[{}, [[], {}, [1e999]]]", list(any), """out of range - at `\$\[1]\[2]\[0]`""")
    }

    @Test
    fun `what other readers let pass is refused`() {
        val wrong =
            listOf(
                "'a'",
                "a",
                "\"\\'\"",
                "\"\\\n\"",
                "\"\\a\"",
                "\"\\U0041\"",
                "\"\\u00g1\"",
                "\"\\u+041\"",
                "\"\\u٠٠٤١\"",
                "\"\\u004\"",
                "\"a\nb\"",
                "\"\u0000\"",
                "\"\u001f\"",
                "\"\\",
                "\"\\u",
                "\"",
                "\"\\\"",
                "[1,]",
                "[,1]",
                "[1 2]",
                "[1;2]",
                "[",
                "]",
                "[1",
                "[1,",
                "[}",
                "1]",
                "1 2",
                "{} {}",
                "",
                " ",
                """{"a":1,}""",
                """{,}""",
                """{a:1}""",
                """{'a':1}""",
                """{"a"=1}""",
                """{"a"}""",
                """{"a":}""",
                """{1:1}""",
                """{"a":1;"b":2}""",
                """{"a":1""",
                """{"a":1]""",
                "{",
                "{\"a\"",
                "[1}",
                "}",
                "01",
                "-01",
                "1.",
                ".5",
                "+1",
                "1e",
                "1e+",
                "- 1",
                "0x1",
                "1_0",
                "--1",
                "-",
                "1.e1",
                "1,1",
                "١",
                "NaN",
                "Infinity",
                "-Infinity",
                "nan",
                "True",
                "TRUE",
                "tru",
                "nulll",
                "nul",
                "undefined",
                ")]}'\n1",
            )
        for (raw in wrong) refused(raw, any, "it is not valid: .*; do something")
    }

    @Test
    fun `escapes and pairs of surrogates`() {
        assertEquals(
            "\"\\/\b\u000c\n\r\tAé😀\u0000",
            read(""""\"\\\/\b\f\n\r\t\u0041\u00E9\ud83d\uDE00\u0000"""", text),
        )
        assertEquals("😀\u007f\u2028\ufffe", read("\"😀\u007f\u2028\ufffe\"", text))
        val halves =
            listOf("""\ud83d""", """\ude00\ud83d""", """a\ude00""", """\ud83d\u0041""", """\ud83d\ud83d\ude00""")
        for (half in halves) refused("\"$half\"", text, "half of a surrogate pair")
    }

    @Test
    fun `bytes that are not UTF-8 are refused, a mark at the start too`() {
        val wrong = listOf("ff", "c0 af", "ed a0 80", "f4 90 80 80", "c3", "ed a0 bd ed b8 80")
        for (bytes in wrong) {
            val raw = bytes.split(" ").map { it.toInt(16).toByte() }.toByteArray()
            refused(Regex("it is not UTF-8")) { read(byteArrayOf(0x22) + raw + 0x22, text) }
        }
        refused("\ufeff1", int, "byte order mark")
        refused(Regex("not valid")) { read("1".toByteArray(Charsets.UTF_16), int) }
    }

    @Test
    fun `what is nested too deep, too long or has no end takes no stack and no time`() {
        val many = 2_000_000
        val endless =
            listOf(
                "[".repeat(many),
                "{\"a\":".repeat(many / 4),
                "\"" + "\\\\".repeat(many),
                "\"" + "\\\"".repeat(many),
                "\"" + "a".repeat(many),
            )
        for (raw in endless) refused(raw, any, "not valid")
        assertEquals(many, read("\"" + "\\\"".repeat(many) + "\"", text).length)
        assertEquals(1L, read(" ".repeat(many) + "1", int))
        refused("9".repeat(many), any, "not valid")
    }

    @Test
    fun `900 deep are read, in the small stack of a phone's thread`() {
        var error: Throwable? = null
        val deep = { depth: Int -> "[{\"a\":".repeat(depth / 2) + "1" + "}]".repeat(depth / 2) }
        val reading =
            Thread(null, {
                try {
                    read(deep(900), any)
                    refused(deep(902), any, "malformed")
                } catch (thrown: Throwable) {
                    error = thrown
                }
            }, "small", 512L shl 10)
        reading.start()
        reading.join()
        assertNull(error)
    }
}
