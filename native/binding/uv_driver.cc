#include "binding/uv_driver.h"

#include <dlfcn.h>

#include <utility>

namespace vws {

// What is used of libuv, and of Node-API to get at its loop.
struct UvFunctions {
  napi_status (*get_loop)(napi_env, uv_loop_t**) = nullptr;
  int (*poll_init)(uv_loop_t*, uv_poll_t*, int) = nullptr;
  int (*poll_start)(uv_poll_t*, int, uv_poll_cb) = nullptr;
  int (*poll_stop)(uv_poll_t*) = nullptr;
  int (*prepare_init)(uv_loop_t*, uv_prepare_t*) = nullptr;
  int (*prepare_start)(uv_prepare_t*, uv_prepare_cb) = nullptr;
  int (*prepare_stop)(uv_prepare_t*) = nullptr;
  int (*check_init)(uv_loop_t*, uv_check_t*) = nullptr;
  int (*check_start)(uv_check_t*, uv_check_cb) = nullptr;
  int (*check_stop)(uv_check_t*) = nullptr;
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
           find(poll_start, "uv_poll_start") && find(poll_stop, "uv_poll_stop") &&
           find(prepare_init, "uv_prepare_init") && find(prepare_start, "uv_prepare_start") &&
           find(prepare_stop, "uv_prepare_stop") && find(check_init, "uv_check_init") &&
           find(check_start, "uv_check_start") && find(check_stop, "uv_check_stop") &&
           find(timer_init, "uv_timer_init") && find(timer_start, "uv_timer_start") &&
           find(timer_stop, "uv_timer_stop") && find(update_time, "uv_update_time") &&
           find(close, "uv_close") && find(ref, "uv_ref") && find(unref, "uv_unref");
  }
};

struct UvDriver::Handles {
  UvFunctions uv;
  uv_loop_t* loop = nullptr;
  uv_poll_t poll;
  uv_timer_t timer;
  uv_prepare_t prepare;
  uv_check_t check;
  Callbacks callbacks;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool watching = false;
  int open = 4;

  static void run(const std::function<void()>& callback) {
    if (callback) callback();
  }

  template <typename Function>
  void for_each(Function function) {
    function(reinterpret_cast<uv_handle_t*>(&poll));
    function(reinterpret_cast<uv_handle_t*>(&timer));
    function(reinterpret_cast<uv_handle_t*>(&prepare));
    function(reinterpret_cast<uv_handle_t*>(&check));
  }

  void close_all() {
    callbacks = Callbacks();
    for_each([this](uv_handle_t* handle) { uv.close(handle, &Handles::on_closed); });
  }

  // The last one frees them all, and lets the environment end.
  static void on_closed(uv_handle_t* handle) {
    auto* handles = static_cast<Handles*>(handle->data);
    if (--handles->open > 0) return;
    const std::unique_ptr<Handles> owned(handles);
    if (owned->hook) napi_remove_async_cleanup_hook(owned->hook);
  }
};

void UvDriver::ReleaseHandles::operator()(Handles* handles) const { handles->close_all(); }

namespace {

// Bun has libuv's names, but most of the functions end the process: asking for the names is not enough.
bool is_bun(napi_env env) {
  napi_value value;
  if (napi_get_global(env, &value) != napi_ok) return false;
  for (const char* name : {"process", "versions", "bun"}) {
    if (napi_get_named_property(env, value, name, &value) != napi_ok) return false;
  }
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type != napi_undefined;
}

}  // namespace

std::unique_ptr<UvDriver> UvDriver::create(napi_env env, int fd, Callbacks callbacks,
                                           const char** problem) {
  auto made = std::make_unique<Handles>();
  *problem = "this runtime has no libuv: service 'loop' needs Node.js";
  if (is_bun(env) || !made->uv.load() || made->uv.get_loop(env, &made->loop) != napi_ok ||
      !made->loop)
    return nullptr;
  *problem = "the event loop refused the engine's descriptor";
  if (made->uv.poll_init(made->loop, &made->poll, fd) != 0) return nullptr;
  made->uv.timer_init(made->loop, &made->timer);
  made->uv.prepare_init(made->loop, &made->prepare);
  made->uv.check_init(made->loop, &made->check);
  made->callbacks = std::move(callbacks);
  // The environment waits for the handles to be closed; the hook itself has nothing to do, since the
  // environment's owner destroys the driver.
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void*) {}, nullptr, &made->hook);
  auto driver = std::unique_ptr<UvDriver>(new UvDriver);
  driver->handles_.reset(made.release());
  Handles& handles = *driver->handles_;
  handles.for_each([&handles](uv_handle_t* handle) {
    handle->data = &handles;
    handles.uv.unref(handle);
  });
  return driver;
}

UvDriver::~UvDriver() = default;

bool UvDriver::watching() const { return handles_->watching; }

void UvDriver::watch(bool on) {
  Handles& handles = *handles_;
  if (on == handles.watching) return;
  handles.watching = on;
  const UvFunctions& uv = handles.uv;
  if (!on) {
    uv.poll_stop(&handles.poll);
    uv.prepare_stop(&handles.prepare);
    uv.check_stop(&handles.check);
    return;
  }
  uv.poll_start(&handles.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    Handles::run(static_cast<Handles*>(poll->data)->callbacks.due);
  });
  if (!handles.callbacks.woke) return;
  uv.prepare_start(&handles.prepare, [](uv_prepare_t* prepare) {
    Handles::run(static_cast<Handles*>(prepare->data)->callbacks.sleeps);
  });
  uv.check_start(&handles.check, [](uv_check_t* check) {
    Handles::run(static_cast<Handles*>(check->data)->callbacks.woke);
  });
}

void UvDriver::set_timer(int64_t ms) {
  Handles& handles = *handles_;
  if (ms < 0) {
    handles.uv.timer_stop(&handles.timer);
    return;
  }
  // The loop's clock stands still during a turn, and JavaScript may have run long.
  handles.uv.update_time(handles.loop);
  handles.uv.timer_start(
      &handles.timer,
      [](uv_timer_t* timer) { Handles::run(static_cast<Handles*>(timer->data)->callbacks.due); },
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
