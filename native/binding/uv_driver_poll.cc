#ifndef _WIN32

#include <dlfcn.h>

#include <utility>

#include "binding/uv_driver_watcher.h"

namespace vws {

void* find_in_program(const char* name) { return dlsym(RTLD_DEFAULT, name); }

namespace {

// The poller has a descriptor that is readable while there are events.
class PollWatcher final : public UvWatcher {
 public:
  PollWatcher(const UvFunctions& uv, std::function<void()> due) : uv_(uv), due_(std::move(due)) {}

  bool init(uv_loop_t* loop, int fd) {
    if (uv_.poll_init(loop, &poll_, fd) != 0) return false;
    poll_.data = static_cast<UvWatcher*>(this);
    return true;
  }

  uv_handle_t* handle() override { return reinterpret_cast<uv_handle_t*>(&poll_); }
  void start() override { uv_.poll_start(&poll_, UV_READABLE, &on_readable); }
  void stop() override { uv_.poll_stop(&poll_); }
  void end() override {}

 private:
  static void on_readable(uv_poll_t* poll, int, int) {
    static_cast<PollWatcher*>(UvWatcher::of(reinterpret_cast<uv_handle_t*>(poll)))->due_();
  }

  const UvFunctions& uv_;
  uv_poll_t poll_;
  std::function<void()> due_;
};

}  // namespace

std::unique_ptr<UvWatcher> UvWatcher::make(const UvFunctions& uv, uv_loop_t* loop, Poller& poller,
                                           std::function<void()> due) {
  auto made = std::make_unique<PollWatcher>(uv, std::move(due));
  if (!made->init(loop, poller.backend_fd())) return nullptr;
  return made;
}

}  // namespace vws

#endif
