package example.delivery

/** What the Android Gradle plugin writes; here the test says the DSN. */
object BuildConfig {
    @JvmField
    val ERROR_SENTINEL_DSN: String = System.getProperty("dsn")
}
