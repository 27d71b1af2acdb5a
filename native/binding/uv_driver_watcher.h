#pragma once

// For UvDriver: what differs between systems. Each has a file of its own.

#include <node_api.h>
#include <uv.h>

#include <functional>
#include <memory>

#include "engine/os/poller.h"

namespace vws {

// What is used of libuv, and of Node-API to get at its loop.
struct UvFunctions {
  napi_status (*get_loop)(napi_env, uv_loop_t**) = nullptr;
  int (*poll_init)(uv_loop_t*, uv_poll_t*, int) = nullptr;
  int (*poll_start)(uv_poll_t*, int, uv_poll_cb) = nullptr;
  int (*poll_stop)(uv_poll_t*) = nullptr;
  int (*async_init)(uv_loop_t*, uv_async_t*, uv_async_cb) = nullptr;
  int (*async_send)(uv_async_t*) = nullptr;
  void (*close)(uv_handle_t*, uv_close_cb) = nullptr;
  void (*ref)(uv_handle_t*) = nullptr;
  void (*unref)(uv_handle_t*) = nullptr;
  int (*backend_timeout)(const uv_loop_t*) = nullptr;
};

// The function of that name in the program that has loaded us; null if it has none.
void* find_in_program(const char* name);

// Tells libuv's loop when a poller has events. JavaScript's thread.
class UvWatcher {
 public:
  // due is called from the loop, again and again while the poller has events. Null if the system refuses. The uv handle
  // refers to the loop from then on: whoever has the watcher closes it, and keeps the watcher until it is closed.
  static std::unique_ptr<UvWatcher> make(const UvFunctions& uv, uv_loop_t* loop, Poller& poller,
                                         std::function<void()> due);
  virtual ~UvWatcher() = default;
  UvWatcher(const UvWatcher&) = delete;
  UvWatcher& operator=(const UvWatcher&) = delete;

  // Its data is the watcher's own.
  virtual uv_handle_t* handle() = 0;
  virtual void start() = 0;
  virtual void stop() = 0;
  // The poller may go now. Before the handle is closed; due is not called any more.
  virtual void end() = 0;

  void* owner = nullptr;  // for who has it

  static UvWatcher* of(const uv_handle_t* handle) { return static_cast<UvWatcher*>(handle->data); }

 protected:
  UvWatcher() = default;
};

}  // namespace vws
