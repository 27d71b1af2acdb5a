#pragma once

#include <node_api.h>
#include <uv.h>

#include <functional>
#include <memory>

namespace vws {

struct UvFunctions;

// Runs the engine on Node's own event loop: watches the engine's descriptor and its next timer, and
// calls back when either is due. JavaScript thread. libuv's functions are looked up at run time, since
// other runtimes have none.
class UvDriver {
 public:
  // All run from the event loop, outside of any scope of JavaScript's.
  struct Callbacks {
    std::function<void()> due;
    // May be empty: the loop has woken up, or is about to sleep.
    std::function<void()> woke;
    std::function<void()> sleeps;
  };

  // Null, with *problem saying why, where there is no libuv. Watches nothing yet, and keeps nothing alive.
  static std::unique_ptr<UvDriver> create(napi_env env, int fd, Callbacks callbacks,
                                          const char** problem);
  // Closes the handles. They live on until libuv has let go of them.
  ~UvDriver();
  UvDriver(const UvDriver&) = delete;
  UvDriver& operator=(const UvDriver&) = delete;

  // Whether the descriptor is watched, and the loop's sleep reported.
  void watch(bool on);
  bool watching() const;
  // Calls back in so many milliseconds as well (negative: no timer).
  void set_timer(int64_t ms);
  // Whether the watched descriptor keeps the loop alive. Default: it does not.
  void set_ref(bool ref);

 private:
  struct Handles;
  struct ReleaseHandles {
    void operator()(Handles* handles) const;
  };

  UvDriver() = default;

  std::unique_ptr<Handles, ReleaseHandles> handles_;
};

}  // namespace vws
