package io.github.errorsentinel

import java.util.concurrent.TimeUnit
import java.util.concurrent.locks.ReentrantLock

/** Longer than a report takes, and shorter than a person waits for an application that hangs. */
private const val PATIENCE_MS = 4_000L

/** Reports exceptions that nobody catches, then lets the handler that was there do its work. */
internal class CrashHandler(private val client: Client) : Thread.UncaughtExceptionHandler {
    private val previous: Thread.UncaughtExceptionHandler? = Thread.getDefaultUncaughtExceptionHandler()

    /** Two threads may die at once: the second one's end is the process's, and must not come before the first is on disk. */
    private val turn = ReentrantLock()

    @Volatile
    private var isRemoved = false

    override fun uncaughtException(thread: Thread, throwable: Throwable) {
        try {
            if (!isRemoved && !Protocol.isReported(throwable)) {
                val isInTurn = turn.tryLock(PATIENCE_MS, TimeUnit.MILLISECONDS)
                try {
                    client.sendCrash(thread, throwable)
                } finally {
                    if (isInTurn) turn.unlock()
                }
            }
        } catch (trouble: Throwable) {
            ErrorSentinel.logTrouble(trouble)
        }
        if (previous != null) {
            previous.uncaughtException(thread, throwable)
        } else {
            // As a virtual machine does when nobody has set a handler.
            System.err.print("Exception in thread \"${thread.name}\" ")
            throwable.printStackTrace()
        }
    }

    fun install() {
        Thread.setDefaultUncaughtExceptionHandler(this)
    }

    /** Puts the earlier handler back, unless another one was set over this; then this only passes on. */
    fun remove() {
        isRemoved = true
        if (Thread.getDefaultUncaughtExceptionHandler() === this) Thread.setDefaultUncaughtExceptionHandler(previous)
    }
}
