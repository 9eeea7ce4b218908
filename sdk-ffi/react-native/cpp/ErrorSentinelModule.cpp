#include "ErrorSentinelModule.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <error_sentinel.h>

namespace errorsentinel {

namespace jsi = facebook::jsi;

namespace {

/** Longest that somebody may wait for everything to leave. */
constexpr double FLUSH_MAX_MS = 60'000;
/** Most that wait for it at once: each has a thread of its own. */
constexpr int FLUSHES_MAX = 4;
constexpr size_t MAX_BREADCRUMBS = 50;

sentinel_text textOf(const std::string &text) {
  return sentinel_text{text.data(), text.size()};
}

std::string wordsOf(sentinel_status status) {
  const sentinel_text words = sentinel_status_text(status);
  return std::string(words.data, words.length);
}

bool isDone(sentinel_status status) {
  return status == SENTINEL_STATUS_OK;
}

/** What JavaScript says of a setting; what is no text is not said. */
std::optional<std::string> textIn(jsi::Runtime &runtime, const jsi::Object &options, const char *name) {
  const jsi::Value value = options.getProperty(runtime, name);
  if (!value.isString()) return std::nullopt;
  return value.getString(runtime).utf8(runtime);
}

std::optional<double> numberIn(jsi::Runtime &runtime, const jsi::Object &options, const char *name) {
  const jsi::Value value = options.getProperty(runtime, name);
  if (!value.isNumber()) return std::nullopt;
  return value.getNumber();
}

/** Options that are freed unless the start has taken them. */
class Options {
 public:
  explicit Options(const std::string &dsn) : status_(sentinel_options_new(textOf(dsn), &handle_)) {}
  Options(const Options &) = delete;
  Options &operator=(const Options &) = delete;
  ~Options() {
    if (handle_.number != 0) sentinel_options_free(handle_);
  }

  /** Sets something, unless setting something before it failed. */
  template <typename Set, typename... Values>
  void set(Set set, Values... values) {
    if (isDone(status_)) status_ = set(handle_, values...);
  }

  sentinel_status init() {
    if (!isDone(status_)) return status_;
    return sentinel_init(std::exchange(handle_, sentinel_options{0}));
  }

 private:
  // Before the status: its address is taken for that.
  sentinel_options handle_{0};
  sentinel_status status_;
};

/** How many wait for everything to leave. */
std::atomic<int> flushing{0};

} // namespace

ErrorSentinelModule::ErrorSentinelModule(
    std::shared_ptr<facebook::react::CallInvoker> jsInvoker,
    ModuleSettings settings)
    : NativeErrorSentinelCxxSpec(std::move(jsInvoker)), settings_(std::move(settings)) {}

std::string ErrorSentinelModule::start(jsi::Runtime &runtime, std::string dsn, jsi::Object options) {
  Options gathered(dsn);
  gathered.set(sentinel_options_set_sdk_name, sentinel_text_of("error-sentinel.react-native"));
  const std::pair<const char *, sentinel_status (*)(sentinel_options, sentinel_text)> texts[] = {
      {"release", sentinel_options_set_release},
      {"environment", sentinel_options_set_environment},
      {"app", sentinel_options_set_app},
  };
  for (const auto &[name, set] : texts) {
    if (const auto text = textIn(runtime, options, name)) gathered.set(set, textOf(*text));
  }
  if (const auto rate = numberIn(runtime, options, "sampleRate")) {
    gathered.set(sentinel_options_set_sample_rate, *rate);
  }
  size_t crumbCount = MAX_BREADCRUMBS;
  if (const auto count = numberIn(runtime, options, "maxBreadcrumbs")) {
    // What is more than allowed is refused below.
    crumbCount = static_cast<size_t>(std::clamp(std::isnan(*count) ? 0.0 : *count, 0.0, 1e6));
  }
  gathered.set(sentinel_options_set_max_breadcrumbs, crumbCount);
  if (!settings_.spoolFolder.empty()) {
    gathered.set(sentinel_options_set_spool_folder, textOf(settings_.spoolFolder));
  }
  // The stack of whoever reports is JavaScript's, and comes with the event.
  gathered.set(sentinel_options_set_attach_stack, false);
  const sentinel_status status = gathered.init();
  // The host has started it, or JavaScript has been loaded anew.
  if (isDone(status) || status == SENTINEL_STATUS_ALREADY_INITIALISED) return "";
  return wordsOf(status);
}

bool ErrorSentinelModule::sendEvent(jsi::Runtime &, std::string json) {
  return isDone(sentinel_send_event(textOf(json), nullptr));
}

bool ErrorSentinelModule::sendCrash(jsi::Runtime &, std::string json) {
  return isDone(sentinel_send_crash(textOf(json), nullptr));
}

bool ErrorSentinelModule::addBreadcrumb(jsi::Runtime &, std::string json) {
  return isDone(sentinel_add_breadcrumb_json(textOf(json)));
}

bool ErrorSentinelModule::setTag(jsi::Runtime &, std::string key, std::string value) {
  return isDone(sentinel_set_tag(textOf(key), textOf(value)));
}

bool ErrorSentinelModule::setUser(jsi::Runtime &, std::string json) {
  return isDone(sentinel_set_user_json(textOf(json)));
}

facebook::react::AsyncPromise<bool> ErrorSentinelModule::flush(jsi::Runtime &runtime, double timeoutMs) {
  facebook::react::AsyncPromise<bool> promise(runtime, jsInvoker_);
  const auto waitMs = static_cast<uint32_t>(std::clamp(std::isnan(timeoutMs) ? 0.0 : timeoutMs, 0.0, FLUSH_MAX_MS));
  if (flushing.fetch_add(1) >= FLUSHES_MAX) {
    flushing.fetch_sub(1);
    promise.resolve(false);
    return promise;
  }
  try {
    // JavaScript's thread waits for nothing; the promise knows by itself when nobody waits for it any more.
    std::thread([promise, waitMs]() mutable {
      const bool hasLeft = isDone(sentinel_flush(waitMs));
      flushing.fetch_sub(1);
      promise.resolve(hasLeft);
    }).detach();
  } catch (const std::system_error &) {
    // There is no thread to be had.
    flushing.fetch_sub(1);
    promise.resolve(false);
  }
  return promise;
}

} // namespace errorsentinel
