package io.github.errorsentinel

import android.content.Context
import android.util.Log
import java.util.concurrent.atomic.AtomicReference

/**
 * Reports errors to a collector. Every function may be called from any thread, at any time; none throws, and none
 * waits but [flush] and [close].
 */
public object ErrorSentinel {
    internal const val LOG = "ErrorSentinel"

    private val running = AtomicReference<Client?>()

    /**
     * Starts reporting to [dsn], on a thread of its own: this returns at once, and what is reported meanwhile is not
     * lost. A DSN that is none is said in the log, and nothing is sent.
     *
     * Returns whether it starts; it does not when it runs already.
     */
    @JvmStatic
    @JvmOverloads
    public fun init(context: Context, dsn: String, options: Options = Options()): Boolean = guarded(false) {
        val client = Client(context, dsn, options.copy())
        if (!running.compareAndSet(null, client)) {
            Log.w(LOG, "it runs already; close it first")
            return@guarded false
        }
        try {
            client.start()
        } catch (trouble: Throwable) {
            running.compareAndSet(client, null)
            throw trouble
        }
        true
    }

    /** Reports [throwable] with its causes. Returns the name of the event in the collector, or null while nothing runs. */
    @JvmStatic
    @JvmOverloads
    public fun sendAlert(
        throwable: Throwable,
        level: Level = Level.ERROR,
        tags: Map<String, String> = emptyMap(),
        extra: Map<String, String> = emptyMap(),
        fingerprint: List<String> = emptyList(),
    ): String? = guarded(null) {
        running.get()?.send { it.ofThrowable(throwable, level).labelled(tags, extra, fingerprint) }
    }

    /** Reports a text, with the stack of this thread. */
    @JvmStatic
    @JvmOverloads
    public fun sendAlert(
        message: String,
        level: Level = Level.ERROR,
        tags: Map<String, String> = emptyMap(),
        extra: Map<String, String> = emptyMap(),
        fingerprint: List<String> = emptyList(),
    ): String? = guarded(null) {
        running.get()?.send { it.ofMessage(message, level).labelled(tags, extra, fingerprint) }
    }

    /** Remembers one step; the last ones travel with every alert. */
    @JvmStatic
    @JvmOverloads
    public fun addBreadcrumb(message: String, category: String? = null, level: Level = Level.INFO) {
        guarded(Unit) { running.get()?.addBreadcrumb(message, category, level) }
    }

    /** Labels every alert from now on. */
    @JvmStatic
    public fun setTag(key: String, value: String) {
        guarded(Unit) { running.get()?.setTag(key, value) }
    }

    /** Says whose work every alert from now on is about; with nothing given, nobody's. */
    @JvmStatic
    @JvmOverloads
    public fun setUser(id: String? = null, email: String? = null, name: String? = null) {
        guarded(Unit) { running.get()?.setUser(id, email, name) }
    }

    /** Waits until everything reported so far has left, at most [timeoutMs]; says whether it has. Not for the main thread. */
    @JvmStatic
    public fun flush(timeoutMs: Int): Boolean = guarded(false) { running.get()?.flush(timeoutMs) ?: false }

    /**
     * Ends reporting, after what is on its way had up to [timeoutMs] to leave; what is left is sent after the next
     * [init]. Says whether all has left. Not for the main thread.
     */
    @JvmStatic
    public fun close(timeoutMs: Int): Boolean = guarded(false) { running.getAndSet(null)?.close(timeoutMs) ?: false }

    /** Tells what runs something; false when nothing does. */
    internal fun tell(what: (Client) -> Boolean): Boolean = guarded(false) { running.get()?.let(what) ?: false }

    /** What goes wrong in here is the log's alone: the application has trouble enough. */
    private inline fun <T> guarded(otherwise: T, body: () -> T): T = try {
        body()
    } catch (trouble: Throwable) {
        logTrouble(trouble)
        otherwise
    }

    internal fun logTrouble(trouble: Throwable) {
        try {
            Log.e(LOG, "nothing was reported", trouble)
        } catch (worse: Throwable) {
            // There is no memory even to say so, or the error cannot be printed; the application goes on.
        }
    }
}
