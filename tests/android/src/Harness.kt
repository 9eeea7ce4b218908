package io.github.errorsentinel

import android.app.Activity
import android.app.Application
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import example.delivery.DeliveryApp
import example.delivery.Route
import example.user.Checkout
import example.user.CheckoutActivity
import example.user.UserApp
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** The program of the end-to-end tests: everything that an application can do, and all of it wrong. */
object Harness {
    @JvmStatic
    external fun panicOnPurpose(): Int

    /** Writes to where nothing is. */
    @JvmStatic
    external fun dieNatively()

    private lateinit var dsn: String
    private lateinit var folder: File

    @JvmStatic
    fun main(arguments: Array<String>) {
        System.loadLibrary("framework")
        val command = arguments[0]
        dsn = arguments.getOrElse(1) { "" }
        folder = File(arguments.getOrElse(2) { "." })
        when (command) {
            "misuse" -> Misuse.run(folder)
            "everything" -> everything()
            "crash" -> crash()
            "crash-in-crash" -> crashInCrash()
            "crash-twice" -> crashTwice()
            "native-crash" -> nativeCrash(arguments[3].toBoolean())
            "null-pointers" -> nullPointers()
            "start" -> start()
            "threads" -> threads(arguments[3].toInt(), arguments[4].toInt())
            "restarts" -> restarts(arguments[3].toInt())
            "freeze" -> freeze()
            "lifecycle" -> lifecycle()
            "user-app" -> userApp()
            "delivery-app" -> deliveryApp()
            else -> error("no such command: $command")
        }
        exitProcess(0)
    }

    fun options(): Options = Options().apply { freezeTimeoutMs = 0 }

    private fun begin(application: Application = HostApplication(folder), options: Options = options()) {
        check(ErrorSentinel.init(application, dsn, options))
    }

    /** On a machine that is busy the start takes longer than a crash waits for it. */
    private fun awaitStart() = check(ErrorSentinel.flush(60_000)) { "it has not started" }

    private fun end() {
        check(ErrorSentinel.flush(30_000)) { "not everything has left" }
        check(ErrorSentinel.close(5_000)) { "something was left" }
    }

    /** Prints the names of its events. */
    private fun everything() {
        begin(
            options = options().apply {
                app = "Shop"
                environment = "staging"
            },
        )
        ErrorSentinel.setTag("region", "eu-central")
        ErrorSentinel.setUser("4711", "someone@example.com", "Someone 🔔")
        ErrorSentinel.addBreadcrumb("three apples were added", "cart")
        println(ErrorSentinel.sendAlert(refused(), Level.FATAL, mapOf("shop" to "berlin"), mapOf("amount" to "12.50")))
        println(ErrorSentinel.sendAlert("the till is stuck \uD83D", fingerprint = listOf("till")))
        println(ErrorSentinel.sendAlert(Unreadable()))
        println(ErrorSentinel.sendAlert(cycle()))
        end()
    }

    private fun refused(): Exception {
        val cause = java.net.SocketTimeoutException("the bank did not answer")
        return IllegalStateException("the payment was refused", cause).apply {
            addSuppressed(java.io.IOException("the receipt could not be printed"))
        }
    }

    private class Unreadable : Exception() {
        override val message: String get() = throw UnsupportedOperationException("ask somebody else")
    }

    private fun cycle(): Exception {
        val first = Exception("first")
        val second = Exception("second", first)
        first.initCause(second)
        first.addSuppressed(second)
        return first
    }

    private fun crash() {
        Thread.setDefaultUncaughtExceptionHandler { thread, throwable ->
            println("the earlier handler got ${throwable.message} of ${thread.name}")
            Runtime.getRuntime().halt(10)
        }
        begin(options = options().apply { sampleRate = 0.0 })
        awaitStart()
        ErrorSentinel.addBreadcrumb("the last step", "test")
        thread(name = "payments") { throw refused() }
        CountDownLatch(1).await()
    }

    private fun crashInCrash() {
        Thread.setDefaultUncaughtExceptionHandler { _, throwable ->
            println("the earlier handler got ${throwable.javaClass.simpleName}")
            Runtime.getRuntime().halt(10)
        }
        begin()
        awaitStart()
        thread(name = "payments") { throw Stackless() }
        CountDownLatch(1).await()
    }

    private fun crashTwice() {
        Thread.setDefaultUncaughtExceptionHandler { _, _ -> Runtime.getRuntime().halt(10) }
        begin()
        awaitStart()
        val both = CyclicBarrier(2)
        repeat(2) {
            thread(name = "dying $it") {
                both.await()
                throw IllegalStateException("number $it")
            }
        }
        CountDownLatch(1).await()
    }

    private class Stackless : RuntimeException() {
        override val message: String get() = throw StackOverflowError()
    }

    private fun nativeCrash(isReported: Boolean) {
        begin(options = options().apply { reportsNativeCrashes = isReported })
        awaitStart()
        ErrorSentinel.addBreadcrumb("the last step", "test")
        ErrorSentinel.setTag("till", "number 7")
        provokeNullPointers()
        println("about to die")
        thread(name = "payments") { dieNatively() }
        CountDownLatch(1).await()
    }

    private class Till(@JvmField val amount: Int)

    /** In compiled code the machine finds out about a null by a SIGSEGV. */
    private fun provokeNullPointers() {
        val tills = ArrayList<Till?>(listOf(Till(1), null))
        @Suppress("UNCHECKED_CAST")
        val all = tills as ArrayList<Till>
        var foundCount = 0
        repeat(50) {
            // So often that it gets compiled.
            repeat(20_000) { check(amountOf(all, 0) == 1) }
            try {
                check(amountOf(all, 1) == 1)
            } catch (expected: NullPointerException) {
                foundCount++
            }
        }
        check(foundCount == 50)
    }

    private fun amountOf(tills: ArrayList<Till>, at: Int): Int = tills[at].amount

    private fun nullPointers() {
        begin(options = options().apply { reportsNativeCrashes = true })
        awaitStart()
        provokeNullPointers()
        end()
    }

    private fun start() {
        begin()
        end()
    }

    private fun threads(threadCount: Int, alertCount: Int) {
        begin()
        // What comes before the start is done is kept up to a bound, and this is more.
        awaitStart()
        val all = List(threadCount) { number ->
            thread {
                repeat(alertCount) {
                    ErrorSentinel.addBreadcrumb("step $it of $number")
                    ErrorSentinel.setTag("number", "$number")
                    checkNotNull(ErrorSentinel.sendAlert(IllegalStateException("from many threads")))
                }
            }
        }
        all.forEach(Thread::join)
        end()
    }

    private fun restarts(count: Int) {
        repeat(count) {
            begin()
            ErrorSentinel.sendAlert("start $it")
            ErrorSentinel.close(30_000)
        }
    }

    private fun freeze() {
        Looper.prepareMainLooper()
        begin(options = options().apply { freezeTimeoutMs = 300 })
        awaitStart()
        Handler(Looper.getMainLooper()).post(::busyForTooLong)
        thread {
            check(hasFrozen.await(60, TimeUnit.SECONDS))
            end()
            Runtime.getRuntime().halt(0)
        }
        Looper.loop()
    }

    private val hasFrozen = CountDownLatch(1)

    private fun busyForTooLong() {
        Thread.sleep(3_000)
        hasFrozen.countDown()
    }

    private fun lifecycle() {
        Looper.prepareMainLooper()
        val application = HostApplication(folder)
        begin(application)
        val activity = CheckoutActivity()
        application.dispatch("Created", activity, Bundle::class.java)
        for (step in listOf("Started", "Resumed", "Paused", "Stopped", "Destroyed")) application.dispatch(step, activity)
        println(ErrorSentinel.sendAlert("after the activity"))
        end()
    }

    private fun Application.dispatch(step: String, activity: Activity, vararg more: Class<*>) {
        val method = Application::class.java.getDeclaredMethod("dispatchActivity$step", Activity::class.java, *more)
        method.isAccessible = true
        method.invoke(this, activity, *arrayOfNulls<Any>(more.size))
    }

    /** The application of the example, as the system would start it. */
    private fun <T : Application> started(application: T): T {
        System.setProperty("dsn", dsn)
        HostApplication.attach(application, folder)
        application.onCreate()
        return application
    }

    private fun userApp() {
        started(UserApp())
        check(!Checkout("4711").apply { add("three apples") }.pay())
        end()
    }

    private fun deliveryApp() {
        Thread.setDefaultUncaughtExceptionHandler { _, _ -> Runtime.getRuntime().halt(10) }
        started(DeliveryApp())
        Route(emptyList()).plan()
        CountDownLatch(1).await()
    }
}
