#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/net/address.h"

namespace vws {

struct ResolveError {
  int gai_code = 0;            // EAI_…, os::LookupStatus
  int system_errno = 0;        // for EAI_SYSTEM
  int family = 0;              // what was asked for: 0, 4 or 6
  std::string code;            // "ENOTFOUND", "EAI_AGAIN", …
  std::string message;         // "getaddrinfo ENOTFOUND name (Name or service not known)"
  std::string reason() const;  // the documented text: "getaddrinfo (ipv4) failed", …
};

struct ResolveResult {
  std::vector<Address> addresses;  // interleaved; with the port asked for
  std::optional<ResolveError> error;
  bool ok() const { return !error; }
};

ResolveError make_resolve_error(int gai_code, int system_errno, const std::string& host,
                                int family);

// What a lookup answers: an EAI_ code (0: fine), the errno for EAI_SYSTEM, and addresses in the
// system's order, without port.
struct LookupAnswer {
  int gai_code = 0;
  int system_errno = 0;
  std::vector<Address> addresses;
};

// Looks a name up, taking the time it takes. Runs on helper threads, several at once.
using LookupFunction = std::function<LookupAnswer(const std::string& host, int family)>;

// getaddrinfo(3).
LookupAnswer system_lookup(const std::string& host, int family);

// Lets other threads post to a loop that may be gone.
class LoopPoster {
 public:
  explicit LoopPoster(EventLoop& loop) : loop_(&loop) {}
  // Any thread. False, and the task is dropped, if the loop has been detached.
  bool post(EventLoop::Task task);
  // The loop's thread, before the loop goes. Nothing is posted after it.
  void detach();

 private:
  std::mutex mutex_;
  EventLoop* loop_;  // guarded by mutex_
};

class ResolverPool;
struct ResolveWaiter;

// Resolves names for one event loop, on helper threads that all resolvers of the process share.
// Belongs to the loop's thread, and is destroyed before the loop. Concurrent lookups of the same
// name are one lookup.
class Resolver {
 public:
  using Callback = std::function<void(ResolveResult)>;

  // Interest in an answer. Destroying it cancels: the callback is not called any more, and is
  // destroyed. It may outlive the resolver, and may be destroyed inside the callback.
  class Ticket {
   public:
    Ticket() = default;
    ~Ticket() { cancel(); }
    Ticket(Ticket&& other) noexcept = default;
    Ticket& operator=(Ticket&& other) noexcept;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    void cancel();

   private:
    friend class Resolver;
    explicit Ticket(std::shared_ptr<ResolveWaiter> waiter) : waiter_(std::move(waiter)) {}
    std::shared_ptr<ResolveWaiter> waiter_;
  };

  explicit Resolver(EventLoop& loop);
  // For tests: another way to look names up. Numeric addresses never come to it.
  Resolver(EventLoop& loop, LookupFunction lookup);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The callback runs on the loop's thread, after resolve() has returned. family: 0 (any), 4 or 6.
  // Numeric addresses are answered without a thread.
  [[nodiscard]] Ticket resolve(const std::string& host, uint16_t port, int family,
                               Callback callback);

 private:
  void answer_soon(const std::shared_ptr<ResolveWaiter>& waiter, ResolveResult result);

  EventLoop& loop_;
  std::shared_ptr<LoopPoster> poster_;
  std::shared_ptr<const LookupFunction> lookup_;
  std::shared_ptr<ResolverPool> pool_;
};

}  // namespace vws
