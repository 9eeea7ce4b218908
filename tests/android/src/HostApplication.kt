package io.github.errorsentinel

import android.app.Application
import android.content.Context
import android.content.ContextWrapper
import android.content.pm.ApplicationInfo
import android.content.pm.PackageInfo
import android.content.pm.PackageManager
import android.content.res.Resources
import android.os.UserHandle
import java.io.File
import java.lang.reflect.Proxy

/** What the system tells an application about itself, with a folder of the test's as the application's own. */
class HostContext(private val folder: File) : ContextWrapper(null) {
    var application: Context? = null

    override fun getApplicationContext(): Context? = application

    override fun getPackageName(): String = "com.example.shop"

    override fun getFilesDir(): File = folder

    override fun getApplicationInfo(): ApplicationInfo = ApplicationInfo().apply {
        packageName = getPackageName()
        nonLocalizedLabel = "The shop"
        flags = ApplicationInfo.FLAG_DEBUGGABLE
    }

    /** The real one, on top of a service that knows this application only. */
    override fun getPackageManager(): PackageManager {
        val service = Class.forName("android.content.pm.IPackageManager")
        val answers = Proxy.newProxyInstance(service.classLoader, arrayOf(service)) { _, method, _ ->
            check(method.name == "getPackageInfo") { "the library asked for ${method.name}" }
            PackageInfo().apply {
                packageName = getPackageName()
                versionName = "1.4.2"
                @Suppress("DEPRECATION")
                versionCode = 142
            }
        }
        val implementation = Class.forName("android.app.ContextImpl")
        val unsafe = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe").apply { isAccessible = true }[null]
        val context = unsafe.javaClass.getMethod("allocateInstance", Class::class.java).invoke(unsafe, implementation)
        implementation.getDeclaredField("mUser").apply { isAccessible = true }[context] = UserHandle(0)
        val manager = Class.forName("android.app.ApplicationPackageManager")
        val constructor = manager.getDeclaredConstructor(implementation, service).apply { isAccessible = true }
        return constructor.newInstance(context, answers) as PackageManager
    }

    /** A screen is what this machine has not. */
    override fun getResources(): Resources? = null

    override fun getSystemService(name: String): Any? = null
}

/** An application that only is there. */
class HostApplication(folder: File) : Application() {
    init {
        attach(this, folder)
    }

    companion object {
        /** Gives an application its context, as the system does before it starts. */
        fun attach(application: Application, folder: File) {
            val context = HostContext(folder).also { it.application = application }
            val attach = ContextWrapper::class.java.getDeclaredMethod("attachBaseContext", Context::class.java)
            attach.isAccessible = true
            attach.invoke(application, context)
        }
    }
}
