package fpm.edge.drift

import fpm.edge.DataException
import fpm.edge.FpmEdgeException
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

internal class StateStoreTest {
    @TempDir
    lateinit var temporary: File
    private val folder: File
        get() = File(temporary, "states")

    @Test
    fun `what was saved last is there, also for a store that is opened later`() {
        val store = FileStateStore(folder)
        assertNull(store.load("a"))
        assertFalse(folder.exists())
        store.save("a", "1")
        store.save("a", "2 Ä")
        store.save("b", "")
        val later = FileStateStore(folder)
        assertEquals(listOf("2 Ä", ""), listOf(later.load("a"), later.load("b")))
        assertEquals(listOf("a.json", "b.json"), folder.list()!!.sorted(), "nothing is left beside")
    }

    @Test
    fun `any name has a file of its own in the folder`() {
        val store = FileStateStore(folder)
        val names = listOf("drift monitor 0a", "../x", "a/b", "a%2Fb", "Ä", "", ".", "..")
        for (name in names) store.save(name, "of $name")
        for (name in names) assertEquals("of $name", store.load(name))
        assertEquals(names.size, folder.list()!!.size)
        assertEquals("drift%20monitor%200a.json", store.file("drift monitor 0a").name)
        assertEquals(listOf("states"), temporary.list()!!.toList())
    }

    @Test
    fun `what cannot be written or read is said`() {
        val file = File(temporary, "file").apply { writeText("") }
        assertFailsWith<FpmEdgeException> { FileStateStore(file).save("a", "1") }
        val store = FileStateStore(folder)
        store.file("a").mkdirs()
        assertFailsWith<FpmEdgeException> { store.load("a") }
        File(store.file("a"), "full").mkdir()
        assertFailsWith<FpmEdgeException> { store.save("a", "1") }
        assertEquals(listOf("a.json"), folder.list()!!.toList(), "nothing is left beside")
    }

    @Test
    fun `a monitor goes on after a restart, from what is kept under its bundle`() {
        val store = FileStateStore(folder)
        val made = { subject: String, limit: Double -> DriftMonitor(doubleArrayOf(limit), listOf("a", "b"), subject) }
        val monitor = made("one", 0.01)
        assertFalse(monitor.load(store))
        repeat(20) {
            monitor.addShadow(listOf(doubleArrayOf(0.004, 0.006)))
            monitor.addFrame(floatArrayOf(0.5f))
        }
        monitor.save(store)
        val again = made("one", 0.01)
        assertTrue(again.load(store))
        assertEquals(monitor.report(), again.report())
        assertFalse(made("two", 0.01).load(store))
        assertFailsWith<DataException> { made("one", 0.02).load(store) }
    }
}
