#ifdef _WIN32

#include <windows.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "binding/uv_driver_watcher.h"
#include "engine/os/thread.h"

namespace vws {

void* find_in_program(const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(nullptr), name));
}

namespace {

// The poller waits for a completion port, for which libuv's loop cannot wait beside its own. So a thread does nothing
// but that: it sleeps while there are no events, wakes the loop, and sleeps again when the loop has looked.
class PortWatcher final : public UvWatcher {
 public:
  PortWatcher(const UvFunctions& uv, Poller& poller, std::function<void()> due)
      : uv_(uv), poller_(poller), due_(std::move(due)) {}
  ~PortWatcher() override { end_thread(); }

  bool init(uv_loop_t* loop) {
    if (thread_.start("vws-watch", [this] { run(); }) != 0) return false;
    if (uv_.async_init(loop, &async_, &on_woken) != 0) return false;
    async_.data = static_cast<UvWatcher*>(this);
    return true;
  }

  uv_handle_t* handle() override { return reinterpret_cast<uv_handle_t*>(&async_); }

  void start() override {
    started_ = true;
    look_out();
  }
  void stop() override {
    started_ = false;
    interrupt(false);
  }
  void end() override {
    started_ = false;
    end_thread();
  }

 private:
  void look_out() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      looking_ = true;
      over_.store(false);
    }
    changed_.notify_one();
  }

  void interrupt(bool for_good) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      looking_ = false;
      ended_ = ended_ || for_good;
      over_.store(true);
    }
    changed_.notify_one();
    poller_.rouse();
  }

  void end_thread() {
    if (!thread_.running()) return;
    interrupt(true);
    thread_.join();
  }

  static void on_woken(uv_async_t* async) {
    auto* const watcher =
        static_cast<PortWatcher*>(UvWatcher::of(reinterpret_cast<uv_handle_t*>(async)));
    if (!watcher->started_) return;
    watcher->due_();
    // Not yet freed, whatever that did: the handle is closed by the loop, later.
    if (watcher->started_) watcher->look_out();
  }

  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ended_) {
      if (!looking_) {
        changed_.wait(lock);
        continue;
      }
      lock.unlock();
      poller_.sleep_until(over_);
      lock.lock();
      // Stopped; and perhaps started again since.
      if (!looking_ || over_.load()) continue;
      looking_ = false;
      lock.unlock();
      uv_.async_send(&async_);
      lock.lock();
    }
  }

  const UvFunctions& uv_;
  Poller& poller_;
  std::function<void()> due_;
  uv_async_t async_;
  bool started_ = false;  // of the loop's thread alone
  std::mutex mutex_;
  std::condition_variable changed_;
  bool looking_ = false;  // the thread is to sleep on the poller, and to tell once
  bool ended_ = false;
  std::atomic<bool> over_{true};  // written under mutex_
  Thread thread_;
};

}  // namespace

std::unique_ptr<UvWatcher> UvWatcher::make(const UvFunctions& uv, uv_loop_t* loop, Poller& poller,
                                           std::function<void()> due) {
  auto made = std::make_unique<PortWatcher>(uv, poller, std::move(due));
  if (!made->init(loop)) return nullptr;
  return made;
}

}  // namespace vws

#endif
