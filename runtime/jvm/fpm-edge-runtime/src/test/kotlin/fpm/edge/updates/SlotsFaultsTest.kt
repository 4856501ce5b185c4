package fpm.edge.updates

import fpm.edge.FpmEdgeException
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Whatever happens during an update, at whichever operation on the disk: there is a bundle to boot afterwards. */
internal class SlotsFaultsTest {
    @TempDir
    lateinit var temporary: File
    private lateinit var bundles: ThreeBundles

    /** With: a confirmed bundle, an older one beside it; then a new one on trial; then that one started. */
    private val confirmed: File
        get() = File(temporary, "confirmed")
    private val trial: File
        get() = File(temporary, "trial")
    private val started: File
        get() = File(temporary, "started")

    @BeforeEach
    fun prepare() {
        bundles = ThreeBundles(temporary)
        val slots = textSlots(confirmed)
        for (bundle in listOf(bundles.old, bundles.good)) {
            slots.install(bundle, 1)
            slots.confirm(slots.boot().bundle.digest)
        }
        copy(confirmed, trial)
        textSlots(trial).install(bundles.new, 2)
        copy(trial, started)
        textSlots(started).boot()
    }

    @ParameterizedTest
    @EnumSource
    fun install(fault: Fault) =
        atEveryOperation(fault, confirmed, { install(bundles.new, 2).slot.label }) { folder, run ->
            val slots = textSlots(folder)
            val first = slots.boot()
            assertContains(if (run.answer != null) listOf("new") else listOf("good", "new"), first.bundle.name, "$run")
            if (first.bundle.name == "new") {
                assertEquals(SlotStatus.TRIAL, first.record.status, "$run")
                val back = slots.boot()
                assertEquals(
                    Triple(true, "good", SlotStatus.GOOD),
                    back.run { Triple(rolledBack, bundle.name, record.status) },
                    "$run",
                )
            }
            slots.install(bundles.new, 2)
            assertEquals("new" to SlotStatus.TRIAL, slots.boot().run { bundle.name to record.status }, "$run")
            assertEquals(listOf("a.fpm", "b.fpm", "slots.json", "slots.lock"), folder.list()!!.sorted(), "$run")
        }

    @ParameterizedTest
    @EnumSource
    fun boot(fault: Fault) =
        atEveryOperation(fault, trial, { boot().bundle.name }) { folder, run ->
            if (run.error == null && run.failed in setOf("create", "write", "sync", "replace")) {
                assertContains(
                    listOf("good", null),
                    run.answer,
                    "a trial whose starts cannot be counted is not started",
                )
            }
            assertContains(listOf("good", "new"), textSlots(folder).boot().bundle.name, "$run")
        }

    @ParameterizedTest
    @EnumSource
    fun confirm(fault: Fault) =
        atEveryOperation(fault, started, { confirm(null).label }) { folder, run ->
            val booted = textSlots(folder).boot()
            assertContains(if (run.answer != null) listOf("new") else listOf("good", "new"), booted.bundle.name, "$run")
        }

    private data class Run(
        val fault: Fault,
        val at: Int,
        val failed: String?,
        val answer: String?,
        val error: FpmEdgeException?,
    )

    private fun atEveryOperation(
        fault: Fault,
        prepared: File,
        act: SlotFolder<TextBundle>.() -> String,
        check: (File, Run) -> Unit,
    ) {
        val seen = mutableSetOf<String>()
        var at = 0
        do {
            at += 1
            val folder = File(temporary, "$fault-$at")
            copy(prepared, folder)
            val disk = FaultyDisk(fault, at)
            var answer: String? = null
            var error: FpmEdgeException? = null
            try {
                answer = textSlots(folder, disk = disk).act()
            } catch (caught: FpmEdgeException) {
                error = caught
            } catch (_: Killed) {
                assertContains(listOf(Fault.KILL, Fault.POWER), fault)
            }
            disk.end()
            val run = Run(fault, at, disk.failed, answer, error)
            if (error != null) checkRefusal(run, disk, prepared, folder)
            check(folder, run)
            disk.failed?.let(seen::add)
        } while (disk.count >= at)
        assertTrue(seen.containsAll(listOf("create", "write", "sync", "replace", "syncFolder", "openLock")), "$seen")
    }

    /** It says why, and changed nothing that it needs. */
    private fun checkRefusal(
        run: Run,
        disk: FaultyDisk,
        prepared: File,
        folder: File,
    ) {
        assertFalse(run.fault in setOf(Fault.KILL, Fault.POWER), "$run")
        assertNull(run.answer)
        assertEquals(FpmEdgeException::class, run.error!!::class)
        assertContains(run.error.message!!, "No space left on device")
        if (!disk.hasRenamed && run.failed != "delete") assertEquals(contents(prepared), contents(folder), "$run")
    }

    private fun copy(
        from: File,
        to: File,
    ) {
        to.mkdirs()
        // With their times, by which a state that is lost is found out.
        for (file in from.listFiles()!!) file.copyTo(File(to, file.name)).setLastModified(file.lastModified())
    }

    private fun contents(folder: File): Map<String, String> =
        folder.listFiles()!!.filter { it.name != "slots.lock" }.associate { it.name to it.readText() }
}
