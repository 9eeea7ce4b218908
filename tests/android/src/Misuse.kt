package io.github.errorsentinel

import java.io.File
import kotlin.concurrent.thread

/** Every call in every wrong way: each is an ordinary return. */
internal object Misuse {
    private const val INVALID_UTF8 = 2
    private const val NULL_POINTER = 1
    private const val INVALID_HANDLE = 3
    private const val INVALID_DSN = 4
    private const val INVALID_ARGUMENT = 5
    private const val INVALID_JSON = 6
    private const val PANIC = 99
    private const val DSN = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1"

    private val noUtf8 = byteArrayOf(-1, -2)
    private var count = 0

    private fun expect(status: Int, wanted: Int) {
        count++
        check(status == wanted) { "call $count ended with $status in place of $wanted" }
    }

    private fun start(
        dsn: ByteArray?,
        release: ByteArray? = null,
        rate: Double = 1.0,
        crumbs: Int = 20,
        native: Boolean = false,
    ) = Core.start(dsn, release, null, null, null, rate, crumbs, native)

    fun run(folder: File) {
        faceWithoutStart()
        System.loadLibrary("error_sentinel")
        beforeTheStart()
        expect(start(noUtf8), INVALID_UTF8)
        expect(start("http://nobody".utf8()), INVALID_DSN)
        expect(start(DSN.utf8(), release = noUtf8), INVALID_UTF8)
        expect(start(DSN.utf8(), rate = 1.5), INVALID_ARGUMENT)
        expect(start(DSN.utf8(), rate = Double.NaN), INVALID_ARGUMENT)
        expect(start(DSN.utf8(), crumbs = 101), INVALID_ARGUMENT)
        expect(start(DSN.utf8(), crumbs = -1), INVALID_ARGUMENT)
        // There is no folder for it.
        expect(start(DSN.utf8(), native = true), INVALID_ARGUMENT)
        expect(start(DSN.utf8()), Core.OK)
        expect(start(DSN.utf8()), Core.ALREADY_INITIALISED)
        whileItRuns()
        requests()
        expect(Core.close(-1), INVALID_ARGUMENT)
        expect(Core.close(0), Core.TIMED_OUT)
        expect(Core.close(0), Core.NOT_INITIALISED)
        beforeTheStart()
        expect(Harness.panicOnPurpose(), PANIC)
        check(Core.words(Core.TIMED_OUT) == "the time was over first") { Core.words(Core.TIMED_OUT) }
        expect(Core.statusText(0, null), NULL_POINTER)
        expect(Core.statusText(0, ByteArray(1)), INVALID_ARGUMENT)
        face(folder)
        println("$count wrong calls")
    }

    private fun beforeTheStart() {
        expect(Core.sendEvent("{}".utf8(), null), Core.NOT_INITIALISED)
        expect(Core.sendCrash("{}".utf8(), null), Core.NOT_INITIALISED)
        expect(Core.addBreadcrumb(null, "x".utf8(), 2), Core.NOT_INITIALISED)
        expect(Core.addBreadcrumbJson("{}".utf8()), Core.NOT_INITIALISED)
        expect(Core.setUserJson("{}".utf8()), Core.NOT_INITIALISED)
        expect(Core.setTag("a".utf8(), "b".utf8()), Core.NOT_INITIALISED)
        expect(Core.setContext("a".utf8(), "{}".utf8()), Core.NOT_INITIALISED)
        expect(Core.setUser(null, null, null), Core.NOT_INITIALISED)
        expect(Core.flush(1), Core.NOT_INITIALISED)
        expect(Core.close(1), Core.NOT_INITIALISED)
        expect(Core.nextRequest(1, LongArray(1)), Core.NOT_INITIALISED)
    }

    private fun whileItRuns() {
        for (wrong in listOf(null, ByteArray(0), "[]".utf8(), "{".utf8(), "null".utf8())) {
            expect(Core.sendEvent(wrong, null), INVALID_JSON)
            expect(Core.sendCrash(wrong, null), INVALID_JSON)
            expect(Core.setContext("a".utf8(), wrong), INVALID_JSON)
            expect(Core.addBreadcrumbJson(wrong), INVALID_JSON)
            expect(Core.setUserJson(wrong), INVALID_JSON)
        }
        expect(Core.sendEvent(noUtf8, null), INVALID_UTF8)
        expect(Core.sendEvent(ByteArray(64 shl 20), null), INVALID_ARGUMENT)
        expect(Core.setContext(noUtf8, "{}".utf8()), INVALID_UTF8)
        expect(Core.addBreadcrumbJson(noUtf8), INVALID_UTF8)
        expect(Core.setUserJson(noUtf8), INVALID_UTF8)
        expect(Core.setTag("a".utf8(), noUtf8), INVALID_UTF8)
        expect(Core.setUser(noUtf8, null, null), INVALID_UTF8)
        expect(Core.setUser(null, null, null), Core.OK)
        expect(Core.addBreadcrumb(noUtf8, null, 2), INVALID_UTF8)
        expect(Core.addBreadcrumb(null, "x".utf8(), 0), INVALID_ARGUMENT)
        expect(Core.addBreadcrumb(null, "x".utf8(), -1), INVALID_ARGUMENT)
        expect(Core.flush(-1), INVALID_ARGUMENT)
        expect(Core.nextRequest(-1, LongArray(1)), INVALID_ARGUMENT)
        expect(Core.nextRequest(1, null), NULL_POINTER)
        expect(Core.nextRequest(1, LongArray(0)), INVALID_ARGUMENT)
        expect(Core.nextRequest(1, LongArray(1)), Core.TIMED_OUT)
    }

    private fun requests() {
        for (wrong in longArrayOf(0, -1, 0x1234567890abcdef)) {
            check(Core.requestUrl(wrong) == null)
            check(Core.requestAuthorisation(wrong) == null)
            check(Core.requestBody(wrong) == null)
            expect(Core.reportResult(wrong, 200, null), INVALID_HANDLE)
            expect(Core.reportResult(wrong, -1, null), INVALID_HANDLE)
        }
        // What is given out too short is refused, and the event is on its way all the same.
        expect(Core.sendEvent("""{"message":"one"}""".utf8(), ByteArray(3)), INVALID_ARGUMENT)
        val out = LongArray(1)
        expect(Core.nextRequest(60_000, out), Core.OK)
        check(String(Core.requestUrl(out[0])!!) == "http://127.0.0.1:9/api/1/envelope/")
        check(String(Core.requestBody(out[0])!!).contains("\"one\""))
        // Many threads read one request while one of them ends it.
        val all = List(16) { number ->
            thread {
                repeat(200) {
                    if (number == 7 && it == 100) Core.reportResult(out[0], 70_000, noUtf8)
                    Core.requestBody(out[0])
                }
            }
        }
        all.forEach(Thread::join)
        check(Core.requestBody(out[0]) == null)
        expect(Core.reportResult(out[0], 0, null), INVALID_HANDLE)
    }

    /** The library in Rust is not even loaded. */
    private fun faceWithoutStart() {
        check(ErrorSentinel.sendAlert("nobody listens") == null)
        check(ErrorSentinel.sendAlert(Exception()) == null)
        ErrorSentinel.addBreadcrumb("x")
        ErrorSentinel.setTag("a", "b")
        ErrorSentinel.setUser()
        check(!ErrorSentinel.flush(10))
        check(!ErrorSentinel.close(10))
    }

    private fun face(folder: File) {
        val earlier = Thread.getDefaultUncaughtExceptionHandler()
        val application = HostApplication(folder)
        check(ErrorSentinel.init(application, "http://nobody", Harness.options()))
        check(!ErrorSentinel.init(application, DSN, Harness.options())) { "twice" }
        ErrorSentinel.sendAlert("to a DSN that is none")
        check(!ErrorSentinel.flush(60_000))
        check(ErrorSentinel.sendAlert("after the start failed") == null)
        check(!ErrorSentinel.close(10))
        check(!ErrorSentinel.close(10)) { "twice" }
        check(Thread.getDefaultUncaughtExceptionHandler() === earlier)
        check(ErrorSentinel.init(application, DSN, Harness.options().apply { sampleRate = 7.0 }))
        check(!ErrorSentinel.flush(60_000))
        check(!ErrorSentinel.close(-1))
    }
}
