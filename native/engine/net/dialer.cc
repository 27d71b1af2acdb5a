#include "engine/net/dialer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/os/error_names.h"

namespace vws {

namespace {

// A Unix listener whose queue is full answers at once, and nothing tells when there is room again.
constexpr Milliseconds kBusyRetry{10};
// After this long it is taken to be stuck, as TCP's own connection attempts end some time.
constexpr std::chrono::seconds kBusyLimit{30};

}  // namespace

Dialer::Dialer(EventLoop& loop, std::vector<Address> addresses, DialOptions options,
               Callback callback)
    : loop_(loop),
      addresses_(std::move(addresses)),
      options_(std::move(options)),
      callback_(std::move(callback)) {}

Dialer::~Dialer() { drop_all(); }

void Dialer::start() { try_next(); }

std::vector<Address> Dialer::pending() const {
  std::vector<Address> addresses;
  for (const auto& attempt : attempts_) addresses.push_back(attempt->address);
  return addresses;
}

void Dialer::try_next() {
  loop_.cancel(std::exchange(next_timer_, 0));
  while (next_ < addresses_.size()) {
    auto attempt = std::make_unique<Attempt>();
    attempt->address = addresses_[next_++];
    const Step step = open(*attempt);
    if (step == Step::kFailed) continue;
    if (step == Step::kConnected) return finish(std::move(attempt));
    attempts_.push_back(std::move(attempt));
    if (next_ < addresses_.size()) {
      next_timer_ = loop_.after(options_.attempt_delay, [this] { try_next(); });
    }
    return;
  }
  if (attempts_.empty()) finish(nullptr);
}

Dialer::Step Dialer::open(Attempt& attempt) {
  const int family = attempt.address.family();
  const std::string target = ' ' + attempt.address.text_with_port();
  attempt.fd.reset(options_.calls->open(family));
  if (!attempt.fd) {
    const int error = errno;
    const bool no_family = error == EAFNOSUPPORT;
    return fail(attempt, ConnectStage::kSocket, error,
                no_family ? connect_reason::kAddressFamily : connect_reason::kNoSocket,
                "socket " + errno_name(error) + target);
  }
  const int fd = attempt.fd.get();
  if (const int error = set_options(fd, family)) {
    return fail(attempt, ConnectStage::kSocket, error, connect_reason::kSocketOptions,
                "setsockopt " + errno_name(error) + target);
  }
  if (const int error = bind_local(fd)) {
    return fail(attempt, ConnectStage::kSocket, error, connect_reason::kBind,
                "bind " + errno_name(error) + ' ' + options_.local->text_with_port());
  }
  return connect(attempt);
}

int Dialer::set_options(int fd, int family) {
  SocketCalls& calls = *options_.calls;
  if (family != AF_INET && family != AF_INET6) return 0;
  if (calls.set_option(fd, os::SocketOption::kNoDelay, 1) != 0) return errno;
  if (!options_.keep_alive) return 0;
  if (calls.set_option(fd, os::SocketOption::kKeepAlive, 1) != 0) return errno;
  const int delay = options_.keep_alive_delay;
  if (delay <= 0) return 0;
  return calls.set_option(fd, os::SocketOption::kKeepAliveDelay, delay) == 0 ? 0 : errno;
}

int Dialer::bind_local(int fd) {
  if (!options_.local) return 0;
  // If the system does not have it, nothing is wrong.
  if (options_.local->port() == 0) {
    options_.calls->set_option(fd, os::SocketOption::kLatePort, 1);
  }
  return options_.calls->bind(fd, options_.local->data(), options_.local->size()) == 0 ? 0 : errno;
}

Dialer::Step Dialer::connect(Attempt& attempt) {
  const int fd = attempt.fd.get();
  const Address& address = attempt.address;
  if (options_.calls->connect(fd, address.data(), address.size()) == 0) {
    return finish_connect(attempt);
  }
  const int error = errno;
  if (error == EAGAIN && address.family() == AF_UNIX) return retry_later(attempt);
  // An interrupted connect() goes on in the background.
  if (error != EINPROGRESS && error != EINTR) {
    return fail(attempt, ConnectStage::kConnect, error, connect_reason::kConnect,
                "connect " + errno_name(error) + ' ' + address.text_with_port());
  }
  // On this host it is done by now, though connect() says otherwise.
  attempt.peer = Address::peer_of(fd);
  if (!attempt.peer.empty()) return finish_connect(attempt);
  if (!loop_.watch(fd, kWritable, this)) {
    const int refused = errno;
    return fail(attempt, ConnectStage::kSocket, refused, connect_reason::kNoSocket,
                EventLoop::not_watched(refused) + ' ' + address.text_with_port());
  }
  return Step::kPending;
}

Dialer::Step Dialer::retry_later(Attempt& attempt) {
  const TimePoint now = Clock::now();
  if (!attempt.busy_since) attempt.busy_since = now;
  if (now - *attempt.busy_since > kBusyLimit) {
    return fail(attempt, ConnectStage::kConnect, EAGAIN, connect_reason::kConnect,
                "connect EAGAIN " + attempt.address.text_with_port());
  }
  attempt.busy_timer =
      loop_.after(kBusyRetry, [this, fd = attempt.fd.get()] { on_busy_timer(fd); });
  return Step::kPending;
}

Dialer::Step Dialer::finish_connect(Attempt& attempt) {
  const int fd = attempt.fd.get();
  if (attempt.peer.empty()) attempt.peer = Address::peer_of(fd);
  attempt.local = Address::local_of(fd);
  int error = attempt.peer.empty() ? os::connect_error_of(fd) : 0;
  // On loopback, a free port of the range that the system takes local ports from may be given to
  // the very socket that connects to it: TCP then connects it to itself. Nobody listens there.
  if (error == 0 && attempt.peer.is_ip() && attempt.peer == attempt.local) error = ECONNREFUSED;
  if (error == 0) return Step::kConnected;
  return fail(attempt, ConnectStage::kConnect, error, connect_reason::kConnect,
              "connect " + errno_name(error) + ' ' + attempt.address.text_with_port());
}

Dialer::Step Dialer::fail(const Attempt& attempt, ConnectStage stage, int error, const char* reason,
                          const std::string& what) {
  failures_.push_back(AttemptError{attempt.address, stage, error, reason, what});
  return Step::kFailed;
}

void Dialer::on_ready(int fd, uint32_t) {
  const size_t index = index_of(fd);
  settle(index, finish_connect(*attempts_[index]));
}

void Dialer::on_busy_timer(int fd) {
  const size_t index = index_of(fd);
  attempts_[index]->busy_timer = 0;
  settle(index, connect(*attempts_[index]));
}

void Dialer::settle(size_t index, Step step) {
  if (step == Step::kPending) return;
  if (step == Step::kFailed) {
    drop(index);
    return try_next();
  }
  std::unique_ptr<Attempt> winner = std::move(attempts_[index]);
  attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(index));
  loop_.hand_on(winner->fd.get());
  finish(std::move(winner));
}

size_t Dialer::index_of(int fd) const {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [fd](const auto& attempt) { return attempt->fd.get() == fd; });
  return static_cast<size_t>(found - attempts_.begin());
}

void Dialer::drop(size_t index) {
  Attempt& attempt = *attempts_[index];
  loop_.cancel(attempt.busy_timer);
  if (attempt.fd) loop_.unwatch(attempt.fd.get());
  attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Dialer::drop_all() {
  loop_.cancel(std::exchange(next_timer_, 0));
  while (!attempts_.empty()) drop(attempts_.size() - 1);
}

void Dialer::finish(std::unique_ptr<Attempt> winner) {
  drop_all();
  const Callback callback = std::exchange(callback_, nullptr);
  Outcome outcome;
  if (winner) {
    outcome.fd = std::move(winner->fd);
    outcome.local = winner->local;
    outcome.peer = winner->peer;
  }
  outcome.failures = std::move(failures_);
  callback(std::move(outcome));
}

}  // namespace vws
