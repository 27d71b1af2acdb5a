#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "engine/net/resolver.h"

namespace vws {

// One question of one resolver. The callback and the port belong to the loop's thread; helper
// threads only carry the waiter along.
struct ResolveWaiter {
  std::shared_ptr<LoopPoster> poster;
  Resolver::Callback callback;
  uint16_t port = 0;
  std::atomic<bool> abandoned{false};
};

// The helper threads that look names up. They are started when there is work, are few, and end when
// they have had none for a while. A thread inside getaddrinfo(3) cannot be interrupted: threads are
// detached, each keeps the pool alive, and an answer that nobody waits for any more is dropped.
class ResolverPool : public std::enable_shared_from_this<ResolverPool> {
 public:
  // Threads without work end after this long.
  explicit ResolverPool(Milliseconds idle_time);
  // That of the process. Any thread.
  static std::shared_ptr<ResolverPool> shared();

  // Any thread. Joins a lookup of the same name that is under way. 0, or an errno if no thread
  // could be started and none is there.
  int submit(const std::shared_ptr<const LookupFunction>& lookup, const std::string& host,
             int family, const std::shared_ptr<ResolveWaiter>& waiter);

  // Any thread: how many there are just now.
  int threads();

 private:
  using Key = std::tuple<const LookupFunction*, std::string, int>;
  struct Job {
    std::shared_ptr<const LookupFunction> lookup;  // keeps the key's pointer its own
    std::string host;
    int family = 0;
    std::vector<std::shared_ptr<ResolveWaiter>> waiters;
  };

  void run();
  int start_thread();  // 0 or an errno
  std::shared_ptr<Job> next_job(std::unique_lock<std::mutex>& lock);

  const Milliseconds idle_time_;
  std::mutex mutex_;  // guards what follows; the waiters of jobs too
  std::condition_variable work_;
  std::map<Key, std::shared_ptr<Job>> jobs_;  // waiting or being looked up
  std::deque<std::shared_ptr<Job>> queue_;    // waiting
  int threads_ = 0;
  int idle_ = 0;
};

// What the answer means to someone who asked for it.
ResolveResult to_result(const LookupAnswer& answer, const std::string& host, int family,
                        uint16_t port);

}  // namespace vws
