package io.github.errorsentinel

import java.io.ByteArrayOutputStream
import java.net.HttpURLConnection
import java.net.URL
import java.util.zip.GZIPOutputStream

/** Sends what the library in Rust wants sent, by the system's own HTTP, with its proxies and certificates. */
internal object Uploader {
    private const val FIRST_WAIT_MS = 1_000
    private const val WAIT_MS = 60_000
    private const val CONNECT_TIMEOUT_MS = 10_000
    private const val READ_TIMEOUT_MS = 20_000

    /** Answers of ours are a few bytes; what is longer comes from somebody else and is not read. */
    private const val ANSWER_MAX = 64 * 1024

    /** Delivers until the library is closed. Looks again and again at which native libraries are loaded, if it shall. */
    fun run(looksAtLibraries: Boolean) {
        val handle = LongArray(1)
        // Most of an application's libraries are loaded soon after the start.
        var waitMs = if (looksAtLibraries) FIRST_WAIT_MS else WAIT_MS
        while (true) {
            when (Core.nextRequest(waitMs, handle)) {
                Core.OK -> deliver(handle[0])
                Core.TIMED_OUT -> waitMs = (waitMs * 2).coerceAtMost(WAIT_MS)
                else -> return
            }
            if (looksAtLibraries) Core.refreshModules()
        }
    }

    private fun deliver(request: Long) {
        val answer = try {
            post(request)
        } catch (trouble: Throwable) {
            // No network, no permission to use it, no such host, no memory: the library tries again later.
            Answer(0, "")
        }
        Core.reportResult(request, answer.status, answer.headers.utf8())
    }

    private class Answer(val status: Int, val headers: String)

    private fun post(request: Long): Answer {
        val url = String(Core.requestUrl(request) ?: return Answer(0, ""), Charsets.UTF_8)
        val authorisation = String(Core.requestAuthorisation(request) ?: return Answer(0, ""), Charsets.UTF_8)
        val body = gzip(Core.requestBody(request) ?: return Answer(0, ""))
        val connection = URL(url).openConnection() as HttpURLConnection
        try {
            connection.requestMethod = "POST"
            connection.connectTimeout = CONNECT_TIMEOUT_MS
            connection.readTimeout = READ_TIMEOUT_MS
            connection.instanceFollowRedirects = false
            connection.useCaches = false
            connection.doOutput = true
            connection.setRequestProperty("Content-Type", "application/x-sentry-envelope")
            connection.setRequestProperty("Content-Encoding", "gzip")
            connection.setRequestProperty("X-Sentry-Auth", authorisation)
            connection.setFixedLengthStreamingMode(body.size)
            connection.outputStream.use { it.write(body) }
            val status = connection.responseCode
            val headers = StringBuilder()
            for ((name, values) in connection.headerFields) {
                // The status line has no name.
                if (name != null) for (value in values) headers.append(name).append(": ").append(value).append('\n')
            }
            drain(connection)
            return Answer(status, headers.toString())
        } finally {
            connection.disconnect()
        }
    }

    /** Reads the answer to its end, so that the connection can be used again. */
    private fun drain(connection: HttpURLConnection) {
        val stream = connection.errorStream ?: connection.inputStream ?: return
        stream.use {
            val buffer = ByteArray(4096)
            var readCount = 0
            while (readCount < ANSWER_MAX) {
                val count = it.read(buffer)
                if (count < 0) return
                readCount += count
            }
        }
    }

    private fun gzip(body: ByteArray): ByteArray {
        val packed = ByteArrayOutputStream(body.size / 2 + 64)
        GZIPOutputStream(packed).use { it.write(body) }
        return packed.toByteArray()
    }
}
