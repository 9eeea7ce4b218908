package example.delivery

import android.app.Activity
import android.os.Bundle
import android.widget.TextView

/** Shows the route, until there is none. */
class RouteActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(TextView(this).apply { text = "Planning the route" })
        Route(emptyList()).plan()
    }
}
