/*
 * A host of React Native without a screen: its engine interface in JavaScriptCore, its turbo modules, timers, and the
 * module that ends an application by an error of JavaScript's. What runs in it is a bundle by Metro, with all of React
 * Native's own JavaScript.
 *
 * usage: host BUNDLE SPOOL_FOLDER SCENARIO DSN [without-native]
 */
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <unistd.h>

#include <jsc/JSCRuntime.h>
#include <jsi/jsi.h>

#include <ErrorSentinelModule.h>

namespace jsi = facebook::jsi;
using Clock = std::chrono::steady_clock;

namespace {

/** How a process ends that dies of an error. */
constexpr int DIED = 10;

/** What is to be done on JavaScript's thread. */
class Loop : public facebook::react::CallInvoker {
 public:
  explicit Loop(jsi::Runtime &runtime) : runtime_(runtime) {}

  void invokeAsync(facebook::react::CallFunc &&call) noexcept override {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    woken_.notify_one();
  }

  void invokeSync(facebook::react::CallFunc &&) override {
    std::abort();
  }

  int after(double ms, jsi::Function call) {
    const auto due = Clock::now() + std::chrono::microseconds(static_cast<int64_t>(std::max(ms, 0.0) * 1000));
    timers_.emplace(++lastTimer_, Timer{due, std::make_shared<jsi::Function>(std::move(call))});
    return lastTimer_;
  }

  void forget(int timer) {
    timers_.erase(timer);
  }

  void soon(jsi::Function call) {
    microtasks_.push_back(std::make_shared<jsi::Function>(std::move(call)));
  }

  void drainMicrotasks() {
    while (!microtasks_.empty()) {
      const auto call = microtasks_.front();
      microtasks_.pop_front();
      call->call(runtime_);
    }
  }

  /** Runs until the application says that it is done. */
  void run() {
    for (;;) {
      drainMicrotasks();
      if (auto call = nextCall()) {
        call(runtime_);
        continue;
      }
      auto next = timers_.end();
      for (auto timer = timers_.begin(); timer != timers_.end(); ++timer) {
        if (next == timers_.end() || timer->second.due < next->second.due) next = timer;
      }
      if (next != timers_.end() && next->second.due <= Clock::now()) {
        const auto call = next->second.call;
        timers_.erase(next);
        call->call(runtime_);
        continue;
      }
      std::unique_lock lock(mutex_);
      const auto until = next == timers_.end() ? Clock::now() + std::chrono::seconds(1) : next->second.due;
      woken_.wait_until(lock, until, [this] { return !calls_.empty(); });
    }
  }

 private:
  struct Timer {
    Clock::time_point due;
    std::shared_ptr<jsi::Function> call;
  };

  facebook::react::CallFunc nextCall() {
    const std::lock_guard lock(mutex_);
    if (calls_.empty()) return nullptr;
    auto call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

  jsi::Runtime &runtime_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<facebook::react::CallFunc> calls_;
  std::deque<std::shared_ptr<jsi::Function>> microtasks_;
  std::map<int, Timer> timers_;
  int lastTimer_ = 0;
};

using Body = std::function<jsi::Value(jsi::Runtime &, const jsi::Value *, size_t)>;

void define(jsi::Runtime &runtime, jsi::Object &holder, const char *name, Body body) {
  const auto id = jsi::PropNameID::forAscii(runtime, name);
  holder.setProperty(runtime, name,
                     jsi::Function::createFromHostFunction(
                         runtime, id, 2, [body](jsi::Runtime &inside, const jsi::Value &, const jsi::Value *arguments, size_t count) {
                           return body(inside, arguments, count);
                         }));
}

std::string readFile(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string textOf(jsi::Runtime &runtime, const jsi::Value &value) {
  return value.toString(runtime).utf8(runtime);
}

[[noreturn]] void end(int status) {
  std::fflush(nullptr);
  // As the system ends an application: without a word to anybody.
  _exit(status);
}

/** React Native's own module for errors: where one is fatal, it is thrown in the application's language, which ends it. */
jsi::Object exceptionsManager(jsi::Runtime &runtime) {
  jsi::Object module(runtime);
  define(runtime, module, "reportException", [](jsi::Runtime &inside, const jsi::Value *arguments, size_t) {
    const jsi::Object data = arguments[0].asObject(inside);
    const bool isFatal = data.getProperty(inside, "isFatal").asBool();
    std::cout << (isFatal ? "died of " : "told of ") << textOf(inside, data.getProperty(inside, "message")) << std::endl;
    if (isFatal) end(DIED);
    return jsi::Value::undefined();
  });
  return module;
}

jsi::Object microtasks(jsi::Runtime &runtime, const std::shared_ptr<Loop> &loop) {
  jsi::Object module(runtime);
  define(runtime, module, "queueMicrotask", [loop](jsi::Runtime &inside, const jsi::Value *arguments, size_t) {
    loop->soon(arguments[0].asObject(inside).asFunction(inside));
    return jsi::Value::undefined();
  });
  return module;
}

/** Every feature that React Native asks about is off. */
jsi::Object featureFlags(jsi::Runtime &runtime) {
  jsi::Object module(runtime);
  for (const char *name : {"enableIntersectionObserverByDefault", "enableMutationObserverByDefault", "enableResizeObserverByDefault"}) {
    define(runtime, module, name, [](jsi::Runtime &, const jsi::Value *, size_t) { return jsi::Value(false); });
  }
  return module;
}

/** The clock of `performance.now()`. */
jsi::Object performance(jsi::Runtime &runtime) {
  jsi::Object module(runtime);
  define(runtime, module, "now", [](jsi::Runtime &, const jsi::Value *, size_t) {
    return jsi::Value(std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count());
  });
  return module;
}

void furnish(jsi::Runtime &runtime, const std::shared_ptr<Loop> &loop, const std::string &spool, bool hasNative) {
  jsi::Object global = runtime.global();
  global.setProperty(runtime, "RN$Bridgeless", true);
  // Where React Native looks for modules of the kind before.
  global.setProperty(runtime, "nativeModuleProxy", jsi::Object(runtime));
  define(runtime, global, "setTimeout", [loop](jsi::Runtime &inside, const jsi::Value *arguments, size_t count) {
    const double ms = count > 1 && arguments[1].isNumber() ? arguments[1].getNumber() : 0;
    return jsi::Value(loop->after(ms, arguments[0].asObject(inside).asFunction(inside)));
  });
  define(runtime, global, "clearTimeout", [loop](jsi::Runtime &, const jsi::Value *arguments, size_t count) {
    if (count > 0 && arguments[0].isNumber()) loop->forget(static_cast<int>(arguments[0].getNumber()));
    return jsi::Value::undefined();
  });
  // What a host with a screen calls, to show an application's.
  define(runtime, global, "RN$registerCallableModule", [](jsi::Runtime &, const jsi::Value *, size_t) { return jsi::Value::undefined(); });
  define(runtime, global, "nativeLoggingHook", [](jsi::Runtime &inside, const jsi::Value *arguments, size_t) {
    std::cerr << textOf(inside, arguments[0]) << std::endl;
    return jsi::Value::undefined();
  });
  define(runtime, global, "print", [](jsi::Runtime &inside, const jsi::Value *arguments, size_t) {
    std::cout << textOf(inside, arguments[0]) << std::endl;
    return jsi::Value::undefined();
  });
  define(runtime, global, "quit", [](jsi::Runtime &, const jsi::Value *arguments, size_t) -> jsi::Value {
    end(static_cast<int>(arguments[0].asNumber()));
  });

  const auto module = std::make_shared<errorsentinel::ErrorSentinelModule>(loop, errorsentinel::ModuleSettings{spool});
  const auto modules = std::make_shared<std::map<std::string, jsi::Object>>();
  modules->emplace("NativeMicrotasksCxx", microtasks(runtime, loop));
  modules->emplace("NativePerformanceCxx", performance(runtime));
  modules->emplace("NativeReactNativeFeatureFlagsCxx", featureFlags(runtime));
  modules->emplace("ExceptionsManager", exceptionsManager(runtime));
  if (hasNative) modules->emplace("ErrorSentinel", jsi::Object::createFromHostObject(runtime, module));
  define(runtime, global, "__turboModuleProxy", [modules](jsi::Runtime &inside, const jsi::Value *arguments, size_t) {
    const auto found = modules->find(textOf(inside, arguments[0]));
    return found == modules->end() ? jsi::Value::null() : jsi::Value(inside, found->second);
  });
}

} // namespace

int main(int count, char **words) {
  if (count < 5) {
    std::cerr << "usage: host BUNDLE SPOOL_FOLDER SCENARIO DSN [without-native]" << std::endl;
    return 2;
  }
  const bool hasNative = count < 6;
  try {
    const std::unique_ptr<jsi::Runtime> runtime = facebook::jsc::makeJSCRuntime();
    const auto loop = std::make_shared<Loop>(*runtime);
    furnish(*runtime, loop, words[2], hasNative);
    const auto say = [&runtime](const char *name, const char *text) {
      runtime->global().setProperty(*runtime, name, jsi::String::createFromUtf8(*runtime, text));
    };
    say("scenario", words[3]);
    say("dsn", words[4]);
    // Where a system puts it, which differs with every installation.
    const std::string place = "/var/containers/Bundle/Application/5B1C/Shop.app/main.jsbundle";
    runtime->evaluateJavaScript(std::make_shared<jsi::StringBuffer>(readFile(words[1])), place);
    loop->run();
  } catch (const std::exception &trouble) {
    std::cerr << "the host failed: " << trouble.what() << std::endl;
    end(3);
  }
}
