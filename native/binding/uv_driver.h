#pragma once

#include <node_api.h>

#include <functional>
#include <memory>

namespace vws {

class Poller;

// Runs the engine on Node's own event loop: watches the engine's poller, and calls back whenever that has events.
// JavaScript thread. libuv's functions are looked up at run time, since other runtimes have none.
class UvDriver {
 public:
  // due runs from the event loop, outside of any scope of JavaScript's. Null, with *problem saying why, where there
  // is no libuv. Watches nothing yet, and keeps nothing alive.
  static std::unique_ptr<UvDriver> create(napi_env env, Poller& poller, std::function<void()> due,
                                          const char** problem);
  // Closes the handle. It lives on until libuv has let go of it.
  ~UvDriver();
  UvDriver(const UvDriver&) = delete;
  UvDriver& operator=(const UvDriver&) = delete;

  // Whether the poller is watched.
  void watch(bool on);
  bool watching() const;
  // Whether watching keeps the loop alive. Default: it does not.
  void set_ref(bool ref);
  // Whether the loop has something else to do at once: immediates, timers, handles to be closed.
  bool others_wait() const;

 private:
  struct Handle;
  struct ReleaseHandle {
    void operator()(Handle* handle) const;
  };

  UvDriver() = default;

  std::unique_ptr<Handle, ReleaseHandle> handle_;
};

}  // namespace vws
