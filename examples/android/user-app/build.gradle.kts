plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "example.user"
    compileSdk = 36

    defaultConfig {
        applicationId = "example.user"
        minSdk = 23
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
        // Shown by `error-sentinel dsn`; the dashboard has it too.
        buildConfigField("String", "ERROR_SENTINEL_DSN", "\"${providers.gradleProperty("errorSentinelDsn").get()}\"")
    }

    buildFeatures {
        buildConfig = true
    }
}

dependencies {
    // What `cargo xtask aar` packs.
    implementation(files("../../../target/android/error-sentinel.aar"))
}
