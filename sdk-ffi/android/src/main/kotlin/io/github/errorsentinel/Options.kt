package io.github.errorsentinel

import java.util.Collections

/** How to report. Everything has a default. */
public class Options {
    /** Version of the application. Default: `PACKAGE@VERSION_NAME+VERSION_CODE`. */
    @JvmField
    public var release: String? = null

    /** `production`, `staging`… Default: `development` for a debuggable build, else `production`. */
    @JvmField
    public var environment: String? = null

    /** Name of the application, where one project has several. */
    @JvmField
    public var app: String? = null

    /** Reports only this share of all alerts, from 0 to 1; crashes are reported always. */
    @JvmField
    public var sampleRate: Double = 1.0

    /** Steps remembered before an alert; 100 at most. */
    @JvmField
    public var maxBreadcrumbs: Int = 50

    /** Beginnings of the names of classes that are the application's own. Default: its package. */
    @JvmField
    public var inAppPackages: List<String> = Collections.emptyList()

    /** Whether exceptions that nobody catches are reported before the handler that was there does its work. */
    @JvmField
    public var reportsCrashes: Boolean = true

    /**
     * Whether it is reported that the process died in native code: of SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE. What
     * it was doing is sent after the next start. On 64-bit processors. Who is asked after this library is the system, as
     * without it; who is asked before is the runtime, so that its own use of these signals is not reported.
     *
     * Load the application's native libraries before `init` where that is possible: the report of the next start knows
     * the functions of those that are there by then.
     */
    @JvmField
    public var reportsNativeCrashes: Boolean = false

    /** Whether what activities do becomes breadcrumbs. */
    @JvmField
    public var watchesLifecycle: Boolean = true

    /** Reports a main thread that did nothing for so long, in milliseconds; 0 watches nothing. */
    @JvmField
    public var freezeTimeoutMs: Long = 5_000

    internal fun copy(): Options = Options().also {
        it.release = release
        it.environment = environment
        it.app = app
        it.sampleRate = sampleRate
        it.maxBreadcrumbs = maxBreadcrumbs
        it.inAppPackages = ArrayList(inAppPackages)
        it.reportsCrashes = reportsCrashes
        it.reportsNativeCrashes = reportsNativeCrashes
        it.watchesLifecycle = watchesLifecycle
        it.freezeTimeoutMs = freezeTimeoutMs
    }
}

/** How bad something is. */
public enum class Level(internal val number: Int, internal val wire: String) {
    DEBUG(1, "debug"),
    INFO(2, "info"),
    WARNING(3, "warning"),
    ERROR(4, "error"),

    /** Rings at once. */
    FATAL(5, "fatal"),
}
