/*
 * The native module in C++ alone, over the C ABI: for hosts that take modules in C++, on any system that the library in
 * Rust is built for. Android and iOS have modules of their own, which deliver by the system's HTTP.
 */
#pragma once

#include <memory>
#include <string>

#include <ErrorSentinelSpecJSI.h>

namespace errorsentinel {

/** How the host lets it report. */
struct ModuleSettings {
  /** Keeps what could not be delivered until the next start; empty for nothing on disk. */
  std::string spoolFolder;
};

class ErrorSentinelModule : public facebook::react::NativeErrorSentinelCxxSpec<ErrorSentinelModule> {
 public:
  explicit ErrorSentinelModule(std::shared_ptr<facebook::react::CallInvoker> jsInvoker, ModuleSettings settings = {});

  std::string start(facebook::jsi::Runtime &runtime, std::string dsn, facebook::jsi::Object options);
  bool sendEvent(facebook::jsi::Runtime &runtime, std::string json);
  bool sendCrash(facebook::jsi::Runtime &runtime, std::string json);
  bool addBreadcrumb(facebook::jsi::Runtime &runtime, std::string json);
  bool setTag(facebook::jsi::Runtime &runtime, std::string key, std::string value);
  bool setUser(facebook::jsi::Runtime &runtime, std::string json);
  facebook::react::AsyncPromise<bool> flush(facebook::jsi::Runtime &runtime, double timeoutMs);

 private:
  ModuleSettings settings_;
};

} // namespace errorsentinel
