package fpm.edge.drift

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/** After so long without work the thread ends; the next work has a new one. */
private const val IDLE_S = 10L

/** One daemon thread of the lowest priority, while there is something to do and a little longer. */
internal fun threadBeside(name: String): ThreadPoolExecutor =
    ThreadPoolExecutor(1, 1, IDLE_S, TimeUnit.SECONDS, LinkedBlockingQueue()) { work ->
        Thread(work, name).apply {
            isDaemon = true
            priority = Thread.MIN_PRIORITY
        }
    }.apply { allowCoreThreadTimeOut(true) }
