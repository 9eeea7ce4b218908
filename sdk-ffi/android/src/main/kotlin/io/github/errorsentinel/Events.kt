package io.github.errorsentinel

import java.util.IdentityHashMap
import java.util.UUID
import org.json.JSONArray
import org.json.JSONObject

/** An event on its way: its name, and what it says. */
internal class Event(val id: String, private val json: JSONObject) {
    fun labelled(tags: Map<String, String>, extra: Map<String, String>, fingerprint: List<String>): Event = apply {
        if (tags.isNotEmpty()) {
            val all = json.optJSONObject("tags") ?: JSONObject().also { json.put("tags", it) }
            for ((key, value) in tags) all.put(key, value)
        }
        if (extra.isNotEmpty()) {
            json.put("extra", JSONObject().apply { for ((key, value) in extra) put(key, value) })
        }
        if (fingerprint.isNotEmpty()) json.put("fingerprint", JSONArray(fingerprint))
    }

    fun utf8(): ByteArray = json.toString().utf8()
}

/** Puts what went wrong into the words of the wire. */
internal class Events(private val inAppPackages: List<String>) {
    fun ofThrowable(throwable: Throwable, level: Level): Event =
        event(level, Thread.currentThread(), exceptions(throwable, mechanism("send_alert", isHandled = true)))

    fun ofCrash(thread: Thread, throwable: Throwable): Event = event(
        Level.FATAL,
        thread,
        exceptions(throwable, mechanism("UncaughtExceptionHandler", isHandled = false)),
    )

    /** A crash of which nothing more can be said than what it is. */
    fun ofNamelessCrash(type: Class<*>): Event {
        val exception = named(type).put("mechanism", mechanism("UncaughtExceptionHandler", isHandled = false))
        return event(Level.FATAL, Thread.currentThread(), listOf(exception))
    }

    fun ofFreeze(main: Thread, waitedMs: Long): Event {
        val exception = JSONObject()
            .put("type", "ApplicationNotResponding")
            .put("value", "the main thread did nothing for $waitedMs ms")
            .put("mechanism", mechanism("anr", isHandled = false))
            .put("stacktrace", stack(main.stackTrace))
        return event(Level.ERROR, main, listOf(exception))
    }

    fun ofMessage(message: String, level: Level): Event {
        // The calls that led here are ours, down to the one that the application made.
        val calls = Throwable().stackTrace.dropWhile { isOurs(it.className) }
        val json = JSONObject()
            .put("message", JSONObject().put("formatted", message))
            .put("stacktrace", stack(calls.toTypedArray()))
        return event(level, Thread.currentThread(), emptyList(), json)
    }

    private fun isOurs(className: String) =
        OURS.any { className == it.name || className.startsWith("${it.name}$") }

    private fun event(
        level: Level,
        thread: Thread,
        exceptions: List<JSONObject>,
        json: JSONObject = JSONObject(),
    ): Event {
        val id = UUID.randomUUID().toString().replace("-", "")
        json.put("event_id", id)
            .put("timestamp", System.currentTimeMillis() / 1000.0)
            .put("platform", "java")
            .put("level", level.wire)
            .put("tags", JSONObject().put("thread", thread.name))
        if (exceptions.isNotEmpty()) json.put("exception", JSONObject().put("values", JSONArray(exceptions)))
        return Event(id, json)
    }

    /** What was suppressed first, then the causes, the oldest first, and last what surfaced. */
    private fun exceptions(throwable: Throwable, mechanism: JSONObject): List<JSONObject> {
        val ids = IdentityHashMap<Throwable, Int>()
        val chain = ArrayList<Throwable>()
        var link: Throwable? = throwable
        // A chain may bite its own tail.
        while (link != null && chain.size < CHAIN_MAX && !ids.containsKey(link)) {
            ids[link] = chain.size
            chain.add(link)
            link = link.cause
        }
        val suppressed = ArrayList<JSONObject>()
        for ((id, holder) in chain.withIndex()) {
            for (aside in holder.suppressed) {
                if (suppressed.size == SUPPRESSED_MAX || ids.containsKey(aside)) continue
                val own = ids.size
                ids[aside] = own
                suppressed.add(exception(aside, mechanism("suppressed", true), own, id))
            }
        }
        val causes = chain.mapIndexed { id, cause ->
            if (id == 0) exception(cause, mechanism, id, null) else exception(cause, mechanism("chained", true), id, id - 1)
        }
        return suppressed.asReversed() + causes.asReversed()
    }

    private fun exception(throwable: Throwable, mechanism: JSONObject, id: Int, parent: Int?): JSONObject {
        mechanism.put("exception_id", id)
        if (parent != null) mechanism.put("parent_id", parent)
        // The message is made by code of the application's, which may fail; the stack is worth more than it.
        val message = try {
            throwable.message
        } catch (trouble: Exception) {
            "its message could not be read: ${trouble.javaClass.name}"
        }
        return named(throwable.javaClass)
            .put("value", message)
            .put("mechanism", mechanism)
            .put("stacktrace", stack(throwable.stackTrace))
    }

    private fun named(type: Class<*>): JSONObject {
        val name = type.name
        return JSONObject()
            .put("type", name.substringAfterLast('.'))
            .put("module", name.substringBeforeLast('.', "").ifEmpty { null })
    }

    private fun mechanism(type: String, isHandled: Boolean) =
        JSONObject().put("type", type).put("handled", isHandled)

    private fun stack(calls: Array<StackTraceElement>): JSONObject {
        val frames = JSONArray()
        for (index in minOf(calls.size, FRAMES_MAX) - 1 downTo 0) frames.put(frame(calls[index]))
        return JSONObject().put("frames", frames)
    }

    private fun frame(call: StackTraceElement): JSONObject {
        val frame = JSONObject()
            .put("module", call.className)
            .put("function", call.methodName)
            .put("filename", call.fileName)
        if (call.lineNumber > 0) frame.put("lineno", call.lineNumber)
        if (inAppPackages.any { call.className == it || call.className.startsWith("$it.") }) frame.put("in_app", true)
        return frame
    }

    private companion object {
        const val CHAIN_MAX = 20
        const val SUPPRESSED_MAX = 10
        const val FRAMES_MAX = 1024
        val OURS = listOf(ErrorSentinel::class.java, Client::class.java, Events::class.java)
    }
}
