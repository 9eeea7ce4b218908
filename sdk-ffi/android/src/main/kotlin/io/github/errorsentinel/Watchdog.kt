package io.github.errorsentinel

import android.os.Debug
import android.os.Handler
import android.os.Looper

/** Reports a main thread that does nothing for too long, once for each time, with what it is busy with. */
internal class Watchdog private constructor(
    private val client: Client,
    private val main: Looper,
    timeoutMs: Long,
) : Thread("error-sentinel-watchdog") {
    private val looksBeforeReport = (timeoutMs / LOOK_MS).coerceAtLeast(1)
    private val handler = Handler(main)

    @Volatile
    private var hasAnswered = true

    init {
        isDaemon = true
    }

    override fun run() {
        try {
            watch()
        } catch (trouble: InterruptedException) {
            // The library was closed.
        } catch (trouble: Throwable) {
            ErrorSentinel.logTrouble(trouble)
        }
    }

    private fun watch() {
        var waitedCount = 0L
        var isReported = false
        while (!isInterrupted) {
            if (hasAnswered) {
                hasAnswered = false
                waitedCount = 0
                isReported = false
                handler.postAtFrontOfQueue { hasAnswered = true }
            }
            // Its own looks are counted, not a clock read: a process that sleeps, or is stopped by a debugger, looks at
            // nothing and so reports nothing.
            sleep(LOOK_MS)
            if (hasAnswered) continue
            waitedCount++
            if (waitedCount >= looksBeforeReport && !isReported && !Debug.isDebuggerConnected()) {
                isReported = true
                client.send { it.ofFreeze(main.thread, waitedCount * LOOK_MS) }
            }
        }
    }

    fun end() {
        interrupt()
    }

    companion object {
        private const val LOOK_MS = 100L

        /** Starts one, where there is a main thread to watch. */
        fun start(client: Client, timeoutMs: Long): Watchdog? {
            val main = Looper.getMainLooper() ?: return null
            return Watchdog(client, main, timeoutMs).also { it.start() }
        }
    }
}
