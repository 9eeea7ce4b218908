package io.github.errorsentinel.reactnative

import com.facebook.react.bridge.Promise
import com.facebook.react.bridge.ReactApplicationContext
import com.facebook.react.bridge.ReadableMap
import com.facebook.react.bridge.ReadableType
import io.github.errorsentinel.ErrorSentinel
import io.github.errorsentinel.Options
import io.github.errorsentinel.Protocol
import kotlin.concurrent.thread

/** The native module on Android: what JavaScript reports goes to the Android library, which delivers it. */
public class ErrorSentinelModule(context: ReactApplicationContext) : NativeErrorSentinelSpec(context) {
    override fun start(dsn: String, options: ReadableMap): String {
        Protocol.leaveOut(Rethrown)
        // The application has started it by itself, or its JavaScript was loaded anew.
        if (Protocol.isStarted()) return ""
        val settings = Options().apply {
            options.text("release")?.let { release = it }
            options.text("environment")?.let { environment = it }
            app = options.text("app")
            options.number("sampleRate")?.let { sampleRate = it }
            options.number("maxBreadcrumbs")?.let { maxBreadcrumbs = it.toInt() }
        }
        val isStarted = ErrorSentinel.init(reactApplicationContext, dsn, settings)
        return if (isStarted || Protocol.isStarted()) "" else "the Android library does not start; its log says why"
    }

    override fun sendEvent(json: String): Boolean = Protocol.sendEvent(json)

    override fun sendCrash(json: String): Boolean {
        val isKept = Protocol.sendCrash(json)
        if (isKept) Rethrown.remember(json)
        return isKept
    }

    override fun addBreadcrumb(json: String): Boolean = Protocol.addBreadcrumb(json)

    override fun setTag(key: String, value: String): Boolean {
        ErrorSentinel.setTag(key, value)
        return Protocol.isStarted()
    }

    override fun setUser(json: String): Boolean = Protocol.setUser(json)

    override fun flush(timeoutMs: Double, promise: Promise) {
        // JavaScript's thread waits for nothing.
        thread(isDaemon = true, name = "error-sentinel-flush") {
            promise.resolve(ErrorSentinel.flush(timeoutMs.coerceIn(0.0, FLUSH_MAX_MS).toInt()))
        }
    }

    private fun ReadableMap.text(name: String): String? =
        if (hasKey(name) && getType(name) == ReadableType.String) getString(name) else null

    private fun ReadableMap.number(name: String): Double? =
        if (hasKey(name) && getType(name) == ReadableType.Number) getDouble(name) else null

    public companion object {
        /** The name by which JavaScript asks for it. */
        public const val NAME: String = NativeErrorSentinelSpec.NAME

        /** Longest that somebody may wait for everything to leave. */
        private const val FLUSH_MAX_MS = 60_000.0
    }
}
