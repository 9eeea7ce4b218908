package io.github.errorsentinel

import android.app.Activity
import android.app.Application
import android.os.Bundle

/** Remembers what activities do, and when the application comes to the front and leaves it. */
internal class Lifecycle(private val client: Client) : Application.ActivityLifecycleCallbacks {
    /** Activities that can be seen; on the main thread only, as all of this. */
    private var startedCount = 0

    override fun onActivityCreated(activity: Activity, state: Bundle?): Unit = remember(activity, "created")

    override fun onActivityStarted(activity: Activity) {
        if (startedCount++ == 0) client.addBreadcrumb("foreground", "app.lifecycle", Level.INFO)
    }

    override fun onActivityResumed(activity: Activity): Unit = remember(activity, "resumed")

    override fun onActivityPaused(activity: Activity): Unit = remember(activity, "paused")

    override fun onActivityStopped(activity: Activity) {
        if (--startedCount == 0) client.addBreadcrumb("background", "app.lifecycle", Level.INFO)
    }

    override fun onActivitySaveInstanceState(activity: Activity, state: Bundle): Unit = Unit

    override fun onActivityDestroyed(activity: Activity): Unit = remember(activity, "destroyed")

    private fun remember(activity: Activity, what: String) {
        client.addBreadcrumb("${activity.javaClass.simpleName} $what", "ui.lifecycle", Level.INFO)
    }
}
