// For those who build it from source with the Android Gradle plugin, instead of taking what `cargo xtask aar` packs. The
// libraries in Rust come from there in both cases: run it first.
plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.2.21"
}

android {
    namespace = "io.github.errorsentinel"
    compileSdk = 36

    defaultConfig {
        minSdk = 23
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets["main"].jniLibs.srcDir("../../target/android/aar/jni")
}

kotlin {
    explicitApi()
}
