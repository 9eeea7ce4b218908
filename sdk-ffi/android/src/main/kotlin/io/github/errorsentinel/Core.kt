package io.github.errorsentinel

/**
 * The library in Rust. Each function ends with a status, [OK] when it did what it says; none of them throws. Text is
 * UTF-8, null is an empty one.
 */
internal object Core {
    const val OK = 0
    const val NOT_INITIALISED = 10
    const val ALREADY_INITIALISED = 11
    const val TIMED_OUT = 12
    const val NOT_BUILT_IN = 13

    /** Starts it; null or an empty text is "not given". Native crashes are reported where that is possible. */
    @JvmStatic
    external fun start(
        dsn: ByteArray?,
        release: ByteArray?,
        environment: ByteArray?,
        app: ByteArray?,
        spoolFolder: ByteArray?,
        sampleRate: Double,
        maxBreadcrumbs: Int,
        reportsNativeCrashes: Boolean,
    ): Int

    /** Reports an event; its name, 32 digits, goes to [out] where that is given. */
    @JvmStatic
    external fun sendEvent(json: ByteArray?, out: ByteArray?): Int

    /** The same for one that ends the process: it is on disk when this returns. */
    @JvmStatic
    external fun sendCrash(json: ByteArray?, out: ByteArray?): Int

    @JvmStatic
    external fun addBreadcrumb(category: ByteArray?, message: ByteArray?, level: Int): Int

    /** Remembers a step that is JSON already. */
    @JvmStatic
    external fun addBreadcrumbJson(json: ByteArray?): Int

    @JvmStatic
    external fun setTag(key: ByteArray?, value: ByteArray?): Int

    @JvmStatic
    external fun setContext(name: ByteArray?, json: ByteArray?): Int

    @JvmStatic
    external fun setUser(id: ByteArray?, email: ByteArray?, name: ByteArray?): Int

    /** The same, and anything more, as JSON. */
    @JvmStatic
    external fun setUserJson(json: ByteArray?): Int

    /** Looks again at which native libraries are loaded; [NOT_BUILT_IN] where native crashes cannot be reported. */
    @JvmStatic
    external fun refreshModules(): Int

    @JvmStatic
    external fun flush(timeoutMs: Int): Int

    @JvmStatic
    external fun close(timeoutMs: Int): Int

    /** Waits for a request to send; its handle goes to the first place of [out]. */
    @JvmStatic
    external fun nextRequest(timeoutMs: Int, out: LongArray?): Int

    @JvmStatic
    external fun requestUrl(request: Long): ByteArray?

    @JvmStatic
    external fun requestAuthorisation(request: Long): ByteArray?

    @JvmStatic
    external fun requestBody(request: Long): ByteArray?

    /** Says what came back, 0 for nothing, with one header a line; the handle is gone whatever this returns. */
    @JvmStatic
    external fun reportResult(request: Long, httpStatus: Int, headers: ByteArray?): Int

    /** Says in words how a call ended, in the beginning of [out], which 128 bytes are enough for. */
    @JvmStatic
    external fun statusText(status: Int, out: ByteArray?): Int

    /** How a call ended, in words. */
    fun words(status: Int): String {
        val text = ByteArray(128)
        statusText(status, text)
        return String(text, Charsets.UTF_8).trimEnd('\u0000')
    }
}

/** UTF-8; half of a surrogate pair becomes a question mark. */
internal fun String.utf8(): ByteArray = toByteArray(Charsets.UTF_8)
