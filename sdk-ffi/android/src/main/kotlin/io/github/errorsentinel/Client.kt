package io.github.errorsentinel

import android.app.Application
import android.content.Context
import android.util.Log
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

// Numbers, since an enumeration would bring classes of its own and of Kotlin's to the thread that calls init.
private const val STARTING = 0
private const val RUNNING = 1
private const val OVER = 2

/** Calls kept until the start is done. */
private const val EARLY_MAX = 200

/** Longest that a crash waits for the start. */
private const val START_PATIENCE_MS = 2_000L

/**
 * One start of the library, and everything that ends with it.
 *
 * The thread that calls init waits for each class that is loaded until it returns: so what is not needed there is made
 * later, and this is what its own thread runs.
 */
internal class Client(context: Context, private val dsn: String, private val options: Options) : Runnable {
    private val context: Context = context.applicationContext ?: context
    private val lock = Any()

    @Volatile
    private var state = STARTING

    /** What was called before the start was done; guarded by [lock]. */
    private val early = ArrayList<() -> Int>()
    private var earlyDroppedCount = 0
    private val decided = CountDownLatch(1)
    private val worker = Thread(this, "error-sentinel")
    private var crashes: CrashHandler? = null
    private var lifecycle: Lifecycle? = null

    @Volatile
    private var watchdog: Watchdog? = null

    fun start() {
        if (options.reportsCrashes) crashes = CrashHandler(this).also { it.install() }
        val application = context as? Application
        if (options.watchesLifecycle && application != null) {
            lifecycle = Lifecycle(this).also { application.registerActivityLifecycleCallbacks(it) }
        }
        worker.isDaemon = true
        worker.start()
    }

    /** The thread of its own: it starts the library in Rust, then delivers for it. */
    override fun run() {
        try {
            if (startCore()) Uploader.run(options.reportsNativeCrashes)
        } catch (trouble: Throwable) {
            ErrorSentinel.logTrouble(trouble)
        } finally {
            decide(OVER)
        }
    }

    private fun startCore(): Boolean {
        System.loadLibrary("error_sentinel")
        val surroundings = Surroundings(context)
        val spool = File(context.filesDir, "error-sentinel").path
        val release = options.release ?: surroundings.release()
        val environment = options.environment ?: surroundings.environment()
        val status = Core.start(
            dsn.utf8(),
            release?.utf8(),
            environment.utf8(),
            options.app?.utf8(),
            spool.utf8(),
            options.sampleRate,
            options.maxBreadcrumbs,
            options.reportsNativeCrashes,
        )
        if (status != Core.OK) {
            Log.e(ErrorSentinel.LOG, "nothing will be reported: ${Core.words(status)}")
            return false
        }
        if (options.reportsNativeCrashes && Core.refreshModules() == Core.NOT_BUILT_IN) {
            Log.w(ErrorSentinel.LOG, "native crashes are not reported: this library, or this processor, has not got it")
        }
        for ((name, facts) in surroundings.contexts()) Core.setContext(name.utf8(), facts.toString().utf8())
        if (options.freezeTimeoutMs > 0) watchdog = Watchdog.start(this, options.freezeTimeoutMs)
        decide(RUNNING)
        return true
    }

    /** Ends the time before; what was called in it is done now, or never. */
    private fun decide(next: Int) {
        synchronized(lock) {
            // It was closed meanwhile.
            if (state == OVER) return
            if (next == RUNNING) {
                if (earlyDroppedCount > 0) {
                    val words = "$earlyDroppedCount calls before the start was done were too many"
                    Core.addBreadcrumb("error-sentinel".utf8(), words.utf8(), Level.WARNING.number)
                }
                for (call in early) call()
            }
            early.clear()
            state = next
        }
        decided.countDown()
    }

    /** Calls the library in Rust, as soon as it is there. */
    private fun call(call: () -> Int) {
        if (state == STARTING) {
            synchronized(lock) {
                if (state == STARTING) {
                    if (early.size < EARLY_MAX) early.add(call) else earlyDroppedCount++
                    return
                }
            }
        }
        if (state == RUNNING) call()
    }

    private fun events() = Events(options.inAppPackages.ifEmpty { listOfNotNull(context.packageName) })

    /** Reports an event; returns its name, or null when nothing runs. */
    fun send(make: (Events) -> Event): String? {
        if (state == OVER) return null
        val event = make(events())
        val json = event.utf8()
        call { Core.sendEvent(json, null) }
        return event.id
    }

    /** Reports an event that is JSON already; says whether something runs that takes it. */
    fun sendJson(json: ByteArray): Boolean = taken { Core.sendEvent(json, null) }

    /** The same for one that ends the process; it is on disk when this returns, where that is possible. */
    fun sendCrashJson(json: ByteArray): Boolean = awaitStart() && Core.sendCrash(json, null) == Core.OK

    /** Reports an exception that ends the process; it is on disk when this returns, where that is possible. */
    fun sendCrash(thread: Thread, throwable: Throwable) {
        if (!awaitStart()) return
        val json = try {
            events().ofCrash(thread, throwable).utf8()
        } catch (trouble: Throwable) {
            // No memory, or an exception that throws when it is asked what it is.
            Events(options.inAppPackages).ofNamelessCrash(throwable.javaClass).utf8()
        }
        Core.sendCrash(json, null)
    }

    /** A crash in the first moments waits for the start; says whether the library runs. */
    private fun awaitStart(): Boolean {
        if (Thread.currentThread() !== worker) decided.await(START_PATIENCE_MS, TimeUnit.MILLISECONDS)
        return state == RUNNING
    }

    private fun taken(call: () -> Int): Boolean {
        if (state == OVER) return false
        call(call)
        return true
    }

    fun addBreadcrumbJson(json: ByteArray): Boolean = taken { Core.addBreadcrumbJson(json) }

    fun setUserJson(json: ByteArray): Boolean = taken { Core.setUserJson(json) }

    fun addBreadcrumb(message: String, category: String?, level: Level) {
        call { Core.addBreadcrumb(category?.utf8(), message.utf8(), level.number) }
    }

    fun setTag(key: String, value: String) {
        call { Core.setTag(key.utf8(), value.utf8()) }
    }

    fun setUser(id: String?, email: String?, name: String?) {
        call { Core.setUser(id?.utf8(), email?.utf8(), name?.utf8()) }
    }

    fun flush(timeoutMs: Int): Boolean {
        val until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs.toLong())
        if (!decided.await(timeoutMs.toLong(), TimeUnit.MILLISECONDS)) return false
        if (state != RUNNING) return false
        val left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime()).coerceIn(0, Int.MAX_VALUE.toLong())
        return Core.flush(left.toInt()) == Core.OK
    }

    fun close(timeoutMs: Int): Boolean {
        crashes?.remove()
        lifecycle?.let { (context as? Application)?.unregisterActivityLifecycleCallbacks(it) }
        decided.await(START_PATIENCE_MS, TimeUnit.MILLISECONDS)
        watchdog?.end()
        val wasRunning = synchronized(lock) {
            (state == RUNNING).also { state = OVER }
        }
        decided.countDown()
        return wasRunning && Core.close(timeoutMs.coerceAtLeast(0)) == Core.OK
    }
}
