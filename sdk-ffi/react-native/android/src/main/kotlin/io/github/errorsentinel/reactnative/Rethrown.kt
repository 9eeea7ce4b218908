package io.github.errorsentinel.reactnative

import com.facebook.react.common.JavascriptException
import io.github.errorsentinel.Protocol
import org.json.JSONException
import org.json.JSONObject

/**
 * Knows an error that JavaScript has reported: React Native throws it on as an exception of its own, whose message begins
 * with what the error said, so that the application ends.
 */
internal object Rethrown : Protocol.Reported {
    /** What the last error said that was to end the application. */
    @Volatile
    private var said: String? = null

    fun remember(json: String) {
        said = try {
            val exceptions = JSONObject(json).optJSONObject("exception")?.optJSONArray("values")
            exceptions?.optJSONObject(exceptions.length() - 1)?.optString("value")
        } catch (trouble: JSONException) {
            // Then it is told twice, which is better than not at all.
            null
        }
    }

    override fun isReported(throwable: Throwable): Boolean {
        val message = said?.take(COMPARED_CHARS) ?: return false
        // A chain may bite its own tail.
        val chain = generateSequence(throwable) { it.cause }.take(CHAIN_MAX)
        return chain.any { it is JavascriptException && it.message.orEmpty().contains(message) }
    }

    private const val CHAIN_MAX = 20

    /** JavaScript cuts what is very long. */
    private const val COMPARED_CHARS = 1000
}
