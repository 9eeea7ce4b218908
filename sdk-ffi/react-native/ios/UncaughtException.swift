// Not run yet: there is no machine of Apple's among those that test this.
import Foundation

/// Reports exceptions of Objective-C that nobody catches, then lets the handler that was there do its work.
enum UncaughtException {
    private static var previous: (@convention(c) (NSException) -> Void)?
    private static var isInstalled = false

    static func install() {
        if isInstalled { return }
        isInstalled = true
        previous = NSGetUncaughtExceptionHandler()
        NSSetUncaughtExceptionHandler { exception in
            UncaughtException.report(exception)
            UncaughtException.previous?(exception)
        }
    }

    private static func report(_ exception: NSException) {
        // React Native throws on what JavaScript has reported, under this name, so that the application ends.
        if exception.name.rawValue.hasPrefix("RCTFatalException") { return }
        let frames = exception.callStackSymbols.reversed().map { ["function": $0] }
        let event: [String: Any] = [
            "platform": "cocoa",
            "level": "fatal",
            "exception": ["values": [[
                "type": exception.name.rawValue,
                "value": exception.reason ?? "",
                "mechanism": ["type": "NSUncaughtExceptionHandler", "handled": false],
                "stacktrace": ["frames": frames],
            ]]],
        ]
        guard let json = try? JSONSerialization.data(withJSONObject: event) else { return }
        _ = ErrorSentinel.sendCrash(json: String(decoding: json, as: UTF8.self))
    }
}
