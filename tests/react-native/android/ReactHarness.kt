package io.github.errorsentinel.reactnative

import com.facebook.react.bridge.BridgeReactContext
import com.facebook.react.bridge.Callback
import com.facebook.react.bridge.JavaOnlyArray
import com.facebook.react.bridge.JavaOnlyMap
import com.facebook.react.bridge.PromiseImpl
import com.facebook.react.bridge.ReactApplicationContext
import com.facebook.react.devsupport.ReleaseDevSupportManager
import com.facebook.react.modules.core.ExceptionsManagerModule
import io.github.errorsentinel.ErrorSentinel
import io.github.errorsentinel.HostApplication
import io.github.errorsentinel.Options
import java.io.File
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** The program of the end-to-end tests: what React Native does with the module, in its own classes. */
object ReactHarness {
    private lateinit var dsn: String
    private lateinit var context: ReactApplicationContext

    @JvmStatic
    fun main(arguments: Array<String>) {
        System.loadLibrary("framework")
        dsn = arguments[1]
        context = BridgeReactContext(HostApplication(File(arguments[2])))
        when (val command = arguments[0]) {
            "everything" -> everything()
            "joined" -> joined()
            "fatal" -> fatal(isReported = true)
            "fatal-unreported" -> fatal(isReported = false)
            "fatal-of-another" -> fatalOfAnother()
            "start" -> module().let { started(it); check(flushed(it)) }
            "misuse" -> misuse()
            else -> error("no such command: $command")
        }
        exitProcess(0)
    }

    /** As React Native finds it. */
    private fun module(): ErrorSentinelModule {
        val found = ErrorSentinelPackage()
        val info = checkNotNull(found.reactModuleInfoProvider.getReactModuleInfos()["ErrorSentinel"])
        check(info.isTurboModule && !info.isCxxModule)
        check(found.getModule("SomethingElse", context) == null)
        return found.getModule("ErrorSentinel", context) as ErrorSentinelModule
    }

    private fun options() = JavaOnlyMap.of(
        "release", "shop@1.4.2",
        "environment", "staging",
        "app", "Shop",
        "sampleRate", 1.0,
        "maxBreadcrumbs", 30.0,
    )

    private fun started(module: ErrorSentinelModule) {
        check(module.start(dsn, options()) == "")
        // On a machine that is busy the start takes longer than a crash waits for it.
        check(ErrorSentinel.flush(60_000)) { "it has not started" }
    }

    private fun flushed(module: ErrorSentinelModule): Boolean {
        val answer = CompletableFuture<Boolean>()
        module.flush(
            30_000.0,
            PromiseImpl(Callback { answer.complete(it[0] as Boolean) }, Callback { answer.complete(false) }),
        )
        return answer.get(60, TimeUnit.SECONDS)
    }

    /** An event as JavaScript writes it. */
    private fun event(said: String) =
        """{"event_id":"0123456789abcdef0123456789abcdef","platform":"javascript","level":"error",
            "sdk":{"name":"error-sentinel.react-native","version":"0.1.0"},
            "exception":{"values":[{"type":"PaymentRefused","value":"$said","stacktrace":{"frames":[
            {"function":"charge","filename":"index.android.bundle","lineno":1,"colno":12345}]}}]}}"""

    private fun everything() {
        val module = module()
        started(module)
        check(module.addBreadcrumb("""{"category":"cart","message":"three apples were added 🔔","data":{"count":3}}"""))
        check(module.setTag("region", "eu-central"))
        check(module.setUser("""{"id":"4711","plan":"gold"}"""))
        check(module.sendEvent(event("12 euros were refused")))
        check(flushed(module))
    }

    /** The application starts it before its JavaScript does. */
    private fun joined() {
        check(ErrorSentinel.init(context, dsn, Options().apply { app = "Started by Kotlin" }))
        val module = module()
        started(module)
        check(module.sendEvent(event("12 euros were refused")))
        check(flushed(module))
    }

    private fun dyingAs(word: String) {
        Thread.setDefaultUncaughtExceptionHandler { _, throwable ->
            println("$word ${throwable.javaClass.simpleName}: ${throwable.message.orEmpty().lines()[0]}")
            Runtime.getRuntime().halt(10)
        }
    }

    /** JavaScript reports an error, and React Native throws it on. */
    private fun fatal(isReported: Boolean) {
        dyingAs("died of")
        val module = module()
        started(module)
        if (isReported) check(module.sendCrash(event("12 euros were refused")))
        val theirs = ExceptionsManagerModule(ReleaseDevSupportManager())
        val frame = JavaOnlyMap.of("methodName", "charge", "file", "index.android.bundle", "lineNumber", 1.0, "column", 12345.0)
        val data = JavaOnlyMap.of(
            "message", "PaymentRefused: 12 euros were refused",
            "stack", JavaOnlyArray.of(frame),
            "id", 1.0,
            "isFatal", true,
        )
        thread(name = "mqt_native_modules") { theirs.reportException(data) }
        CountDownLatch(1).await()
    }

    /** JavaScript reports an error, but the application dies of something else. */
    private fun fatalOfAnother() {
        dyingAs("died of")
        val module = module()
        started(module)
        check(module.sendCrash(event("12 euros were refused")))
        thread { throw IllegalStateException("12 euros were refused") }
        CountDownLatch(1).await()
    }

    /** Nothing runs; then everything is wrong. */
    private fun misuse() {
        val module = module()
        for (said in listOf("", "{", "null", "\uD83D", "x".repeat(3_000_000))) {
            check(!module.sendEvent(said) && !module.sendCrash(said) && !module.addBreadcrumb(said) && !module.setUser(said))
            check(!module.setTag(said, said))
        }
        check(!flushed(module))
        val wrong = JavaOnlyMap.of("release", 12.0, "environment", null, "app", JavaOnlyMap(), "sampleRate", "all", "maxBreadcrumbs", true)
        check(module.start(dsn, wrong) == "" && module.start(dsn, options()) == "")
        check(ErrorSentinel.flush(60_000))
        for (said in listOf("", "{", "null", "\uD83D", "x".repeat(3_000_000))) {
            check(module.sendEvent(said) && !module.sendCrash(said) && module.addBreadcrumb(said) && module.setUser(said))
            check(module.setTag(said, said))
        }
        for (timeoutMs in listOf(-1.0, Double.NaN, Double.POSITIVE_INFINITY)) {
            val isAnswered = CountDownLatch(1)
            module.flush(timeoutMs, PromiseImpl(Callback { isAnswered.countDown() }, null))
            check(isAnswered.await(60, TimeUnit.SECONDS))
        }
        println("no mistake hurt")
    }
}
