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
  // due runs from the event loop, outside of any scope of JavaScript's. Null, with *problem saying why,
  // where there is no libuv.
  static std::unique_ptr<UvDriver> create(napi_env env, int fd, std::function<void()> due,
                                          const char** problem);
  // Closes the handles. They live on until libuv has let go of them.
  ~UvDriver();
  UvDriver(const UvDriver&) = delete;
  UvDriver& operator=(const UvDriver&) = delete;

  // Calls back in so many milliseconds as well (negative: no timer).
  void set_timer(int64_t ms);
  // Whether the handles keep the loop alive.
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
