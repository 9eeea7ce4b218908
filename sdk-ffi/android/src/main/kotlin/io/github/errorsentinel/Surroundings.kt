package io.github.errorsentinel

import android.app.ActivityManager
import android.content.Context
import android.content.pm.ApplicationInfo
import android.content.pm.PackageInfo
import android.os.Build
import android.util.Log
import java.util.Locale
import java.util.TimeZone
import org.json.JSONObject

/** What every alert of this installation has in common. What the system does not tell is left out. */
internal class Surroundings(private val context: Context) {
    private val packageInfo: PackageInfo? = told { context.packageManager?.getPackageInfo(context.packageName, 0) }

    /** `PACKAGE@VERSION_NAME+VERSION_CODE`, as far as it is known. */
    fun release(): String? = packageInfo?.let { "${context.packageName}@${it.versionName}+${versionCode(it)}" }

    fun environment(): String {
        val flags = told { context.applicationInfo?.flags } ?: 0
        return if (flags and ApplicationInfo.FLAG_DEBUGGABLE != 0) "development" else "production"
    }

    fun contexts(): List<Pair<String, JSONObject>> =
        listOf("device" to ::device, "os" to ::os, "app" to ::app)
            .mapNotNull { (name, facts) -> told(facts)?.let { name to it } }

    private fun device() = JSONObject().apply {
        put("manufacturer", Build.MANUFACTURER)
        put("brand", Build.BRAND)
        put("model", Build.MODEL)
        put("model_id", Build.ID)
        put("family", Build.DEVICE)
        put("arch", told { Build.SUPPORTED_ABIS.firstOrNull() })
        put("locale", Locale.getDefault().toString())
        put("timezone", TimeZone.getDefault().id)
        put("processor_count", Runtime.getRuntime().availableProcessors())
        told { context.resources?.displayMetrics }?.let {
            put("screen_width_pixels", it.widthPixels)
            put("screen_height_pixels", it.heightPixels)
            put("screen_dpi", it.densityDpi)
        }
        told { context.getSystemService(Context.ACTIVITY_SERVICE) as? ActivityManager }?.let {
            val memory = ActivityManager.MemoryInfo()
            it.getMemoryInfo(memory)
            put("memory_size", memory.totalMem)
            put("free_memory", memory.availMem)
            put("low_memory", memory.lowMemory)
        }
    }

    private fun os() = JSONObject().apply {
        put("name", "Android")
        put("version", Build.VERSION.RELEASE)
        put("build", Build.DISPLAY)
        put("api_level", Build.VERSION.SDK_INT)
    }

    private fun app() = JSONObject().apply {
        put("app_identifier", context.packageName)
        put("app_name", told { context.applicationInfo?.loadLabel(context.packageManager)?.toString() })
        packageInfo?.let {
            put("app_version", it.versionName)
            put("app_build", versionCode(it).toString())
        }
    }

    @Suppress("DEPRECATION") // The wider one came with API 28; its lower half is this.
    private fun versionCode(info: PackageInfo): Int = info.versionCode

    /** What the system tells, or null where it would rather throw, be it an error: phones differ in what they lack. */
    private inline fun <T> told(ask: () -> T?): T? = try {
        ask()
    } catch (trouble: Throwable) {
        Log.d(ErrorSentinel.LOG, "the system does not say", trouble)
        null
    }
}
