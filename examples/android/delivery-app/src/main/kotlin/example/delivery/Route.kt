package example.delivery

import io.github.errorsentinel.ErrorSentinel

/** The way to the customers, looked for on a thread of its own. */
class Route(private val stops: List<String>) {
    /** Starts to look; nobody catches what goes wrong there, so that the application ends by it. */
    fun plan(): Thread = Thread({ shortest(stops) }, "route").also { it.start() }

    private fun shortest(stops: List<String>): String {
        ErrorSentinel.addBreadcrumb("a route of ${stops.size} stops is looked for", "route")
        return stops.minByOrNull { it.length } ?: throw IllegalStateException("a route without a stop")
    }
}
