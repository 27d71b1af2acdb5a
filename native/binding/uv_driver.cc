#ifndef _WIN32

#include "binding/uv_driver.h"

#include <dlfcn.h>
#include <uv.h>

#include <utility>

namespace vws {

// What is used of libuv, and of Node-API to get at its loop.
struct UvFunctions {
  napi_status (*get_loop)(napi_env, uv_loop_t**) = nullptr;
  int (*poll_init)(uv_loop_t*, uv_poll_t*, int) = nullptr;
  int (*poll_start)(uv_poll_t*, int, uv_poll_cb) = nullptr;
  int (*poll_stop)(uv_poll_t*) = nullptr;
  void (*close)(uv_handle_t*, uv_close_cb) = nullptr;
  void (*ref)(uv_handle_t*) = nullptr;
  void (*unref)(uv_handle_t*) = nullptr;
  int (*backend_timeout)(const uv_loop_t*) = nullptr;

  template <typename Function>
  static bool find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    return function != nullptr;
  }

  bool load() {
    return find(get_loop, "napi_get_uv_event_loop") && find(poll_init, "uv_poll_init") &&
           find(poll_start, "uv_poll_start") && find(poll_stop, "uv_poll_stop") &&
           find(close, "uv_close") && find(ref, "uv_ref") && find(unref, "uv_unref") &&
           find(backend_timeout, "uv_backend_timeout");
  }
};

struct UvDriver::Handle {
  UvFunctions uv;
  uv_loop_t* loop = nullptr;
  uv_poll_t poll;
  std::function<void()> due;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool watching = false;

  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(&poll); }

  // Frees it, and lets the environment end.
  static void on_closed(uv_handle_t* handle) {
    const std::unique_ptr<Handle> owned(static_cast<Handle*>(handle->data));
    if (owned->hook) napi_remove_async_cleanup_hook(owned->hook);
  }
};

void UvDriver::ReleaseHandle::operator()(Handle* handle) const {
  handle->due = nullptr;
  handle->uv.close(handle->base(), &Handle::on_closed);
}

namespace {

bool has_version_of(napi_env env, const char* runtime) {
  napi_value value;
  if (napi_get_global(env, &value) != napi_ok) return false;
  for (const char* name : {"process", "versions", runtime}) {
    if (napi_get_named_property(env, value, name, &value) != napi_ok) return false;
  }
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type != napi_undefined;
}

// Bun and Deno have libuv's names, but most of the functions end the process, there and then or at its end: asking for
// the names is not enough.
bool is_other_runtime(napi_env env) {
  return has_version_of(env, "bun") || has_version_of(env, "deno");
}

}  // namespace

std::unique_ptr<UvDriver> UvDriver::create(napi_env env, int fd, std::function<void()> due,
                                           const char** problem) {
  auto made = std::make_unique<Handle>();
  *problem = "this runtime has no libuv: service 'loop' needs Node.js";
  if (is_other_runtime(env) || !made->uv.load() || made->uv.get_loop(env, &made->loop) != napi_ok ||
      !made->loop)
    return nullptr;
  *problem = "the event loop refused the engine's descriptor";
  if (made->uv.poll_init(made->loop, &made->poll, fd) != 0) return nullptr;
  made->due = std::move(due);
  made->poll.data = made.get();
  made->uv.unref(made->base());
  // The environment waits for the handle to be closed; the hook itself has nothing to do, since the
  // environment's owner destroys the driver.
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void*) {}, nullptr, &made->hook);
  auto driver = std::unique_ptr<UvDriver>(new UvDriver);
  driver->handle_.reset(made.release());
  return driver;
}

UvDriver::~UvDriver() = default;

bool UvDriver::others_wait() const { return handle_->uv.backend_timeout(handle_->loop) == 0; }

bool UvDriver::watching() const { return handle_->watching; }

void UvDriver::watch(bool on) {
  Handle& handle = *handle_;
  if (on == handle.watching) return;
  handle.watching = on;
  if (!on) {
    handle.uv.poll_stop(&handle.poll);
    return;
  }
  handle.uv.poll_start(&handle.poll, UV_READABLE,
                       [](uv_poll_t* poll, int, int) { static_cast<Handle*>(poll->data)->due(); });
}

void UvDriver::set_ref(bool ref) {
  if (ref) {
    handle_->uv.ref(handle_->base());
  } else {
    handle_->uv.unref(handle_->base());
  }
}

}  // namespace vws

#endif
