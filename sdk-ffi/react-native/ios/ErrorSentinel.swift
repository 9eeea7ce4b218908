// Error Sentinel for applications in Swift, and what the module of React Native stands on. Not run yet: there is no
// machine of Apple's among those that test this.
import ErrorSentinelCore
import Foundation

/// Reports errors to a collector. Every function may be called from any thread; none throws, and none waits but `flush`.
@objc(ErrorSentinel)
public final class ErrorSentinel: NSObject {
    /// Starts reporting to a DSN. Returns an empty text, or why nothing will be reported.
    ///
    /// Of `options`, `release`, `environment` and `app` are texts, `sampleRate` and `maxBreadcrumbs` numbers.
    @objc public static func start(dsn: String, options: [String: Any] = [:]) -> String {
        var handle = sentinel_options()
        var status = dsn.withText { sentinel_options_new($0, &handle) }
        func set(_ call: () -> UInt32) {
            if status == Status.ok { status = call() }
        }
        func set(_ text: String?, _ call: (sentinel_options, sentinel_text) -> UInt32) {
            guard let text else { return }
            set { text.withText { call(handle, $0) } }
        }
        set("error-sentinel.react-native", sentinel_options_set_sdk_name)
        set(options["release"] as? String ?? release, sentinel_options_set_release)
        set(options["environment"] as? String, sentinel_options_set_environment)
        set(options["app"] as? String, sentinel_options_set_app)
        set(spoolFolder, sentinel_options_set_spool_folder)
        set { sentinel_options_set_sample_rate(handle, options["sampleRate"] as? Double ?? 1) }
        set { sentinel_options_set_max_breadcrumbs(handle, max(0, options["maxBreadcrumbs"] as? Int ?? 50)) }
        // The stack of whoever reports comes with the event.
        set { sentinel_options_set_attach_stack(handle, false) }
        set { sentinel_options_deliver_by_host(handle) }
        guard status == Status.ok else {
            if handle.number != 0 { sentinel_options_free(handle) }
            return words(status)
        }
        status = sentinel_init(handle)
        // The application has started it by itself, or its JavaScript was loaded anew.
        if status == Status.alreadyInitialised { return "" }
        guard status == Status.ok else { return words(status) }
        Uploader.start()
        UncaughtException.install()
        return ""
    }

    /// Reports an error. Returns the name of the event in the collector, or nil while nothing runs.
    @discardableResult
    public static func sendAlert(_ error: Error) -> String? {
        let described = error as NSError
        return sendAlert(kind: "\(described.domain) \(described.code)", message: described.localizedDescription)
    }

    /// Reports a text.
    @discardableResult
    public static func sendAlert(_ message: String) -> String? {
        var id = sentinel_event_id()
        return message.withText { sentinel_send_alert($0, &id) } == Status.ok ? name(of: id) : nil
    }

    private static func sendAlert(kind: String, message: String) -> String? {
        var alert = sentinel_alert()
        let made = kind.withText { kind in message.withText { sentinel_alert_new(kind, $0, &alert) } }
        guard made == Status.ok else { return nil }
        "cocoa".withText { _ = sentinel_alert_set_platform(alert, $0) }
        "send_alert".withText { _ = sentinel_alert_set_mechanism(alert, $0, true) }
        var id = sentinel_event_id()
        return sentinel_alert_send(alert, &id) == Status.ok ? name(of: id) : nil
    }

    /// Reports an event that is JSON already, as the Sentry protocol has it.
    @objc public static func sendEvent(json: String) -> Bool {
        json.withText { sentinel_send_event($0, nil) } == Status.ok
    }

    /// The same for one that is about to end the application: it is on disk when this returns.
    @objc public static func sendCrash(json: String) -> Bool {
        json.withText { sentinel_send_crash($0, nil) } == Status.ok
    }

    /// Remembers one step that is JSON already.
    @objc public static func addBreadcrumb(json: String) -> Bool {
        json.withText { sentinel_add_breadcrumb_json($0) } == Status.ok
    }

    /// Labels every alert from now on.
    @objc @discardableResult
    public static func setTag(_ key: String, value: String) -> Bool {
        key.withText { key in value.withText { sentinel_set_tag(key, $0) } } == Status.ok
    }

    /// Says whose work every alert from now on is about, as JSON; of an empty object, nobody's.
    @objc public static func setUser(json: String) -> Bool {
        json.withText { sentinel_set_user_json($0) } == Status.ok
    }

    /// Waits until everything reported so far has left; says whether it has. Not for the main thread.
    @objc public static func flush(timeoutMs: UInt32) -> Bool {
        sentinel_flush(timeoutMs) == Status.ok
    }

    private static var release: String? {
        let bundle = Bundle.main
        guard let name = bundle.bundleIdentifier,
              let version = bundle.infoDictionary?["CFBundleShortVersionString"] as? String,
              let build = bundle.infoDictionary?["CFBundleVersion"] as? String
        else { return nil }
        return "\(name)@\(version)+\(build)"
    }

    /// A folder that no backup takes and no cleaning empties.
    private static var spoolFolder: String? {
        FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask).first?
            .appendingPathComponent("error-sentinel").path
    }

    private static func words(_ status: UInt32) -> String {
        String(cString: sentinel_status_text(status).data)
    }

    private static func name(of id: sentinel_event_id) -> String {
        withUnsafeBytes(of: id.digits) { String(decoding: $0.prefix(32), as: UTF8.self) }
    }
}

/// How a call ended: functions return the number, the header names it by an enumeration.
enum Status {
    static let ok = SENTINEL_STATUS_OK.rawValue
    static let alreadyInitialised = SENTINEL_STATUS_ALREADY_INITIALISED.rawValue
    static let timedOut = SENTINEL_STATUS_TIMED_OUT.rawValue
}

extension String {
    /// Lends the text as the library in Rust takes it.
    func withText<Result>(_ body: (sentinel_text) -> Result) -> Result {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { body(sentinel_text(data: $0.baseAddress, length: $0.count)) }
        }
    }
}
