package fpm.edge.updates

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

internal class SlotStateTest {
    private val state =
        SlotState(
            Slot.A,
            3,
            mapOf(Slot.A to SlotRecord("0".repeat(64), 3, SlotStatus.TRIAL, 1, "“why”\n")),
        )

    @Test
    fun `what is written is read, and nothing that was altered`() {
        val good = state.encode()
        assertEquals(state, SlotState.decode(good))
        for (place in good.indices) {
            val changed = good.copyOf()
            changed[place] = (changed[place].toInt() xor 1).toByte()
            assertFailsWith<IllegalArgumentException>("byte $place") { SlotState.decode(changed) }
        }
        assertFailsWith<IllegalArgumentException> { SlotState.decode(ByteArray(0)) }
    }

    @Test
    fun `it is the Python runtime's`() {
        // encode_state(SlotState("b", 2, {"b": SlotRecord("d" * 64, 2, "good"), "a": SlotRecord("e" * 64, 1, "failed", 2, "why")}))
        val python =
            """{"version":1,"sha256":"ea290c0e88de4482afd81285d8ece75317186a88a75f99c34e36c739eec16c1f","state":""" +
                """{"active":"b","highest":2,"records":{"a":{"digest":"${"e".repeat(64)}","sequence":1,""" +
                """"status":"failed","starts":2,"reason":"why"},"b":{"digest":"${"d".repeat(64)}","sequence":2,""" +
                """"status":"good","starts":0,"reason":""}}}}""" + "\n"
        val expected =
            SlotState(
                Slot.B,
                2,
                mapOf(
                    Slot.B to SlotRecord("d".repeat(64), 2, SlotStatus.GOOD),
                    Slot.A to SlotRecord("e".repeat(64), 1, SlotStatus.FAILED, 2, "why"),
                ),
            )
        assertEquals(expected, SlotState.decode(python.toByteArray()))
        assertEquals(python, expected.encode().decodeToString())
    }
}
