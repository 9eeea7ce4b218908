package example.user

import io.github.errorsentinel.ErrorSentinel
import java.io.IOException

/** The bank does not want to. */
class PaymentRefused(reason: String, cause: Throwable) : Exception(reason, cause)

/** What is bought, and the attempt to be paid for it. */
class Checkout(private val userId: String) {
    private val items = ArrayList<String>()

    fun add(item: String) {
        items.add(item)
        ErrorSentinel.addBreadcrumb("$item was added", "cart")
    }

    /** Returns whether it is paid. */
    fun pay(): Boolean {
        ErrorSentinel.setUser(id = userId)
        return try {
            charge(items.size)
            true
        } catch (refused: PaymentRefused) {
            ErrorSentinel.sendAlert(refused, tags = mapOf("shop" to "berlin"), extra = mapOf("items" to "${items.size}"))
            false
        }
    }

    private fun charge(count: Int) {
        try {
            throw IOException("the bank did not answer within 3 s")
        } catch (cause: IOException) {
            throw PaymentRefused("$count items could not be paid", cause)
        }
    }
}
