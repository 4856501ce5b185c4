package fpm.edge.drift

import com.google.gson.JsonParser
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import fpm.edge.check.Verdict
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.zip.CRC32
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

internal class DriftLogTest {
    @TempDir
    lateinit var folder: File
    private val file: File
        get() = File(folder, "drift.jsonl")

    private fun entry(
        frames: Long,
        reason: String = "",
    ): LogEntry {
        val monitor = DriftMonitor(doubleArrayOf(0.004), listOf("a"))
        if (reason.isNotEmpty()) monitor.addFailure(reason)
        return LogEntry(timeNow(), "abc", "fake 1.0", frames, monitor.report(), null)
    }

    private fun frames(file: File): List<Long> =
        file.readLines().map {
            JsonParser
                .parseString(it)
                .asJsonObject["entry"]
                .asJsonObject["frames"]
                .asLong
        }

    @Test
    fun `a line is the entry and the checksum of its bytes`() {
        val monitor = DriftMonitor(doubleArrayOf(0.004, 0.002), listOf("a"))
        monitor.addShadow(listOf(doubleArrayOf(0.001), doubleArrayOf(0.0005)))
        monitor.addFrame(floatArrayOf(0.5f))
        monitor.addFailure("Ä “quoted” \"error\" <&>\nof two lines")
        val step = StepTaken.now(Step.FLOAT, "why", "onnx 1", null)
        val line = LogEntry(timeNow(), "abc", "onnx 1", 7, monitor.report(), step).line()
        assertTrue(line.endsWith("}\n") && line.indexOf('\n') == line.length - 1)
        val parsed = JsonParser.parseString(line).asJsonObject
        val entry = parsed["entry"].asJsonObject
        val raw = line.substring(line.indexOf("\"entry\":") + 8, line.length - 2)
        assertEquals(CRC32().apply { update(raw.toByteArray()) }.value, parsed["crc"].asLong)
        val fields =
            "time subject engine verdict reason frames samples alpha evidence estimate lower upper limit fast_alarms " +
                "failures stages peak_height step"
        assertEquals(fields.split(" "), entry.keySet().toList())
        assertTrue(Regex("""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00""").matches(entry["time"].asString))
        assertEquals("warning", entry["verdict"].asString)
        assertContains(entry["reason"].asString, "Ä “quoted” \"error\" <&>\nof two lines")
        assertEquals(0.002 to 0.5, entry["limit"].asDouble to entry["peak_height"].asDouble)
        assertEquals(listOf(0.001, 0.0005), entry["stages"].asJsonArray.map { it.asDouble })
        val taken = entry["step"].asJsonObject
        assertEquals(listOf("time", "step", "reason", "before", "after", "note"), taken.keySet().toList())
        assertEquals("float" to true, taken["step"].asString to taken["after"].isJsonNull)
        assertFalse("step" in entry(1).line())
    }

    @Test
    fun `texts of a step are cut, and what cannot be printed is left out`() {
        val step = StepTaken.now(Step.ENGINE, "a\u001b[31m\n${"x".repeat(600)}", "one", null, "\u2028ok\uD83D\uDE00")
        assertEquals(500, step.reason.length)
        assertTrue(step.reason.startsWith("a [31m x") && step.reason.endsWith("xxx..."))
        assertEquals(" ok\uD83D\uDE00", step.note)
        assertEquals("float model in onnx 1", answerer("onnx 1", Fallback.FLOAT))
        assertEquals("onnx 1, all stages", answerer("onnx 1", Fallback.MORE_STAGES))
        assertEquals("onnx 1", answerer("onnx 1", null))
    }

    @Test
    fun `entries are appended, also after it was closed, and by a log that is opened later`() {
        val log = DriftLog(file)
        log.append(entry(1))
        log.append(entry(2))
        log.close()
        log.close()
        log.append(entry(3))
        log.close()
        DriftLog(file).use { it.append(entry(4)) }
        assertEquals(listOf(1L, 2L, 3L, 4L), frames(file))
    }

    @Test
    fun `a torn line stays what it is, and the next entry has a line of its own`() {
        DriftLog(file).use { it.append(entry(1)) }
        file.appendText("{\"crc\":12,\"ent")
        DriftLog(file).use { it.append(entry(2)) }
        val lines = file.readLines()
        assertEquals(3, lines.size)
        assertEquals("{\"crc\":12,\"ent", lines[1])
    }

    @Test
    fun `it never grows beyond two files, and loses the oldest entries`() {
        for (sync in LogSync.entries) {
            val file = File(folder, "$sync.jsonl")
            DriftLog(file, maxBytes = 4096, sync).use { log -> (1L..50L).forEach { log.append(entry(it)) } }
            val older = File(folder, "$sync.jsonl.1")
            assertTrue(file.length() <= 4096 && older.length() <= 4096)
            val kept = frames(older) + frames(file)
            assertEquals(50L, kept.last())
            assertEquals((kept.first()..50L).toList(), kept)
            assertTrue(kept.size in 10..49)
        }
    }

    @Test
    fun `what cannot be is refused`() {
        assertContains(assertFailsWith<UsageException> { DriftLog(file, 100) }.message!!, "at least 4096")
        DriftLog(file, 4096).use { log ->
            assertFailsWith<UsageException> { log.append(entry(1, "x".repeat(5000))) }
            log.append(entry(2))
        }
        assertEquals(listOf(2L), frames(file))
        assertFailsWith<FpmEdgeException> { DriftLog(File(folder, "none/drift.jsonl")) }
    }

    @Test
    fun `it goes on where its folder was gone for a while`() {
        val folder = File(folder, "there").apply { mkdir() }
        val log = DriftLog(File(folder, "log"))
        log.close()
        folder.deleteRecursively()
        assertFailsWith<FpmEdgeException> { log.append(entry(1)) }
        folder.mkdir()
        log.append(entry(2))
        log.close()
        assertEquals(listOf(2L), frames(File(folder, "log")))
        assertEquals(Verdict.OK, entry(1).verdict)
    }

    @Test
    fun `an interrupted thread writes all the same`() {
        DriftLog(file).use { log ->
            Thread.currentThread().interrupt()
            log.append(entry(1))
            assertTrue(Thread.interrupted())
            log.append(entry(2))
        }
        assertEquals(listOf(1L, 2L), frames(file))
    }
}
