// A C++ program whose exceptions are reported: shop DSN
#include <error_sentinel.h>

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <typeinfo>

namespace {

sentinel_text text(std::string_view view) { return {view.data(), view.size()}; }

// Reporting, as long as it lives.
class Reporting {
 public:
  explicit Reporting(std::string_view dsn) {
    sentinel_options options;
    check(sentinel_options_new(text(dsn), &options));
    check(sentinel_options_set_release(options, text("shop@1.4.2")));
    check(sentinel_init(options));
  }
  Reporting(const Reporting&) = delete;
  Reporting& operator=(const Reporting&) = delete;
  ~Reporting() { sentinel_close(5000); }

 private:
  static void check(sentinel_status status) {
    if (status != SENTINEL_STATUS_OK) throw std::runtime_error(sentinel_status_text(status).data);
  }
};

// Reports an exception, with what it was caused by.
sentinel_event_id report(const std::exception& surfaced) {
  const auto name = [](const std::exception& error) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> demangled(
        abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status), std::free);
    return std::string(demangled ? demangled.get() : typeid(error).name());
  };
  sentinel_alert alert;
  sentinel_event_id id{};
  if (sentinel_alert_new(text(name(surfaced)), text(surfaced.what()), &alert) != SENTINEL_STATUS_OK) return id;
  const auto add_causes = [&](const auto& self, const std::exception& error) -> void {
    try {
      std::rethrow_if_nested(error);
    } catch (const std::exception& cause) {
      sentinel_alert_add_cause(alert, text(name(cause)), text(cause.what()));
      self(self, cause);
    }
  };
  add_causes(add_causes, surfaced);
  sentinel_alert_send(alert, &id);
  return id;
}

void charge(int cents) {
  try {
    if (cents > 1000) throw std::out_of_range("the bank's limit is 10.00");
  } catch (...) {
    std::throw_with_nested(std::runtime_error("the card was refused"));
  }
}

}  // namespace

int main(int count, char** words) try {
  if (count != 2) {
    std::cerr << "usage: shop DSN\n";
    return 2;
  }
  const Reporting reporting(words[1]);
  sentinel_add_breadcrumb(text("basket"), text("three apples were added"), SENTINEL_LEVEL_INFO);
  try {
    charge(1250);
  } catch (const std::exception& error) {
    std::cout << report(error).digits << '\n';
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "not sent: " << error.what() << '\n';
  return 1;
}
