// Autolinking takes it into an application's own build, whose versions of the plugins count.
plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
    // Generates `NativeErrorSentinelSpec` of `spec/`.
    id("com.facebook.react")
}

android {
    namespace = "io.github.errorsentinel.reactnative"
    compileSdk = 36

    defaultConfig {
        minSdk = 24
    }
}

kotlin {
    explicitApi()
}

dependencies {
    implementation("com.facebook.react:react-android")
    // The Android library, as `cargo xtask aar` packs it; the application brings it, by
    // `implementation(files("error-sentinel.aar"))`.
    compileOnly(files(providers.gradleProperty("errorSentinelAar").get()))
}
