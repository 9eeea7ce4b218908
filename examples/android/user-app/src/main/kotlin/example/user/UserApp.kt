package example.user

import android.app.Application
import io.github.errorsentinel.ErrorSentinel
import io.github.errorsentinel.Options

/** Where people order. */
class UserApp : Application() {
    override fun onCreate() {
        super.onCreate()
        ErrorSentinel.init(this, BuildConfig.ERROR_SENTINEL_DSN, Options().apply { app = "User app" })
    }
}
