package example.user

import android.app.Activity
import android.os.Bundle
import android.widget.Button

/** One button that always fails. */
class CheckoutActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val checkout = Checkout("4711").apply { add("three apples") }
        val button = Button(this)
        button.text = "Pay"
        button.setOnClickListener { button.text = if (checkout.pay()) "Paid" else "Try again" }
        setContentView(button)
    }
}
