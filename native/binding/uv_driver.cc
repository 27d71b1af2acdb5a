#include "binding/uv_driver.h"

#include <dlfcn.h>

#include <utility>

namespace vws {

// What is used of libuv, and of Node-API to get at its loop.
struct UvFunctions {
  napi_status (*get_loop)(napi_env, uv_loop_t**) = nullptr;
  int (*poll_init)(uv_loop_t*, uv_poll_t*, int) = nullptr;
  int (*poll_start)(uv_poll_t*, int, uv_poll_cb) = nullptr;
  int (*timer_init)(uv_loop_t*, uv_timer_t*) = nullptr;
  int (*timer_start)(uv_timer_t*, uv_timer_cb, uint64_t, uint64_t) = nullptr;
  int (*timer_stop)(uv_timer_t*) = nullptr;
  void (*update_time)(uv_loop_t*) = nullptr;
  void (*close)(uv_handle_t*, uv_close_cb) = nullptr;
  void (*ref)(uv_handle_t*) = nullptr;
  void (*unref)(uv_handle_t*) = nullptr;

  template <typename Function>
  static bool find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    return function != nullptr;
  }

  bool load() {
    return find(get_loop, "napi_get_uv_event_loop") && find(poll_init, "uv_poll_init") &&
           find(poll_start, "uv_poll_start") && find(timer_init, "uv_timer_init") &&
           find(timer_start, "uv_timer_start") && find(timer_stop, "uv_timer_stop") &&
           find(update_time, "uv_update_time") && find(close, "uv_close") && find(ref, "uv_ref") &&
           find(unref, "uv_unref");
  }
};

struct UvDriver::Handles {
  UvFunctions uv;
  uv_loop_t* loop = nullptr;
  uv_poll_t poll;
  uv_timer_t timer;
  std::function<void()> due;
  napi_async_cleanup_hook_handle hook = nullptr;
  int open = 2;

  static void run(Handles* handles) {
    if (handles->due) handles->due();
  }

  void close_both() {
    due = nullptr;
    uv.close(reinterpret_cast<uv_handle_t*>(&poll), &Handles::on_closed);
    uv.close(reinterpret_cast<uv_handle_t*>(&timer), &Handles::on_closed);
  }

  // The last one frees them all, and lets the environment end.
  static void on_closed(uv_handle_t* handle) {
    auto* handles = static_cast<Handles*>(handle->data);
    if (--handles->open > 0) return;
    const std::unique_ptr<Handles> owned(handles);
    if (owned->hook) napi_remove_async_cleanup_hook(owned->hook);
  }
};

void UvDriver::ReleaseHandles::operator()(Handles* handles) const { handles->close_both(); }

std::unique_ptr<UvDriver> UvDriver::create(napi_env env, int fd, std::function<void()> due,
                                           const char** problem) {
  auto made = std::make_unique<Handles>();
  *problem = "this runtime has no libuv: service 'loop' needs Node.js";
  if (!made->uv.load() || made->uv.get_loop(env, &made->loop) != napi_ok || !made->loop)
    return nullptr;
  *problem = "the event loop refused the engine's descriptor";
  if (made->uv.poll_init(made->loop, &made->poll, fd) != 0) return nullptr;
  made->uv.timer_init(made->loop, &made->timer);
  made->poll.data = made.get();
  made->timer.data = made.get();
  made->due = std::move(due);
  // The environment waits for the handles to be closed; the hook itself has nothing to do, since the
  // environment's owner destroys the driver.
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void*) {}, nullptr, &made->hook);
  auto driver = std::unique_ptr<UvDriver>(new UvDriver);
  driver->handles_.reset(made.release());
  Handles& handles = *driver->handles_;
  handles.uv.poll_start(&handles.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    Handles::run(static_cast<Handles*>(poll->data));
  });
  driver->set_ref(false);
  handles.uv.unref(reinterpret_cast<uv_handle_t*>(&handles.timer));
  return driver;
}

UvDriver::~UvDriver() = default;

void UvDriver::set_timer(int64_t ms) {
  Handles& handles = *handles_;
  if (ms < 0) {
    handles.uv.timer_stop(&handles.timer);
    return;
  }
  // The loop's clock stands still during a turn, and JavaScript may have run long.
  handles.uv.update_time(handles.loop);
  handles.uv.timer_start(
      &handles.timer, [](uv_timer_t* timer) { Handles::run(static_cast<Handles*>(timer->data)); },
      static_cast<uint64_t>(ms), 0);
}

void UvDriver::set_ref(bool ref) {
  auto* poll = reinterpret_cast<uv_handle_t*>(&handles_->poll);
  if (ref) {
    handles_->uv.ref(poll);
  } else {
    handles_->uv.unref(poll);
  }
}

}  // namespace vws
