package example.delivery

import android.app.Application
import io.github.errorsentinel.ErrorSentinel
import io.github.errorsentinel.Options

/** What those who deliver carry with them. */
class DeliveryApp : Application() {
    override fun onCreate() {
        super.onCreate()
        ErrorSentinel.init(this, BuildConfig.ERROR_SENTINEL_DSN, Options().apply { app = "Delivery app" })
        ErrorSentinel.setTag("fleet", "bicycles")
    }
}
