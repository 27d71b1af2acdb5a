#include "engine/net/resolver_pool.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "engine/os/lookup.h"
#include "engine/os/thread.h"

namespace vws {

namespace {

// As many as Node's own: enough that one dead name server does not hold up every other name.
constexpr int kMaxThreads = 4;

// Names of this machine come from a file and are never kept waiting behind names of others: they
// may have one thread more, and they go first.
constexpr int kMaxThreadsForLocalNames = kMaxThreads + 1;

constexpr Milliseconds kIdleTime{5000};

bool is_local_name(const std::string& host) {
  constexpr std::string_view kLocal = "localhost";
  if (host.size() < kLocal.size()) return false;
  const size_t start = host.size() - kLocal.size();
  return host.compare(start, kLocal.size(), kLocal) == 0 && (start == 0 || host[start - 1] == '.');
}

}  // namespace

ResolverPool::ResolverPool(Milliseconds idle_time) : idle_time_(idle_time) {}

std::shared_ptr<ResolverPool> ResolverPool::shared() {
  // Never destroyed: the service thread runs until the process is gone.
  static const auto& pool =
      *new const std::shared_ptr<ResolverPool>(std::make_shared<ResolverPool>(kIdleTime));
  return pool;
}

int ResolverPool::threads() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return threads_;
}

int ResolverPool::submit(const std::shared_ptr<const LookupFunction>& lookup,
                         const std::string& host, int family,
                         const std::shared_ptr<ResolveWaiter>& waiter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Key key(lookup.get(), host, family);
  const auto known = jobs_.find(key);
  if (known != jobs_.end()) {
    known->second->waiters.push_back(waiter);
    return 0;
  }
  auto job = std::make_shared<Job>();
  job->lookup = lookup;
  job->host = host;
  job->family = family;
  job->waiters.push_back(waiter);

  const bool local = is_local_name(host);
  const int limit = local ? kMaxThreadsForLocalNames : kMaxThreads;
  const bool all_busy = static_cast<size_t>(idle_) <= queue_.size();
  if (all_busy && threads_ < limit) {
    const int error = start_thread();
    // A thread that is there already will come to the job in time.
    if (error != 0 && threads_ == 0) return error;
  }

  jobs_.emplace(key, job);
  if (local) {
    queue_.push_front(std::move(job));
  } else {
    queue_.push_back(std::move(job));
  }
  work_.notify_one();
  return 0;
}

int ResolverPool::start_thread() {
  const int error = run_detached("vws-resolver", [self = shared_from_this()] { self->run(); });
  if (error == 0) ++threads_;
  return error;
}

// A helper thread.
void ResolverPool::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (const std::shared_ptr<Job> job = next_job(lock)) {
    lock.unlock();
    const auto answer =
        std::make_shared<const LookupAnswer>((*job->lookup)(job->host, job->family));
    lock.lock();
    jobs_.erase(Key(job->lookup.get(), job->host, job->family));
    const auto waiters = std::exchange(job->waiters, {});
    lock.unlock();
    for (const auto& waiter : waiters) {
      if (waiter->abandoned) continue;
      waiter->poster->post([waiter, answer, job] {
        if (waiter->abandoned) return;
        waiter->abandoned = true;
        const Resolver::Callback callback = std::exchange(waiter->callback, nullptr);
        callback(to_result(*answer, job->host, job->family, waiter->port));
      });
    }
    lock.lock();
  }
}

// A helper thread, holding the lock. Null: the thread is to end, and is no longer counted.
std::shared_ptr<ResolverPool::Job> ResolverPool::next_job(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (queue_.empty()) {
      ++idle_;
      const bool woken = work_.wait_for(lock, idle_time_, [this] { return !queue_.empty(); });
      --idle_;
      if (!woken) {
        --threads_;
        return nullptr;
      }
    }
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    const bool wanted = std::any_of(job->waiters.begin(), job->waiters.end(),
                                    [](const auto& waiter) { return !waiter->abandoned; });
    if (wanted) return job;
    jobs_.erase(Key(job->lookup.get(), job->host, job->family));
  }
}

ResolveResult to_result(const LookupAnswer& answer, const std::string& host, int family,
                        uint16_t port) {
  ResolveResult result;
  int gai_code = answer.gai_code;
  if (gai_code == 0 && answer.addresses.empty()) gai_code = os::kLookupNotFound;
  if (gai_code != 0) {
    result.error = make_resolve_error(gai_code, answer.system_errno, host, family);
    return result;
  }
  result.addresses = interleave_families(answer.addresses);
  for (Address& address : result.addresses) address.set_port(port);
  return result;
}

}  // namespace vws
