#include "engine/net/connector.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/net/tunnel_base.h"
#include "engine/os/error_names.h"

namespace vws {

namespace {

constexpr char kProxyReason[] = "proxy connection failed";

constexpr size_t kMaxAttemptsTold = 8;  // in the text of an error; all are in its list

// The most telling attempt first, then the others.
std::string describe(const std::vector<AttemptError>& attempts, const AttemptError& telling) {
  std::string text = telling.message;
  size_t told = 1;
  for (const AttemptError& attempt : attempts) {
    if (&attempt == &telling || attempt.message == telling.message) continue;
    if (++told > kMaxAttemptsTold) return text + "; ...";
    text += "; " + attempt.message;
  }
  return text;
}

}  // namespace

Connector::Connector(EventLoop& loop, Resolver& resolver, SocketOptions options, Callback callback)
    : loop_(loop),
      resolver_(resolver),
      options_(std::move(options)),
      callback_(std::move(callback)) {
  start_timer_ = loop_.after(Milliseconds(0), [this] { begin(); });
  if (options_.timeout.count() > 0) {
    deadline_timer_ = loop_.after(options_.timeout, [this] { on_deadline(); });
    deadline_ = std::chrono::steady_clock::now() + options_.timeout;
  }
}

Connector::~Connector() { stop(); }

void Connector::stop() {
  loop_.cancel(std::exchange(start_timer_, 0));
  loop_.cancel(std::exchange(deadline_timer_, 0));
  loop_.cancel(std::exchange(attempt_timer_, 0));
  loop_.cancel(std::exchange(rest_timer_, 0));
  ticket_.cancel();
  dialer_.reset();
  tunnel_.reset();
  if (fd_) loop_.unwatch(fd_.get());
  fd_.reset();
}

void Connector::begin() {
  start_timer_ = 0;
  if (!options_.unix_path.empty()) return begin_unix();
  if (!options_.local_address.empty()) {
    local_ = Address::from_numeric(options_.local_address, options_.local_port);
    if (!local_) {
      return fail_with(EINVAL, ConnectStage::kSocket, connect_reason::kBind,
                       "bind EINVAL " + options_.local_address + " (not a numeric address)");
    }
  }
  if (options_.proxy) return begin_proxy();
  find_target(&Connector::dial);
}

void Connector::begin_unix() {
  const auto address = Address::from_unix_path(options_.unix_path);
  if (!address) {
    return fail_with(ENAMETOOLONG, ConnectStage::kSocket, connect_reason::kConnect,
                     "connect ENAMETOOLONG " + options_.unix_path);
  }
  dial({*address});
}

// The target's addresses, given or looked up.
void Connector::find_target(AddressesStep next) {
  if (options_.addresses.empty()) {
    const int local_version = local_ && !options_.proxy ? local_->ip_version() : 0;
    return resolve(options_.host, options_.port,
                   options_.family != 0 ? options_.family : local_version, next);
  }
  std::vector<Address> addresses;
  for (const std::string& text : options_.addresses) {
    const auto address = Address::from_numeric(text, options_.port);
    if (!address) {
      return fail_with(EINVAL, ConnectStage::kResolve, connect_reason::kAddressFamily,
                       "connect EINVAL " + text + " (not a numeric address)");
    }
    addresses.push_back(*address);
  }
  (this->*next)(std::move(addresses));
}

void Connector::begin_proxy() {
  const ProxyOptions& proxy = *options_.proxy;
  tunnel_target_ = options_.host;
  if (proxy.type == ProxyType::kSocks5 && proxy.resolve_locally) {
    return find_target(&Connector::find_proxy);
  }
  find_proxy({});
}

void Connector::find_proxy(std::vector<Address> target) {
  if (!target.empty()) {
    tunnel_target_ = target.front().text();
    targets_left_.assign(target.rbegin(), target.rend() - 1);
  }
  reaching_proxy_ = true;
  resolve(options_.proxy->host, options_.proxy->port, local_ ? local_->ip_version() : 0,
          &Connector::dial);
}

void Connector::resolve(const std::string& host, uint16_t port, int family, AddressesStep next) {
  stage_ = ConnectStage::kResolve;
  resolving_ = host;
  ticket_ = resolver_.resolve(host, port, family, [this, port, next](ResolveResult result) {
    if (result.error) return fail_resolving(resolving_, port, *result.error);
    (this->*next)(std::move(result.addresses));
  });
}

void Connector::dial(std::vector<Address> addresses) {
  stage_ = ConnectStage::kConnect;
  std::vector<Address> usable;
  for (const Address& address : addresses) {
    if (!local_ || address.family() == local_->family()) usable.push_back(address);
  }
  if (usable.empty()) {
    return fail_with(EAFNOSUPPORT, ConnectStage::kSocket, connect_reason::kAddressFamily,
                     "connect EAFNOSUPPORT " + addresses.front().text_with_port() +
                         " (the local address, " + local_->text() + ", is of another IP version)");
  }
  DialOptions dial_options;
  dial_options.local = local_;
  dial_options.keep_alive = options_.keep_alive;
  dial_options.keep_alive_delay = options_.keep_alive_delay;
  dial_options.attempt_delay = options_.attempt_delay;
  dial_options.calls = options_.calls;
  if (!targets_left_.empty()) proxy_addresses_ = usable;
  dialer_ =
      std::make_unique<Dialer>(loop_, std::move(usable), std::move(dial_options),
                               [this](Dialer::Outcome outcome) { on_dialed(std::move(outcome)); });
  dialer_->start();
}

void Connector::on_dialed(Dialer::Outcome outcome) {
  if (!outcome.fd) return fail_dialing(std::move(outcome.failures), false);
  dialer_.reset();
  connected_.local = outcome.local;
  connected_.peer = outcome.peer;
  fd_ = std::move(outcome.fd);
  if (!options_.proxy || !options_.unix_path.empty()) return succeed();
  stage_ = ConnectStage::kProxy;
  tunnel_ = make_tunnel_handshake(*options_.proxy, tunnel_target_, options_.port);
  if (!targets_left_.empty()) limit_attempt();
  continue_tunnel();
}

void Connector::on_ready(int, uint32_t) { continue_tunnel(); }

void Connector::continue_tunnel() {
  switch (tunnel_->on_ready(fd_.get())) {
    case TunnelHandshake::Progress::kDone:
      loop_.hand_on(fd_.get());
      return succeed();
    case TunnelHandshake::Progress::kPending: {
      if (const auto rest = tunnel_->rest()) return rest_tunnel(*rest);
      if (loop_.watch(fd_.get(), tunnel_->wants(), this)) return;
      const int refused = errno;
      return fail_with(refused, ConnectStage::kSocket, connect_reason::kNoSocket,
                       EventLoop::not_watched(refused) + ' ' + proxy_name());
    }
    case TunnelHandshake::Progress::kFailed:
      return on_tunnel_failed(tunnel_->error());
  }
}

void Connector::rest_tunnel(Milliseconds delay) {
  loop_.unwatch(fd_.get());
  rest_timer_ = loop_.after(delay, [this] {
    rest_timer_ = 0;
    continue_tunnel();
  });
}

// Each address gets its part of the time that is left.
void Connector::limit_attempt() {
  if (options_.timeout.count() == 0) return;
  const auto left =
      std::chrono::duration_cast<Milliseconds>(deadline_ - std::chrono::steady_clock::now());
  const auto share = left / static_cast<int>(targets_left_.size() + 1);
  attempt_timer_ = loop_.after(std::max(share, Milliseconds(1)), [this] {
    attempt_timer_ = 0;
    try_next_target("SOCKS5 proxy, asked for " + authority_of(tunnel_target_, options_.port) +
                    ": no answer");
  });
}

// Asks the proxy, over another connection, for the next address of the target. False if there is none.
bool Connector::try_next_target(const std::string& why) {
  if (targets_left_.empty()) return false;
  targets_failed_ += why + "; ";
  tunnel_target_ = targets_left_.back().text();
  targets_left_.pop_back();
  loop_.cancel(std::exchange(attempt_timer_, 0));
  loop_.cancel(std::exchange(rest_timer_, 0));
  tunnel_.reset();
  loop_.unwatch(fd_.get());
  fd_.reset();
  dial(proxy_addresses_);
  return true;
}

void Connector::on_tunnel_failed(TunnelError tunnel_error) {
  if (tunnel_error.of_target && try_next_target(tunnel_error.detail)) return;
  ConnectError error;
  error.code = tunnel_error.code;
  error.reason = tunnel_error.reason;
  error.detail = proxy_name() + ": " + targets_failed_ + tunnel_error.detail;
  error.errno_name = tunnel_error.errno_name;
  error.address = options_.proxy->host;
  error.port = options_.proxy->port;
  error.status = tunnel_error.status;
  error.stage = ConnectStage::kProxy;
  fail(std::move(error));
}

std::string Connector::proxy_name() const {
  return "proxy " + authority_of(options_.proxy->host, options_.proxy->port);
}

void Connector::on_deadline() {
  deadline_timer_ = 0;
  const std::string limit =
      " (no answer within " + std::to_string(options_.timeout.count()) + " ms)";
  if (dialer_) {
    std::vector<AttemptError> attempts = dialer_->failures();
    for (const Address& address : dialer_->pending()) {
      attempts.push_back({address, ConnectStage::kConnect, ETIMEDOUT, connect_reason::kConnect,
                          "connect " + address.text_with_port() + limit});
    }
    return fail_dialing(std::move(attempts), true);
  }
  ConnectError error;
  error.code = connect_code::kDeadline;
  error.stage = stage_;
  error.timed_out = true;
  if (stage_ == ConnectStage::kProxy) {
    error.reason = kProxyReason;
    error.detail = proxy_name() + ": " + targets_failed_ + "asked for " +
                   authority_of(tunnel_target_, options_.port) + limit;
    error.address = options_.proxy->host;
    error.port = options_.proxy->port;
  } else {
    ResolveError asked;
    asked.family = options_.family;
    error.reason = asked.reason();
    error.detail = "getaddrinfo " + resolving_ + limit;
    error.address = resolving_;
    error.port = options_.port;
  }
  fail(std::move(error));
}

void Connector::succeed() {
  connected_.fd = std::move(fd_);
  finish(std::move(connected_));
}

void Connector::fail_with(int number, ConnectStage stage, const char* reason,
                          const std::string& detail) {
  ConnectError error;
  error.code = error.errno_name = errno_name(number);
  error.reason = reason;
  error.detail = detail;
  error.address = options_.unix_path.empty() ? options_.host : options_.unix_path;
  error.port = options_.unix_path.empty() ? options_.port : uint16_t{0};
  error.stage = stage;
  fail(std::move(error));
}

void Connector::fail_resolving(const std::string& host, uint16_t port, const ResolveError& cause) {
  ConnectError error;
  error.code = error.errno_name = cause.code;
  error.reason = cause.reason();
  if (error.reason == connect_reason::kAddressFamily) error.code = connect_code::kAddressFamily;
  error.detail = cause.message;
  error.address = host;
  error.port = port;
  error.stage = ConnectStage::kResolve;
  fail(std::move(error));
}

void Connector::fail_dialing(std::vector<AttemptError> attempts, bool timed_out) {
  // Those that our deadline has ended come last.
  const AttemptError& telling = timed_out ? attempts.back() : most_telling(attempts);
  ConnectError error;
  error.code = error.errno_name = errno_name(telling.error);
  error.reason = telling.reason;
  error.detail = describe(attempts, telling);
  error.address = telling.address.text();
  error.port = telling.address.port();
  error.stage = telling.stage;
  error.timed_out = timed_out;
  if (telling.reason == connect_reason::kSocketOptions) error.code = connect_code::kSocketOptions;
  if (timed_out) {
    error.code = connect_code::kDeadline;
    error.errno_name.clear();
  }
  error.attempts = std::move(attempts);
  fail(std::move(error));
}

void Connector::fail(ConnectError error) {
  const bool on_the_way =
      error.stage == ConnectStage::kResolve || error.stage == ConnectStage::kConnect;
  if (reaching_proxy_ && on_the_way) {
    if (!error.timed_out) error.code = connect_code::kProxyConnectionFailed;
    if (error.reason == connect_reason::kConnect) error.reason = kProxyReason;
    error.detail = proxy_name() + ": " + error.detail;
  }
  finish(std::move(error));
}

void Connector::finish(ConnectResult result) {
  stop();
  const Callback callback = std::exchange(callback_, nullptr);
  callback(std::move(result));
}

}  // namespace vws
