// Not run yet: there is no machine of Apple's among those that test this.
import ErrorSentinelCore
import Foundation

/// Sends what the library in Rust wants sent, by the system's own HTTP, with its proxies and certificates.
enum Uploader {
    private static let waitMs: UInt32 = 60_000
    private static let session: URLSession = {
        let settings = URLSessionConfiguration.ephemeral
        settings.timeoutIntervalForRequest = 20
        settings.httpShouldSetCookies = false
        settings.urlCache = nil
        return URLSession(configuration: settings, delegate: Redirects(), delegateQueue: nil)
    }()

    /// Delivers on a thread of its own until the library is closed.
    static func start() {
        let thread = Thread { run() }
        thread.name = "error-sentinel"
        thread.qualityOfService = .utility
        thread.start()
    }

    private static func run() {
        while true {
            var request = sentinel_request()
            switch sentinel_next_request(waitMs, &request) {
            case Status.ok: autoreleasepool { deliver(request) }
            case Status.timedOut: continue
            default: return
            }
        }
    }

    private static func deliver(_ request: sentinel_request) {
        guard let outgoing = urlRequest(of: request) else {
            sentinel_request_free(request)
            return
        }
        let done = DispatchSemaphore(value: 0)
        var answer: HTTPURLResponse?
        session.dataTask(with: outgoing) { _, response, _ in
            answer = response as? HTTPURLResponse
            done.signal()
        }.resume()
        done.wait()
        report(answer, for: request)
    }

    private static func urlRequest(of request: sentinel_request) -> URLRequest? {
        var url = sentinel_text()
        var authorisation = sentinel_text()
        var data: UnsafeRawPointer?
        var length = 0
        guard sentinel_request_url(request, &url) == Status.ok,
              sentinel_request_authorisation(request, &authorisation) == Status.ok,
              sentinel_request_body(request, &data, &length) == Status.ok,
              let data, let target = URL(string: text(url))
        else { return nil }
        var outgoing = URLRequest(url: target)
        outgoing.httpMethod = "POST"
        outgoing.httpBody = Data(bytes: data, count: length)
        outgoing.setValue("application/x-sentry-envelope", forHTTPHeaderField: "Content-Type")
        outgoing.setValue(text(authorisation), forHTTPHeaderField: "X-Sentry-Auth")
        return outgoing
    }

    /// No answer is the status 0: it is tried again later.
    private static func report(_ answer: HTTPURLResponse?, for request: sentinel_request) {
        let status = UInt16(clamping: answer?.statusCode ?? 0)
        let fields = (answer?.allHeaderFields ?? [:]).map { (String(describing: $0.key), String(describing: $0.value)) }
        lend(fields[...], []) { headers in
            headers.withUnsafeBufferPointer { _ = sentinel_report_result(request, status, $0.baseAddress, $0.count) }
        }
    }

    /// Lends all fields at once, one within the other, since each is only lent while its own call runs.
    private static func lend(_ fields: ArraySlice<(String, String)>, _ lent: [sentinel_header], _ body: ([sentinel_header]) -> Void) {
        guard let (name, value) = fields.first else { return body(lent) }
        name.withText { name in
            value.withText { value in
                lend(fields.dropFirst(), lent + [sentinel_header(name: name, value: value)], body)
            }
        }
    }

    private static func text(_ text: sentinel_text) -> String {
        String(decoding: UnsafeRawBufferPointer(start: text.data, count: text.length), as: UTF8.self)
    }

    /// Follows none: a collector answers where it is asked.
    private final class Redirects: NSObject, URLSessionTaskDelegate {
        func urlSession(
            _ session: URLSession,
            task: URLSessionTask,
            willPerformHTTPRedirection response: HTTPURLResponse,
            newRequest request: URLRequest,
            completionHandler: @escaping (URLRequest?) -> Void
        ) {
            completionHandler(nil)
        }
    }
}
