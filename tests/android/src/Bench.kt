package io.github.errorsentinel

import java.io.BufferedInputStream
import java.io.File
import java.io.InputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/**
 * What the calls of the Kotlin library cost the thread that makes them, and what those of the library in Rust do over JNI:
 * Bench FOLDER [quick]. Prints NAME NANOSECONDS, a line a figure.
 */
object Bench {
    private const val RUNS = 5
    private val figures = LinkedHashMap<String, MutableList<Double>>()
    private var number = 0

    @JvmStatic
    fun main(arguments: Array<String>) {
        System.loadLibrary("framework")
        val application = HostApplication(File(arguments[0]))
        val count = if (arguments.size > 1) 10_000 else 100_000
        val collector = ServerSocket(0, 64, InetAddress.getLoopbackAddress())
        thread(isDaemon = true) { while (true) collector.accept().let { thread(isDaemon = true) { answer(it) } } }
        val dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:${collector.localPort}/1"
        // The first run, in which everything is loaded and compiled, is one of its own.
        repeat(RUNS + 1) { run(application, dsn, count, if (it == 0) "_first" else "") }
        for ((name, runs) in figures) println("$name %.1f".format(runs.sorted()[runs.size / 2]))
        exitProcess(0)
    }

    private fun run(application: HostApplication, dsn: String, count: Int, suffix: String) {
        val options = Options().apply {
            freezeTimeoutMs = 0
            reportsNativeCrashes = true
        }
        note("init$suffix", 1) { check(ErrorSentinel.init(application, dsn, options)) }
        check(ErrorSentinel.flush(60_000)) { "it has not started" }
        note("breadcrumb$suffix", count) { repeat(count) { ErrorSentinel.addBreadcrumb("row $it was read", "db.query") } }
        val (category, message) = Pair("db.query".utf8(), "a row was read".utf8())
        note("breadcrumb_over_jni$suffix", count) {
            repeat(count) { check(Core.addBreadcrumb(category, message, Level.INFO.number) == Core.OK) }
        }
        alerts("alert$suffix", count / 100) { ErrorSentinel.sendAlert(IllegalStateException("order $it was refused")) }
        alerts("alert_of_json_over_jni$suffix", count / 100) {
            Core.sendEvent("""{"exception":{"values":[{"type":"Refused","value":"order $it"}]}}""".utf8(), null)
        }
        check(ErrorSentinel.close(30_000)) { "something was left" }
    }

    private inline fun note(name: String, count: Int, calls: () -> Unit) {
        val before = System.nanoTime()
        calls()
        figures.getOrPut(name) { ArrayList() }.add((System.nanoTime() - before).toDouble() / count)
    }

    /** One now and then, each another error: pauses let the library's own threads keep up, and are not measured. */
    private inline fun alerts(name: String, count: Int, send: (Int) -> Unit) {
        var spent = 0L
        repeat(count) {
            val before = System.nanoTime()
            send(number++)
            spent += System.nanoTime() - before
            Thread.sleep(0, 200_000)
            if (it % 10 == 9) ErrorSentinel.flush(10_000)
        }
        figures.getOrPut(name) { ArrayList() }.add(spent.toDouble() / count)
    }

    /** A collector that throws everything away. */
    private fun answer(connection: Socket) = connection.use {
        val input = BufferedInputStream(it.getInputStream())
        while (true) {
            var bodyLength = 0
            while (true) {
                val line = lineOf(input) ?: return
                if (line.isEmpty()) break
                if (line.startsWith("content-length:", ignoreCase = true)) bodyLength = line.substring(15).trim().toInt()
            }
            repeat(bodyLength) { input.read() }
            it.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".toByteArray())
        }
    }

    private fun lineOf(input: InputStream): String? {
        val line = StringBuilder()
        while (true) {
            val byte = input.read()
            if (byte < 0) return null
            if (byte == '\n'.code) return line.toString().trimEnd('\r')
            line.append(byte.toChar())
        }
    }
}
