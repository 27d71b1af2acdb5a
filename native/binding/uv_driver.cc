#include "binding/uv_driver.h"

#include <utility>

#include "binding/uv_driver_watcher.h"

namespace vws {

namespace {

template <typename Function>
bool find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(find_in_program(name));
  return function != nullptr;
}

bool find_all(UvFunctions& uv) {
  return find(uv.get_loop, "napi_get_uv_event_loop") && find(uv.poll_init, "uv_poll_init") &&
         find(uv.poll_start, "uv_poll_start") && find(uv.poll_stop, "uv_poll_stop") &&
         find(uv.async_init, "uv_async_init") && find(uv.async_send, "uv_async_send") &&
         find(uv.close, "uv_close") && find(uv.ref, "uv_ref") && find(uv.unref, "uv_unref") &&
         find(uv.backend_timeout, "uv_backend_timeout");
}

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

struct UvDriver::Handle {
  UvFunctions uv;
  uv_loop_t* loop = nullptr;
  std::unique_ptr<UvWatcher> watcher;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool watching = false;

  // Frees it, and lets the environment end.
  static void on_closed(uv_handle_t* handle) {
    const std::unique_ptr<Handle> owned(static_cast<Handle*>(UvWatcher::of(handle)->owner));
    if (owned->hook) napi_remove_async_cleanup_hook(owned->hook);
  }
};

void UvDriver::ReleaseHandle::operator()(Handle* handle) const {
  handle->watcher->end();
  handle->uv.close(handle->watcher->handle(), &Handle::on_closed);
}

std::unique_ptr<UvDriver> UvDriver::create(napi_env env, Poller& poller, std::function<void()> due,
                                           const char** problem) {
  auto made = std::make_unique<Handle>();
  *problem = "this runtime has no libuv: service 'loop' needs Node.js";
  if (is_other_runtime(env) || !find_all(made->uv) ||
      made->uv.get_loop(env, &made->loop) != napi_ok || !made->loop)
    return nullptr;
  *problem = "the event loop refused to watch the engine";
  made->watcher = UvWatcher::make(made->uv, made->loop, poller, std::move(due));
  if (!made->watcher) return nullptr;
  made->watcher->owner = made.get();
  made->uv.unref(made->watcher->handle());
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
  if (on == handle_->watching) return;
  handle_->watching = on;
  if (on) {
    handle_->watcher->start();
  } else {
    handle_->watcher->stop();
  }
}

void UvDriver::set_ref(bool ref) {
  if (ref) {
    handle_->uv.ref(handle_->watcher->handle());
  } else {
    handle_->uv.unref(handle_->watcher->handle());
  }
}

}  // namespace vws
