package io.github.errorsentinel

/**
 * For libraries that wrap this one for another language: what they report is JSON already, as the Sentry protocol has
 * it. As in [ErrorSentinel] no function throws, and none waits but [sendCrash].
 *
 * Each says whether something runs that takes what it was given.
 */
public object Protocol {
    /** Knows an exception that the other language has reported, and that is only thrown on to end the application. */
    public fun interface Reported {
        public fun isReported(throwable: Throwable): Boolean
    }

    @Volatile
    private var reported: Reported? = null

    /** Whether [ErrorSentinel.init] was called, and no [ErrorSentinel.close] since. */
    @JvmStatic
    public fun isStarted(): Boolean = ErrorSentinel.tell { true }

    /** Reports an event. */
    @JvmStatic
    public fun sendEvent(json: String): Boolean = ErrorSentinel.tell { it.sendJson(json.utf8()) }

    /** The same for one that is about to end the application: it is on disk when this returns, where that is possible. */
    @JvmStatic
    public fun sendCrash(json: String): Boolean = ErrorSentinel.tell { it.sendCrashJson(json.utf8()) }

    /** Remembers one step. */
    @JvmStatic
    public fun addBreadcrumb(json: String): Boolean = ErrorSentinel.tell { it.addBreadcrumbJson(json.utf8()) }

    /** Says whose work every alert from now on is about; of an empty object, nobody's. */
    @JvmStatic
    public fun setUser(json: String): Boolean = ErrorSentinel.tell { it.setUserJson(json.utf8()) }

    /** Exceptions that [knows] knows are not reported again when they end the application. */
    @JvmStatic
    public fun leaveOut(knows: Reported?) {
        reported = knows
    }

    internal fun isReported(throwable: Throwable): Boolean = try {
        reported?.isReported(throwable) ?: false
    } catch (trouble: Throwable) {
        // Told twice is better than not at all.
        false
    }
}
