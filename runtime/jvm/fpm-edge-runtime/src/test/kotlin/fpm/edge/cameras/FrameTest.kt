package fpm.edge.cameras

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class FrameTest {
    @Test
    fun `a buffer is given back once, also when that fails`() {
        var returned = 0
        val frame =
            Frame(Black(), timeNs = 2_500_000_000) {
                returned += 1
                error("gone")
            }
        assertEquals(2.5, frame.timeS)
        assertFailsWith<IllegalStateException> { frame.close() }
        frame.close()
        assertEquals(1, returned)
        Frame(Black()).close()
    }
}
