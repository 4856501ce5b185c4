package fpm.edge.updates

import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.File
import java.nio.file.Files
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

internal class SlotsTest {
    @TempDir
    lateinit var temporary: File
    private lateinit var bundles: ThreeBundles
    private lateinit var slots: SlotFolder<TextBundle>
    private val folder: File
        get() = File(temporary, "slots")

    @BeforeEach
    fun prepare() {
        bundles = ThreeBundles(temporary)
        slots = bundles.prepare(folder)
    }

    private fun boot(): String = slots.boot().bundle.name

    @Test
    fun `the first bundle`() {
        val first = textSlots(File(temporary, "new/folder"))
        assertContains(
            assertFailsWith<BundleException> { first.boot() }.message!!,
            "no bundle that can be used; install one",
        )
        val done = first.install(bundles.old, null)
        assertEquals(listOf(Slot.A, true, emptyList<String>()), listOf(done.slot, done.changed, done.notes))
        assertEquals(openText(bundles.old).digest, done.digest)
        val booted = first.boot()
        assertEquals("old", booted.bundle.name)
        assertEquals(SlotStatus.TRIAL to 1, booted.record.status to booted.record.starts)
        assertEquals(false to emptyList(), booted.rolledBack to booted.notes)
        assertEquals(Slot.A, first.confirm(booted.bundle.digest))
        assertEquals(SlotStatus.GOOD to 0, first.boot().record.let { it.status to it.starts })
    }

    @Test
    fun `without another the first is tried again`() {
        val first = textSlots(File(temporary, "first"))
        first.install(bundles.old, null)
        first.boot()
        val second = first.boot()
        assertEquals(SlotStatus.FAILED to 2, second.record.status to second.record.starts)
        assertFalse(second.rolledBack)
        assertEquals(listOf("slot a: not confirmed after 1 of 1 starts"), second.notes)
        first.confirm(second.bundle.digest)
        assertEquals(SlotStatus.GOOD, first.boot().record.status)
    }

    @Test
    fun `an update goes where the good one is not`() {
        assertEquals(Slot.A, slots.install(bundles.new, 3).slot)
        assertEquals("new", boot())
        // A third one replaces the trial, not the good one.
        assertEquals(Slot.A, slots.install(bundles.old, 3).slot)
        assertEquals(listOf("old", "good"), List(2) { boot() })
    }

    @Test
    fun `a trial that is not confirmed is taken back`() {
        slots.install(bundles.new, 3)
        assertEquals("new", boot())
        val back = slots.boot()
        assertEquals(
            listOf("good", Slot.B, SlotStatus.GOOD, true),
            back.run {
                listOf(bundle.name, slot, record.status, rolledBack)
            },
        )
        assertEquals(listOf("slot a: not confirmed after 1 of 1 starts"), back.notes)
        assertEquals(false to emptyList(), slots.boot().let { it.rolledBack to it.notes })
        val failed = slots.status().slots[0]
        assertEquals(SlotStatus.FAILED to "not confirmed after 1 of 1 starts", failed.record.run { status to reason })
        assertEquals("", failed.problem)
    }

    @Test
    fun `more starts for a trial`() {
        val patient = textSlots(folder, trialStarts = 3)
        slots.install(bundles.new, 3)
        val boots = List(4) { patient.boot() }
        assertEquals(listOf("new", "new", "new", "good"), boots.map { it.bundle.name })
        assertEquals(listOf(1, 2, 3, 0), boots.map { it.record.starts })
        assertContains(
            assertFailsWith<UsageException> { textSlots(folder, trialStarts = 0) }.message!!,
            "expected 1 or more",
        )
    }

    @Test
    fun `installing what is there writes nothing`() {
        val before = Files.readAttributes(slots.file(Slot.B).toPath(), "unix:ino")
        val done = slots.install(bundles.good, 2)
        assertEquals(Slot.B to false, done.slot to done.changed)
        assertEquals(before, Files.readAttributes(slots.file(Slot.B).toPath(), "unix:ino"))
        assertTrue(slots.install(bundles.good, 3).changed, "another number is another update")
    }

    @Test
    fun `older sequences are refused`() {
        slots.install(bundles.new, 7)
        assertEquals(2, slots.status().highest)
        slots.install(bundles.old, 5) // 7 was never confirmed
        slots.install(bundles.new, 7)
        slots.confirm(slots.boot().bundle.digest)
        val before = slots.status()
        val refused = assertFailsWith<BundleException> { slots.install(bundles.old, 6) }
        assertContains(refused.message!!, "sequence 6 and this device has confirmed 7")
        assertEquals(before, slots.status())
        assertContains(assertFailsWith<UsageException> { slots.install(bundles.old, -1) }.message!!, "sequence is -1")
    }

    @Test
    fun `with keys the sequence is the signature's`() {
        val signed = textSlots(folder, isSigned = true)
        val newer = File(temporary, "newer.fpm").apply { writeText(bundleText("newer", sequence = 9)) }
        assertFailsWith<UsageException> { signed.install(newer, 9) }
        signed.install(newer, null)
        signed.confirm(signed.boot().bundle.digest)
        assertEquals(9, signed.status().highest)
        assertFailsWith<BundleException> { signed.install(bundles.new, null) }
    }

    @Test
    fun `what had not expired when it was written goes on`() {
        val asked = mutableListOf<Double?>()
        val signed =
            SlotFolder(folder, 1, isSigned = true, waitMs = 100) { file, now ->
                asked += now
                openText(file)
            }
        slots.file(Slot.B).setLastModified(1_000_000)
        signed.boot()
        assertEquals(listOf<Double?>(1000.0), asked)
    }

    @Test
    fun `confirm is of what was checked`() {
        slots.install(bundles.new, 3)
        val checked = slots.boot().bundle.digest
        slots.boot() // another process starts, and takes it back
        val refused = assertFailsWith<UsageException> { slots.confirm(checked) }
        assertTrue(Regex("the active slot b holds bundle .*, which was replaced or rolled back") in refused.message!!)
        assertEquals(
            SlotStatus.FAILED,
            slots
                .status()
                .slots[0]
                .record.status,
        )
    }

    @ParameterizedTest
    @ValueSource(strings = ["altered", "cut", "gone", "another"])
    fun `a damaged slot is not used`(how: String) {
        val file = slots.file(Slot.B)
        when (how) {
            "altered" -> damage(file)
            "cut" -> file.writeBytes(file.readBytes().dropLast(5).toByteArray())
            "gone" -> file.delete()
            else -> bundles.new.copyTo(file, overwrite = true)
        }
        assertTrue(
            slots
                .status()
                .slots[1]
                .problem
                .isNotEmpty(),
        )
        val found = slots.boot()
        assertEquals(
            listOf("old", Slot.A, SlotStatus.GOOD, true),
            found.run {
                listOf(bundle.name, slot, record.status, rolledBack)
            },
        )
        assertTrue(found.notes[0].startsWith("slot b: $file"))
        // The next update goes where the damage is.
        assertEquals(Slot.B, slots.install(bundles.new, 3).slot)
        assertEquals(listOf("new", "old"), List(2) { boot() })
    }

    @Test
    fun `both slots damaged`() {
        Slot.entries.forEach { damage(slots.file(it)) }
        val state = File(folder, "slots.json").readText()
        val error = assertFailsWith<BundleException> { slots.boot() }
        assertTrue(Regex("no bundle that can be used; slot b: .*SHA-256.*; slot a: .*; install one") in error.message!!)
        assertEquals(state, File(folder, "slots.json").readText())
    }

    @ParameterizedTest
    @ValueSource(strings = ["gone", "empty", "bit", "unknown field", "no record", "version", "folder"])
    fun `a state that is lost is found out from the slots`(how: String) {
        val file = File(folder, "slots.json")
        val good = file.readText()
        when (how) {
            "bit" -> file.writeText(good.replace("\"highest\":2", "\"highest\":3"))
            "unknown field" -> file.writeText(good.replace("\"version\"", "\"extra\":1,\"version\""))
            "no record" -> {
                val record = SlotRecord("0".repeat(64), 0, SlotStatus.GOOD)
                file.writeBytes(SlotState(Slot.B, 0, mapOf(Slot.A to record)).encode())
            }
            "version" -> file.writeText(good.replace("\"version\":1", "\"version\":2"))
            "empty" -> file.writeText("")
            else -> {
                file.delete()
                if (how == "folder") file.mkdir()
            }
        }
        slots.file(Slot.A).setLastModified(1_000_000)
        val found = slots.boot()
        assertEquals(
            listOf("old", Slot.A, SlotStatus.TRIAL, 1),
            found.run {
                listOf(bundle.name, slot, record.status, record.starts)
            },
        )
        assertTrue(found.notes[0].startsWith("$file"))
        assertContains(found.notes[0], "none counts as confirmed")
        if (how == "folder") {
            assertTrue(found.notes.any { "cannot be written" in it })
            return
        }
        // It has to prove itself like any other, and has the other slot to go back to.
        val back = slots.boot()
        assertEquals(
            listOf("good", SlotStatus.TRIAL, true),
            back.run { listOf(bundle.name, record.status, rolledBack) },
        )
        slots.confirm(back.bundle.digest)
        assertEquals("good" to SlotStatus.GOOD, slots.boot().let { it.bundle.name to it.record.status })
    }

    @Test
    fun `recovery passes over what is damaged`() {
        File(folder, "slots.json").delete()
        slots.file(Slot.A).setLastModified(1_000_000)
        damage(slots.file(Slot.A))
        val found = slots.boot()
        assertEquals("good", found.bundle.name)
        assertTrue(found.notes.any { it.startsWith("slot a: ") && "SHA-256" in it })
    }

    @Test
    fun `a bundle that nothing records is better than none`() {
        // An install into slot a was killed before it wrote that down, and slot b has been damaged.
        damage(slots.file(Slot.B))
        bundles.new.copyTo(slots.file(Slot.A), overwrite = true)
        val found = slots.boot()
        assertEquals("new" to SlotStatus.TRIAL, found.bundle.name to found.record.status)
        assertTrue(found.notes.any { "neither slot holds what was installed" in it })
        slots.confirm(found.bundle.digest)
        assertEquals(2, slots.status().highest)
    }

    @Test
    fun `a bad source changes nothing`() {
        val bad = File(temporary, "bad.fpm")
        bundles.new.copyTo(bad)
        damage(bad)
        val before = folder.listFiles()!!.associate { it.name to it.lastModified() }
        for (source in listOf(bad, File(temporary, "nothing.fpm"))) {
            assertFailsWith<BundleException> { slots.install(source, null) }
        }
        assertEquals(before, folder.listFiles()!!.associate { it.name to it.lastModified() })
        assertFailsWith<BundleException> { textSlots(File(temporary, "other")).install(bad, null) }
        assertFalse(File(temporary, "other").exists())
    }

    @Test
    fun `a source that changes while it is installed is not installed`() {
        var opened = 0
        val changing =
            SlotFolder(folder, 1, isSigned = false, waitMs = 100) { file, _ ->
                openText(file).also { if (opened++ == 0) bundles.new.writeText(bundleText("newer")) }
            }
        val before = contents()
        assertContains(
            assertFailsWith<BundleException> { changing.install(bundles.new, 3) }.message!!,
            "another bundle",
        )
        assertEquals(before, contents())
    }

    @Test
    fun `what a killed install left is removed`() {
        val left = File(folder, ".a.fpm.x.part").apply { writeText("half") }
        slots.install(bundles.new, 3)
        assertFalse(left.exists())
    }

    @Test
    fun `a file is no folder`() {
        val file = File(temporary, "file").apply { writeText("") }
        val error = assertFailsWith<UsageException> { textSlots(file).install(bundles.old, null) }
        assertContains(error.message!!, "is not a folder; name another")
    }

    @Test
    fun `installs at once wait for one another`() {
        val install = { number: Int ->
            textSlots(folder, waitMs = 60_000).install(listOf(bundles.old, bundles.good)[number % 2], 2)
        }
        val threads = List(2) { thread { repeat(10) { install(it) } } }
        threads.forEach { it.join() }
        assertEquals(emptyList(), slots.status().slots.filter { it.problem.isNotEmpty() })
        assertEquals("good", boot())
        assertEquals(listOf("a.fpm", "b.fpm", "slots.json", "slots.lock"), folder.list()!!.sorted())
    }

    @Test
    fun `another one at work is waited for and named`() {
        val isHeld = CountDownLatch(1)
        val mayGo = CountDownLatch(1)
        val holder =
            thread {
                locked(File(folder, "slots.lock"), 1000) {
                    isHeld.countDown()
                    mayGo.await()
                }
            }
        isHeld.await()
        val error = assertFailsWith<FpmEdgeException> { textSlots(folder, waitMs = 50).boot() }
        assertContains(error.message!!, "is locked by another process, for more than 50 ms")
        mayGo.countDown()
        assertEquals("good", boot())
        holder.join()
    }

    @Test
    fun `another process at work is waited for, and its lock dies with it`() {
        val lock = File(folder, "slots.lock").path
        val python =
            """
            import fcntl, sys, time
            file = open(sys.argv[1], "r+")
            fcntl.lockf(file, fcntl.LOCK_EX)
            print("held", flush=True)
            time.sleep(60)
            """.trimIndent()
        val holder = ProcessBuilder("python3", "-c", python, lock).start()
        try {
            assertEquals("held", holder.inputStream.bufferedReader().readLine())
            assertFailsWith<FpmEdgeException> { textSlots(folder, waitMs = 50).boot() }
        } finally {
            holder.destroyForcibly().waitFor()
        }
        assertEquals("good", boot())
    }

    @Test
    fun `a lock is given back, also after an exception`() {
        val file = File(temporary, "lock")
        assertFailsWith<IllegalStateException> { locked(file, 0) { error("why") } }
        locked(file, 0) { assertFailsWith<FpmEdgeException> { locked(file, 0) {} } }
        locked(file, 0) {}
    }

    @Test
    fun `an interrupted thread does its work`() {
        Thread.currentThread().interrupt()
        try {
            assertFailsWith<FpmEdgeException> { locked(File(temporary, "lock"), 1000) {} }
        } finally {
            assertTrue(Thread.interrupted())
        }
        assertNotNull(slots.boot())
    }

    @Test
    fun `a long life`() {
        // Whatever comes in whatever order: while a file is intact something boots, and installs spare what is good.
        val chance = Random(0)
        val all = listOf(bundles.old, bundles.good, bundles.new)
        val slots = textSlots(File(temporary, "long"), disk = Unflushed)
        slots.install(bundles.old, null)
        val happened = mutableMapOf<String, Int>()
        repeat(300) {
            val before = slots.status()
            val intact = before.slots.filter { it.problem.isEmpty() }
            when (listOf("install", "boot", "boot", "confirm", "damage", "lose the state").random(chance)) {
                "install" -> {
                    val good = intact.filter { it.record.status == SlotStatus.GOOD }
                    val kept = good.firstOrNull { it.slot == before.active } ?: good.firstOrNull()
                    val content = kept?.file?.readText()
                    slots.install(all.random(chance), null)
                    assertEquals(content, kept?.file?.readText())
                }
                "boot" -> {
                    val found = slots.boot()
                    happened.merge("${found.record.status}", 1, Int::plus)
                    if (found.rolledBack) happened.merge("rolled back", 1, Int::plus)
                    assertContains(all.map { it.readText() }, found.file.readText())
                }
                "confirm" -> slots.confirm(null)
                "damage" -> if (intact.size == 2) damage(intact.random(chance).file)
                else -> if (intact.isNotEmpty()) File(temporary, "long/slots.json").delete()
            }
        }
        for (what in listOf("GOOD", "TRIAL", "FAILED", "rolled back")) assertTrue((happened[what] ?: 0) >= 3, what)
    }

    private fun contents(): Map<String, String> = folder.listFiles()!!.associate { it.name to it.readText() }
}
