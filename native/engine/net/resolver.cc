#include "engine/net/resolver.h"

#include <algorithm>
#include <utility>

#include "engine/net/connect_error.h"
#include "engine/net/resolver_pool.h"
#include "engine/os/lookup.h"

namespace vws {

namespace {

int to_system_family(int family) {
  if (family == 4) return AF_INET;
  return family == 6 ? AF_INET6 : AF_UNSPEC;
}

std::shared_ptr<const LookupFunction> shared_system_lookup() {
  // One for the process, so that the resolvers of all environments share lookups. Never destroyed: the
  // service thread runs until the process is gone.
  static const auto& lookup =
      *new const std::shared_ptr<const LookupFunction>(new LookupFunction(system_lookup));
  return lookup;
}

}  // namespace

std::string ResolveError::reason() const {
  if (os::is_wrong_family(gai_code)) return connect_reason::kAddressFamily;
  // A search for both ends with IPv4, as the engine's does.
  return family == 6 ? "getaddrinfo (ipv6) failed" : "getaddrinfo (ipv4) failed";
}

ResolveError make_resolve_error(int gai_code, int system_errno, const std::string& host,
                                int family) {
  ResolveError error;
  error.gai_code = gai_code;
  error.system_errno = system_errno;
  error.family = family;
  const os::LookupStatus status{gai_code, system_errno};
  error.code = os::lookup_error_name(status);
  error.message =
      "getaddrinfo " + error.code + ' ' + host + " (" + os::lookup_error_text(status) + ')';
  return error;
}

// A helper thread.
LookupAnswer system_lookup(const std::string& host, int family) {
  LookupAnswer answer;
  if (host.empty() || host.find('\0') != std::string::npos) {
    answer.gai_code = os::kLookupNotFound;
    return answer;
  }
  const auto status = os::look_up(
      host, to_system_family(family), [&answer](const sockaddr* data, socklen_t length) {
        const Address address(data, length);
        auto& known = answer.addresses;
        if (std::find(known.begin(), known.end(), address) == known.end()) {
          known.push_back(address);
        }
      });
  answer.gai_code = status.gai_code;
  answer.system_errno = status.system_errno;
  return answer;
}

bool LoopPoster::post(EventLoop::Task task) {
  // Held across post(), so that the loop cannot go meanwhile; post() runs nothing.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!loop_) return false;
  loop_->post(std::move(task));
  return true;
}

void LoopPoster::detach() {
  const std::lock_guard<std::mutex> lock(mutex_);
  loop_ = nullptr;
}

Resolver::Ticket& Resolver::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    cancel();
    waiter_ = std::move(other.waiter_);
  }
  return *this;
}

void Resolver::Ticket::cancel() {
  const std::shared_ptr<ResolveWaiter> waiter = std::exchange(waiter_, nullptr);
  if (!waiter) return;
  waiter->abandoned = true;
  // The callback is destroyed here, on the thread it belongs to, and not by a helper thread.
  waiter->callback = nullptr;
}

Resolver::Resolver(EventLoop& loop)
    : loop_(loop),
      poster_(std::make_shared<LoopPoster>(loop)),
      lookup_(shared_system_lookup()),
      pool_(ResolverPool::shared()) {}

Resolver::Resolver(EventLoop& loop, LookupFunction lookup)
    : loop_(loop),
      poster_(std::make_shared<LoopPoster>(loop)),
      lookup_(std::make_shared<const LookupFunction>(std::move(lookup))),
      pool_(ResolverPool::shared()) {}

Resolver::~Resolver() { poster_->detach(); }

Resolver::Ticket Resolver::resolve(const std::string& host, uint16_t port, int family,
                                   Callback callback) {
  auto waiter = std::make_shared<ResolveWaiter>();
  waiter->poster = poster_;
  waiter->callback = std::move(callback);
  waiter->port = port;

  const auto numeric = Address::from_numeric(host, port);
  if (!numeric) {
    const int refused = pool_->submit(lookup_, host, family, waiter);
    if (refused != 0) {
      answer_soon(waiter, to_result({os::kLookupSystemError, refused, {}}, host, family, port));
    }
    return Ticket(std::move(waiter));
  }
  LookupAnswer answer;
  if (family == 0 || family == numeric->ip_version()) {
    answer.addresses.push_back(*numeric);
  } else {
    answer.gai_code = os::kLookupAddressFamily;  // as getaddrinfo(3) says
  }
  answer_soon(waiter, to_result(answer, host, family, port));
  return Ticket(std::move(waiter));
}

void Resolver::answer_soon(const std::shared_ptr<ResolveWaiter>& waiter, ResolveResult result) {
  auto shared = std::make_shared<ResolveResult>(std::move(result));
  loop_.post([waiter, shared] {
    if (waiter->abandoned) return;
    waiter->abandoned = true;
    const Callback callback = std::exchange(waiter->callback, nullptr);
    callback(std::move(*shared));
  });
}

}  // namespace vws
